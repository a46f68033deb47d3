#pragma once
// Part of rows_body.h: sums over the rows of a column, rotary positions, embedding.

#include "base/err.h"
#include "trainer/kernel/operand.h"
#include "trainer/kernel/rows.h"
#include "trainer/kernel/vmath.h"

// Columns are walked in strips. Rows 0..31 are one sum in row order, 32..63 the next, and so on;
// a binary counter folds these groups into base/tree.h's tree, level by level:
//
//     group   0    1     2      3             4              end
//     held    0   (01)  (01)2  ((01)(23))    ((01)(23))4    ((01)(23)) + 4
enum { STRIP = 128, GROUP_ROWS = 32, GROUP_LEVELS = 32 };

struct column_sums {
    struct operand x, dy;
    const float *moments, *inverse_rms;
    int wants_gain;
    size_t n_rows, width;
};

struct strip_sums {
    float gain[STRIP], bias[STRIP];
};

static inline void strip_fold(struct strip_sums *a, const struct strip_sums *b)
{
    for (size_t j = 0; j < STRIP; j++)
        a->gain[j] += b->gain[j];
    for (size_t j = 0; j < STRIP; j++)
        a->bias[j] += b->bias[j];
}

static inline void strip_add_gain(const struct column_sums *c, size_t row, size_t first, size_t n,
                                  const float *dy, float *gain)
{
    float buffer[STRIP];
    const float *x = operand_load(c->x, row * c->width + first, n, buffer);
    const float mean = c->moments ? c->moments[2 * row] : 0.0f;
    const float inverse = c->moments ? c->moments[2 * row + 1] : c->inverse_rms[row];
    ROWS_LOOP
    for (size_t j = 0; j < n; j++)
        gain[j] = vmath_fma(dy[j], (x[j] - mean) * inverse, gain[j]);
}

static void strip_group(const struct column_sums *c, size_t group, size_t first, size_t n,
                        struct strip_sums *sums)
{
    float buffer[STRIP];
    const size_t begin = group * GROUP_ROWS;
    const size_t end = c->n_rows - begin < GROUP_ROWS ? c->n_rows : begin + GROUP_ROWS;
    memset(sums, 0, sizeof *sums);
    for (size_t i = begin; i < end; i++) {
        const float *dy = operand_load(c->dy, i * c->width + first, n, buffer);
        if (c->wants_gain) strip_add_gain(c, i, first, n, dy, sums->gain);
        ROWS_LOOP
        for (size_t j = 0; j < n; j++)
            sums->bias[j] += dy[j];
    }
}

static void strip_total(const struct column_sums *c, size_t first, size_t n,
                        struct strip_sums *total)
{
    struct strip_sums held[GROUP_LEVELS];
    size_t n_held = 0;
    for (size_t group = 0; group * GROUP_ROWS < c->n_rows; group++) {
        ASSERT(n_held < GROUP_LEVELS);
        strip_group(c, group, first, n, &held[n_held++]);
        for (size_t left = group; left & 1; left >>= 1, n_held--)
            strip_fold(&held[n_held - 2], &held[n_held - 1]);
    }
    for (; n_held > 1; n_held--)
        strip_fold(&held[n_held - 2], &held[n_held - 1]);
    if (n_held == 1)
        *total = held[0];
    else
        memset(total, 0, sizeof *total);
}

static inline void strip_put(float *out, const float *total, int accumulate, size_t n)
{
    for (size_t j = 0; j < n; j++)
        out[j] = accumulate ? out[j] + total[j] : total[j];
}

static void column_sums(const void *x, enum dtype xt, const void *dy, enum dtype dyt,
                        const float *moments, const float *inverse_rms, float *d_gain,
                        float *d_bias, int accumulate, size_t n_rows, size_t width,
                        size_t first_column, size_t last_column)
{
    ASSERT(!d_gain || (x && (moments || inverse_rms)));
    const struct column_sums c = {{x, xt},        {dy, dyt}, moments, inverse_rms,
                                  d_gain != NULL, n_rows,    width};
    for (size_t first = first_column; first < last_column; first += STRIP) {
        const size_t n = last_column - first < STRIP ? last_column - first : STRIP;
        struct strip_sums total;
        strip_total(&c, first, n, &total);
        if (d_gain) strip_put(d_gain + first, total.gain, accumulate, n);
        if (d_bias) strip_put(d_bias + first, total.bias, accumulate, n);
    }
}

enum { ROPE_PAIRS = 512 }; // largest head_size / 2

struct rope_angles {
    float cosine[ROPE_PAIRS], sine[ROPE_PAIRS];
};

static inline void rope_head(const struct rope_angles *a, const float *x, float *y, size_t half)
{
    ROWS_LOOP
    for (size_t i = 0; i < half; i++) {
        const float left = x[i], right = x[half + i];
        y[i] = vmath_fma(left, a->cosine[i], -(right * a->sine[i]));
        y[half + i] = vmath_fma(right, a->cosine[i], left * a->sine[i]);
    }
}

static void rope(const void *x, enum dtype xt, const int32_t *positions, const float *table,
                 float sign, void *y, enum dtype yt, size_t n_rows, size_t n_heads,
                 size_t head_size)
{
    float x_buffer[2 * ROPE_PAIRS];
    struct rope_angles angles;
    const size_t half = head_size / 2;
    ASSERT(head_size % 2 == 0 && half <= ROPE_PAIRS);
    for (size_t i = 0; i < n_rows; i++) {
        const float *row = table + (size_t)positions[i] * head_size;
        for (size_t j = 0; j < half; j++) {
            angles.cosine[j] = row[2 * j];
            angles.sine[j] = sign * row[2 * j + 1];
        }
        for (size_t h = 0; h < n_heads; h++) {
            const size_t start = (i * n_heads + h) * head_size;
            const float *in = operand_load((struct operand){x, xt}, start, head_size, x_buffer);
            float *out = operand_target((struct target){y, yt}, start, x_buffer);
            rope_head(&angles, in, out, half);
            operand_store((struct target){y, yt}, start, head_size, out);
        }
    }
}

static void embed(const void *table, enum dtype tt, const int32_t *index, void *y, enum dtype yt,
                  size_t n_rows, size_t width)
{
    const char *from = table;
    char *to = y;
    for (size_t i = 0; i < n_rows; i++) {
        const size_t row = (size_t)index[i];
        cast(from + row * width * dtype_bytes(tt), tt, to + i * width * dtype_bytes(yt), yt, width);
    }
}

static inline void embed_gradient_row(struct operand dy, size_t row, float *sum, size_t width)
{
    float buffer[PIECE];
    for (size_t first = 0; first < width; first += PIECE) {
        const size_t n = operand_piece(first, width);
        fold(sum + first, operand_load(dy, row * width + first, n, buffer), n);
    }
}

static void embed_gradient(const int32_t *index, const void *dy, enum dtype dyt, float *d_table,
                           int accumulate, size_t n_rows, size_t width, size_t first_v,
                           size_t last_v)
{
    if (!accumulate)
        memset(d_table + first_v * width, 0, (last_v - first_v) * width * sizeof *d_table);
    for (size_t i = 0; i < n_rows; i++) {
        const size_t v = (size_t)index[i];
        if (v < first_v || v >= last_v) continue;
        embed_gradient_row((struct operand){dy, dyt}, i, d_table + v * width, width);
    }
}
