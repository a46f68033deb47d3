#pragma once
// The two passes of a resize, as kernels of each instruction set see them. Used by resize*.c alone.
//
// A weight k is a signed number of 22 fractional bits, |k| < 2^23. Vector kernels multiply pixels
// by parts of it that their narrow multiply-adds take, and put the sums together at the end. That
// is exact: sums may wrap around, their total does not.
//     AVX2         k = high * 2^12 + low           16-bit pixels, two taps an instruction
//     AVX-512 VNNI k = byte[2] * 2^16 + byte[1] * 2^8 + byte[0], signed bytes    8 bits, four taps

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    RESIZE_BITS = 22,
    RESIZE_LOW_BITS = 12,
    RESIZE_WEIGHT_BYTES = 3,
    RESIZE_ROWS = 4,        // that the horizontal pass takes at once
    RESIZE_TAPS_ALIGN = 16, // taps of an output are padded with weights of 0 to a multiple of this
    RESIZE_OVERREAD = 64    // bytes behind a row that the horizontal pass may read
};

struct resize_taps {
    uint32_t n;                        // outputs
    uint32_t stride;                   // taps an output, padded
    uint32_t *first;                   // [n] input of the first tap
    uint32_t *count;                   // [n] taps, at least 1
    int32_t *weight;                   // [n, stride]
    int16_t *high, *low;               // [n, stride]
    int8_t *byte[RESIZE_WEIGHT_BYTES]; // [n, stride]
};

/// Rows of RGB pixels to rows of taps->n pixels. A row may stand more than once in both lists.
typedef void (*resize_rows_fn)(const struct resize_taps *taps, const uint8_t *const in[RESIZE_ROWS],
                               uint8_t *const out[RESIZE_ROWS]);
/// Output row y of row_bytes bytes from rows of in, row_bytes apart.
typedef void (*resize_column_fn)(const struct resize_taps *taps, uint32_t y, const uint8_t *in,
                                 size_t row_bytes, uint8_t *out);

struct resize_kernel {
    const char *name;
    bool (*supported)(void);
    resize_rows_fn rows;
    resize_column_fn column;
};

extern const struct resize_kernel resize_kernel_scalar, resize_kernel_avx2, resize_kernel_avx512;

/// A sum of 22 fractional bits, the half for rounding included, as a pixel. Can't fail.
static inline uint8_t resize_clip(int32_t sum)
{
    const int32_t value = sum >> RESIZE_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/// Bytes [from, row_bytes) of output row y, in plain C.
void resize_column_scalar(const struct resize_taps *taps, uint32_t y, const uint8_t *in,
                          size_t row_bytes, size_t from, uint8_t *out);
