#include <string.h>

#include <webp/decode.h>

#include "shard/image/image_codec.h"

enum { RIFF_HEADER_BYTES = 12 }; // "RIFF", bytes that follow, "WEBP"

static bool webp_begins(struct span file)
{
    return file.n_bytes >= RIFF_HEADER_BYTES && memcmp(file.data, "RIFF", 4) == 0 &&
           memcmp(file.data + 8, "WEBP", 4) == 0;
}

static uint32_t read_u32(const uint8_t *at)
{
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static const char *status_text(VP8StatusCode status)
{
    switch (status) {
    case VP8_STATUS_OK:
        return "done";
    case VP8_STATUS_OUT_OF_MEMORY:
        return "out of memory";
    case VP8_STATUS_INVALID_PARAM:
        return "invalid parameter";
    case VP8_STATUS_BITSTREAM_ERROR:
        return "damaged";
    case VP8_STATUS_UNSUPPORTED_FEATURE:
        return "feature that is not read";
    case VP8_STATUS_SUSPENDED:
    case VP8_STATUS_NOT_ENOUGH_DATA:
        return "cut short";
    case VP8_STATUS_USER_ABORT:
        return "aborted";
    }
    return "unknown error";
}

static enum err webp_header(struct span file, struct image_info *out)
{
    const uint32_t riff_bytes = read_u32(file.data + 4);
    if (riff_bytes > file.n_bytes - 8)
        return fail(ERR_DATA, "WebP: cut short: %zu bytes of %llu", file.n_bytes,
                    (unsigned long long)riff_bytes + 8);
    WebPBitstreamFeatures features;
    const VP8StatusCode status = WebPGetFeatures(file.data, file.n_bytes, &features);
    if (status != VP8_STATUS_OK) return fail(ERR_DATA, "WebP: %s", status_text(status));
    if (features.has_animation) return fail(ERR_DATA, "WebP: animations are not read");
    out->width = (uint32_t)features.width;
    out->height = (uint32_t)features.height;
    out->has_alpha = features.has_alpha;
    out->channels = features.has_alpha ? 4 : 3;
    return OK;
}

static enum err webp_decode(struct span file, const struct image_info *info, struct arena *a,
                            struct image_pixels *out)
{
    (void)a;
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return fail(ERR_DATA, "WebP: library of another version");
    config.output.colorspace = MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->rgb;
    config.output.u.RGBA.stride = (int)info->width * 3;
    config.output.u.RGBA.size = (size_t)info->width * 3 * info->height;
    const VP8StatusCode status = WebPDecode(file.data, file.n_bytes, &config);
    if (status != VP8_STATUS_OK) return fail(ERR_DATA, "WebP: %s", status_text(status));
    return OK;
}

const struct image_codec image_codec_webp = {IMAGE_WEBP, webp_begins, webp_header, webp_decode};
