#pragma once
// Images as training sees them: a JPEG, PNG or WebP file becomes pixels [height, width, 3] u8, what
// Pillow's Image.open(file).convert("RGB") gives: palettes are looked up, grey is repeated, alpha
// is dropped (the colour below it stays), CMYK is converted, 16-bit colour keeps its high byte,
// 16-bit grey saturates at 255; EXIF orientation, colour profiles and gamma are ignored. Sizes are
// known from the header alone, and are checked there, before anything is allocated.
//
//     struct image_info info;
//     TRY(image_header(file, &image_limits_default, &info)); // a few hundred bytes read
//     struct image_pixels pixels;
//     TRY(image_decode(file, &image_limits_default, &arena, &pixels));
//
// Not read: animated WebP, JPEG of more than 8 bits a sample, lossless and hierarchical JPEG.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

#define IMAGE_FORMAT_TABLE(X) \
    X(IMAGE_JPEG, "JPEG")     \
    X(IMAGE_PNG, "PNG")       \
    X(IMAGE_WEBP, "WebP")

enum image_format {
#define X(name, text) name,
    IMAGE_FORMAT_TABLE(X)
#undef X
        IMAGE_FORMAT_N
};

struct image_limits {
    uint64_t max_bytes;  // of the file
    uint64_t max_pixels; // width * height
    uint32_t max_side;   // width, height
};

/// 64 MiB, 89,478,485 pixels (where Pillow begins to warn of bombs), 65,500 pixels a side.
extern const struct image_limits image_limits_default;

struct image_info {
    enum image_format format;
    uint32_t width, height; // at least 1
    uint32_t channels; // as stored: 1 grey, 2 grey and alpha, 3 colour or palette, 4 (JPEG: CMYK)
    bool has_alpha;    // an alpha channel, or transparent colours (PNG's tRNS)
};

struct image_pixels {
    uint32_t width, height;
    uint8_t *rgb; // [height, width, 3]
};

/// "JPEG" for IMAGE_JPEG. Can't fail.
const char *image_format_name(enum image_format format);

/// What the file's header says; reads nothing behind it and allocates nothing. Local. Errors:
/// ERR_DATA: not an image, a header that is cut or contradicts itself, a kind that is not read, or
/// beyond the limits (the line says which and by how much).
enum err image_header(struct span file, const struct image_limits *limits,
                      struct image_info *out) MUST_CHECK;

/// The pixels of file, in a. Whole or an error: pixels of a file that is cut or damaged are never
/// given out. Memory: 3 bytes a pixel in a (interlaced PNG: up to 11), while decoding at most
/// IMAGE_DECODE_BYTES_A_PIXEL more and some MiB from the library (progressive JPEG). Local. Errors:
/// as image_header; ERR_DATA in the library's words.
enum err image_decode(struct span file, const struct image_limits *limits, struct arena *a,
                      struct image_pixels *out) MUST_CHECK;

enum { IMAGE_DECODE_BYTES_A_PIXEL = 16 };
