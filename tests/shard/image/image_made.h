#pragma once
// Small image files made by the libraries' encoders, for tests and as a fuzzer's first corpus.

#include <stdio.h>

#include <jpeglib.h>
#include <png.h>
#include <webp/encode.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/span.h"
#include "tests/check.h"

enum { IMAGE_MADE_BYTES = 1 << 20 };

/// Seeded samples [height, width, channels]: gradients with some noise.
static inline uint8_t *image_made_samples(struct arena *a, uint32_t width, uint32_t height,
                                          uint32_t channels, uint64_t key)
{
    uint8_t *out = arena_array(a, (size_t)width * height, channels, 1);
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            for (uint32_t c = 0; c < channels; c++) {
                const uint64_t noise = rng_u64(key, (uint64_t)y << 32 | x, c);
                out[((size_t)y * width + x) * channels + c] =
                    (uint8_t)(noise % 5 ? x * (c + 1) + y * 3 : noise >> 8);
            }
    return out;
}

struct image_made_png {
    int colour, bits;
    bool interlaced, transparent;
};

static inline void image_made_put(png_structp png, png_bytep data, size_t n_bytes)
{
    struct span *out = png_get_io_ptr(png);
    CHECK(out->n_bytes + n_bytes <= IMAGE_MADE_BYTES);
    memcpy((uint8_t *)(uintptr_t)out->data + out->n_bytes, data, n_bytes);
    out->n_bytes += n_bytes;
}

/// Rows of width samples of bits each, packed as PNG packs them; a palette is i, 255 - i, 7 i.
static inline struct span image_made_png(struct arena *a, uint32_t width, uint32_t height,
                                         const struct image_made_png *kind, const uint8_t *samples,
                                         size_t row_bytes)
{
    struct span out = {arena_alloc(a, IMAGE_MADE_BYTES, 1), 0};
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_set_write_fn(png, &out, image_made_put, NULL);
    png_set_IHDR(png, info, width, height, kind->bits, kind->colour,
                 kind->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_color palette[256];
    for (int i = 0; i < 256; i++)
        palette[i] = (png_color){(png_byte)i, (png_byte)(255 - i), (png_byte)(7 * i)};
    if (kind->colour == PNG_COLOR_TYPE_PALETTE) png_set_PLTE(png, info, palette, 1 << kind->bits);
    const png_byte alpha[1] = {0};
    const png_color_16 colour = {0};
    if (kind->transparent) png_set_tRNS(png, info, alpha, 1, &colour);
    png_write_info(png, info);
    const int n_passes = png_set_interlace_handling(png);
    for (int pass = 0; pass < n_passes; pass++)
        for (uint32_t y = 0; y < height; y++)
            png_write_row(png, samples + y * row_bytes);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    return out;
}

/// channels 1, 3 or 4 (CMYK).
static inline struct span image_made_jpeg(struct arena *a, uint32_t width, uint32_t height,
                                          int channels, bool progressive, const uint8_t *samples)
{
    unsigned char *bytes = arena_alloc(a, IMAGE_MADE_BYTES, 1);
    unsigned long n_bytes = IMAGE_MADE_BYTES;
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &bytes, &n_bytes);
    jpeg.image_width = width;
    jpeg.image_height = height;
    jpeg.input_components = channels;
    jpeg.in_color_space = channels == 1 ? JCS_GRAYSCALE : channels == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    if (progressive) jpeg_simple_progression(&jpeg);
    jpeg_start_compress(&jpeg, TRUE);
    for (uint32_t y = 0; y < height; y++) {
        uint8_t *row = (uint8_t *)(uintptr_t)samples + (size_t)y * width * (size_t)channels;
        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    return (struct span){bytes, n_bytes};
}

/// channels 3 or 4.
static inline struct span image_made_webp(struct arena *a, uint32_t width, uint32_t height,
                                          int channels, bool lossless, const uint8_t *samples)
{
    const int w = (int)width, h = (int)height;
    uint8_t *bytes = NULL;
    size_t n_bytes;
    if (channels == 3)
        n_bytes = lossless ? WebPEncodeLosslessRGB(samples, w, h, w * 3, &bytes)
                           : WebPEncodeRGB(samples, w, h, w * 3, 80, &bytes);
    else
        n_bytes = lossless ? WebPEncodeLosslessRGBA(samples, w, h, w * 4, &bytes)
                           : WebPEncodeRGBA(samples, w, h, w * 4, 80, &bytes);
    CHECK(n_bytes > 0);
    uint8_t *copy = arena_alloc(a, n_bytes, 1);
    memcpy(copy, bytes, n_bytes);
    WebPFree(bytes);
    return (struct span){copy, n_bytes};
}

enum { IMAGE_MADE_FILES = 17 };

/// A file of each kind, of width x height.
static inline void image_made_all(struct arena *a, uint32_t width, uint32_t height, uint64_t key,
                                  struct span files[IMAGE_MADE_FILES])
{
    static const struct image_made_png kinds[] = {
        {PNG_COLOR_TYPE_GRAY, 1, false, false},       {PNG_COLOR_TYPE_GRAY, 4, true, true},
        {PNG_COLOR_TYPE_GRAY, 8, false, false},       {PNG_COLOR_TYPE_GRAY, 16, false, false},
        {PNG_COLOR_TYPE_GRAY_ALPHA, 8, false, false}, {PNG_COLOR_TYPE_PALETTE, 2, false, false},
        {PNG_COLOR_TYPE_PALETTE, 8, true, true},      {PNG_COLOR_TYPE_RGB, 8, false, false},
        {PNG_COLOR_TYPE_RGB, 16, true, false},        {PNG_COLOR_TYPE_RGB_ALPHA, 8, false, false}};
    enum { PNGS = sizeof kinds / sizeof *kinds };
    const uint8_t *samples = image_made_samples(a, width, height, 8, key);
    size_t n = 0;
    for (; n < PNGS; n++)
        files[n] = image_made_png(a, width, height, &kinds[n], samples, (size_t)width * 8);
    files[n++] = image_made_jpeg(a, width, height, 1, false, samples);
    files[n++] = image_made_jpeg(a, width, height, 3, false, samples);
    files[n++] = image_made_jpeg(a, width, height, 3, true, samples);
    files[n++] = image_made_jpeg(a, width, height, 4, false, samples);
    files[n++] = image_made_webp(a, width, height, 3, false, samples);
    files[n++] = image_made_webp(a, width, height, 4, true, samples);
    files[n++] = image_made_webp(a, width, height, 4, false, samples);
    CHECK(n == IMAGE_MADE_FILES);
}
