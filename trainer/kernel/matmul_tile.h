#pragma once
// What every kernel's file compiles for its own instruction set: tiles of c in and out of memory, and
// plain packing into f32 strips.
//
//   A strip  [k / 32][rows][32]      B strip  [k / 32][32][columns]
//
// bf16 becomes f32, and the 32 k of a group are stored even ones first, in the order of their chains.

#include <string.h>

#include "base/size.h"
#include "trainer/kernel/matmul_kernel.h"

static inline const void *matmul_tile_at(enum dtype type, const void *base, size_t index)
{
    return (const char *)base + index * dtype_bytes(type);
}

static inline void matmul_tile_load(const struct matmul *m, size_t i, size_t j, float *c,
                                    size_t rows, size_t columns)
{
    const size_t n_rows = size_min(rows, m->m - i), n_columns = size_min(columns, m->n - j);
    memset(c, 0, rows * columns * sizeof *c);
    if (!m->accumulate) return;
    for (size_t r = 0; r < n_rows; r++)
        memcpy(c + r * columns, (const float *)m->out + (i + r) * m->out_row_stride + j,
               n_columns * sizeof *c);
}

// As bf16_from_f32, without a branch so that loops vectorise.
static inline uint16_t matmul_tile_round(float f)
{
    const uint32_t bits = vmath_bits(f);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const uint32_t quiet = (bits >> 16) | 0x40u;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

static inline void matmul_tile_store_row(const struct matmul *m, const float *restrict c,
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

// Under the type's flush mode, which the caller has set.
static inline void matmul_tile_add_bias(const struct matmul *m, size_t j, float *restrict row,
                                        size_t n)
{
    const float *restrict wide = (const float *)m->bias;
    const uint16_t *restrict narrow = (const uint16_t *)m->bias;
    for (size_t x = 0; x < n; x++)
        row[x] += m->type == DTYPE_F32 ? wide[j + x] : bf16_to_f32(narrow[j + x]);
}

static inline void matmul_tile_store(const struct matmul *m, size_t i, size_t j, const float *c,
                                     size_t rows, size_t columns)
{
    const size_t n_rows = size_min(rows, m->m - i), n_columns = size_min(columns, m->n - j);
    for (size_t r = 0; r < n_rows; r++) {
        float row[MATMUL_MAX_COLUMNS];
        const float *from = c + r * columns;
        if (m->bias) {
            memcpy(row, from, n_columns * sizeof *row);
            matmul_tile_add_bias(m, j, row, n_columns);
            from = row;
        }
        matmul_tile_store_row(m, from, (i + r) * m->out_row_stride + j, n_columns);
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
