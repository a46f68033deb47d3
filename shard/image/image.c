#include "shard/image/image.h"

#include <inttypes.h>

#include "base/size.h"
#include "shard/image/image_codec.h"

const struct image_limits image_limits_default = {
    .max_bytes = 64 << 20, .max_pixels = 89478485, .max_side = 65500};

static const struct image_codec *const CODECS[] = {&image_codec_jpeg, &image_codec_png,
                                                   &image_codec_webp};

const char *image_format_name(enum image_format format)
{
    static const char *const names[] = {
#define X(name, text) text,
        IMAGE_FORMAT_TABLE(X)
#undef X
    };
    ASSERT(format < IMAGE_FORMAT_N);
    return names[format];
}

static const struct image_codec *find_codec(struct span file)
{
    for (size_t i = 0; i < sizeof CODECS / sizeof *CODECS; i++)
        if (CODECS[i]->begins(file)) return CODECS[i];
    return NULL;
}

static enum err check_limits(const struct image_info *info, const struct image_limits *limits)
{
    const char *name = image_format_name(info->format);
    const uint32_t width = info->width, height = info->height;
    if (width == 0 || height == 0)
        return fail(ERR_DATA, "%s of %" PRIu32 "x%" PRIu32 " pixels", name, width, height);
    if (width > limits->max_side || height > limits->max_side)
        return fail(ERR_DATA, "%s of %" PRIu32 "x%" PRIu32 " pixels: a side has at most %" PRIu32,
                    name, width, height, limits->max_side);
    if ((uint64_t)width * height > limits->max_pixels)
        return fail(ERR_DATA, "%s of %" PRIu32 "x%" PRIu32 " pixels: an image has at most %" PRIu64,
                    name, width, height, limits->max_pixels);
    return OK;
}

static enum err read_header(struct span file, const struct image_limits *limits,
                            const struct image_codec **codec, struct image_info *out)
{
    if (file.n_bytes > limits->max_bytes)
        return fail(ERR_DATA, "image of %zu bytes: at most %" PRIu64, file.n_bytes,
                    limits->max_bytes);
    *codec = find_codec(file);
    if (*codec == NULL) return fail(ERR_DATA, "not a JPEG, PNG or WebP image");
    struct image_info info = {.format = (*codec)->format};
    TRY((*codec)->header(file, &info));
    TRY(check_limits(&info, limits));
    *out = info;
    return OK;
}

enum err image_header(struct span file, const struct image_limits *limits, struct image_info *out)
{
    const struct image_codec *codec;
    return read_header(file, limits, &codec, out);
}

enum err image_decode(struct span file, const struct image_limits *limits, struct arena *a,
                      struct image_pixels *out)
{
    const struct image_codec *codec;
    struct image_info info;
    TRY(read_header(file, limits, &codec, &info));
    size_t n_bytes;
    if (!size_mul((size_t)info.width * 3, info.height, &n_bytes))
        return fail(ERR_DATA, "image too large");
    struct image_pixels pixels = {.width = info.width, .height = info.height};
    pixels.rgb = arena_alloc(a, n_bytes, 64);
    TRY(codec->decode(file, &info, a, &pixels));
    *out = pixels;
    return OK;
}
