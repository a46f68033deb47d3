#pragma once
// What every kernel's file compiles for its own instruction set: tiles of c in and out of memory,
// and plain packing into f32 strips.
//
//   A strip  [k / 32][rows][32]      B strip  [k / 32][32][columns]
//
// bf16 becomes f32, and the 32 k of a group are stored even ones first, in the order of their
// chains.

#include <string.h>

#include "base/size.h"
#include "trainer/kernel/matmul_kernel.h"

static inline const void *matmul_tile_at(enum dtype type, const void *base, size_t index)
{
    return (const char *)base + index * dtype_bytes(type);
}

// The edges of a product cut tiles off. Bodies are inlined twice, once with a whole tile's constant
// width: that one compiles to a few vector moves.
#define MATMUL_TILE_INLINE static inline __attribute__((always_inline))

MATMUL_TILE_INLINE void matmul_tile_load_rows(const float *from, size_t from_stride, float *c,
                                              size_t c_stride, size_t n_rows, size_t n_columns)
{
    for (size_t r = 0; r < n_rows; r++)
        memcpy(c + r * c_stride, from + r * from_stride, n_columns * sizeof *c);
}

static inline void matmul_tile_load(const struct matmul *m, size_t i, size_t j, float *c,
                                    size_t rows, size_t columns)
{
    const size_t n_rows = size_min(rows, m->m - i), n_columns = size_min(columns, m->n - j);
    const bool whole = n_rows == rows && n_columns == columns;
    if (!whole || !m->accumulate) memset(c, 0, rows * columns * sizeof *c);
    if (!m->accumulate) return;
    const float *from = (const float *)m->out + i * m->out_row_stride + j;
    if (whole)
        matmul_tile_load_rows(from, m->out_row_stride, c, columns, rows, columns);
    else
        matmul_tile_load_rows(from, m->out_row_stride, c, columns, n_rows, n_columns);
}

// As bf16_from_f32, without a branch so that loops vectorise.
static inline uint16_t matmul_tile_round(float f)
{
    const uint32_t bits = vmath_bits(f);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const uint32_t quiet = (bits >> 16) | 0x40u;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

MATMUL_TILE_INLINE void matmul_tile_store_row(const struct matmul *m, const float *restrict c,
                                              size_t index, size_t n)
{
    if (m->out_type == DTYPE_F32) {
        memcpy((float *)m->out + index, c, n * sizeof *c);
        return;
    }
    uint16_t *restrict out = (uint16_t *)m->out + index;
    for (size_t j = 0; j < n; j++)
        out[j] = matmul_tile_round(c[j]);
}

// c + bias; the type's flush mode is set.
static inline void matmul_tile_add_bias(const struct matmul *m, size_t j, const float *c,
                                        float *restrict sum, size_t n)
{
    const float *restrict wide = (const float *)m->bias;
    const uint16_t *restrict narrow = (const uint16_t *)m->bias;
    for (size_t x = 0; x < n; x++)
        sum[x] = c[x] + (m->type == DTYPE_F32 ? wide[j + x] : bf16_to_f32(narrow[j + x]));
}

static inline void matmul_tile_store(const struct matmul *m, size_t i, size_t j, const float *c,
                                     size_t rows, size_t columns)
{
    const size_t n_rows = size_min(rows, m->m - i), n_columns = size_min(columns, m->n - j);
    for (size_t r = 0; r < n_rows; r++, c += columns) {
        float sums[MATMUL_MAX_COLUMNS];
        const float *row = c;
        if (m->bias) {
            matmul_tile_add_bias(m, j, c, sums, n_columns);
            row = sums;
        }
        const size_t index = (i + r) * m->out_row_stride + j;
        if (n_columns == columns)
            matmul_tile_store_row(m, row, index, columns);
        else
            matmul_tile_store_row(m, row, index, n_columns);
    }
}

// Where k of a group of 32 is stored.
static inline size_t matmul_tile_slot(enum dtype type, size_t k)
{
    return type == DTYPE_BF16 ? (k & 1) * (MATMUL_GROUP / 2) + k / 2 : k;
}

static inline float matmul_tile_value(enum dtype type, const void *base, size_t index)
{
    return type == DTYPE_BF16 ? bf16_to_f32(((const uint16_t *)base)[index])
                              : ((const float *)base)[index];
}

static inline void matmul_tile_pack_a(const struct matmul *m, enum dtype type, size_t i,
                                      size_t n_rows, size_t k, size_t n_k, float *restrict panel,
                                      size_t rows)
{
    const size_t strip_elems = rows * size_align(n_k, MATMUL_GROUP);
    memset(panel, 0, size_ceil_div(n_rows, rows) * strip_elems * sizeof *panel);
    for (size_t r = 0; r < n_rows; r++) {
        float *to = panel + r / rows * strip_elems + r % rows * MATMUL_GROUP;
        const size_t from = (i + r) * m->a_row_stride + k * m->a_k_stride;
        for (size_t x = 0; x < n_k; x++)
            to[x / MATMUL_GROUP * rows * MATMUL_GROUP + matmul_tile_slot(type, x % MATMUL_GROUP)] =
                matmul_tile_value(type, m->a, from + x * m->a_k_stride);
    }
}

static inline void matmul_tile_pack_b(const struct matmul *m, enum dtype type, size_t j,
                                      size_t n_columns, size_t k, size_t n_k, float *restrict strip,
                                      size_t columns)
{
    memset(strip, 0, columns * size_align(n_k, MATMUL_GROUP) * sizeof *strip);
    for (size_t x = 0; x < n_k; x++) {
        const size_t slot =
            x / MATMUL_GROUP * MATMUL_GROUP + matmul_tile_slot(type, x % MATMUL_GROUP);
        const size_t from = j * m->b_row_stride + (k + x) * m->b_k_stride;
        for (size_t y = 0; y < n_columns; y++)
            strip[slot * columns + y] = matmul_tile_value(type, m->b, from + y * m->b_row_stride);
    }
}
