#pragma once
// Part of rows_body.h: norms, their gradients and sums over rows.
//
// With xhat = x / rms or (x - mean) / std, and h = dy * gain:
//     rmsnorm    dx = (h - xhat * mean(h xhat)) / rms
//     layernorm  dx = (h - mean(h) - xhat * mean(h xhat)) / std

#include "base/err.h"
#include "trainer/kernel/operand.h"
#include "trainer/kernel/row_lanes.h"
#include "trainer/kernel/rows.h"
#include "trainer/kernel/vmath.h"

// xhat = (x - mean) * inverse.
struct moments {
    float mean, inverse;
};

// h and xhat of one piece of a row.
static inline void norm_gradient_piece(const float *x, const float *gain, const float *dy,
                                       struct moments at, float *restrict h, float *restrict xhat,
                                       size_t n)
{
    ROWS_LOOP
    for (size_t j = 0; j < n; j++) {
        h[j] = dy[j] * gain[j];
        xhat[j] = (x[j] - at.mean) * at.inverse;
    }
}

struct norm_gradient {
    struct operand x, gain, dy;
    struct target dx;
    size_t width;
};

static inline void norm_gradient_load(const struct norm_gradient *g, size_t row, size_t first,
                                      size_t n, struct moments at, float *h, float *xhat)
{
    float x[PIECE], gain[PIECE], dy[PIECE];
    const size_t start = row * g->width + first;
    norm_gradient_piece(operand_load(g->x, start, n, x), operand_load(g->gain, first, n, gain),
                        operand_load(g->dy, start, n, dy), at, h, xhat, n);
}

// dx of one row; centred: h's mean is taken off (layernorm).
static void norm_gradient_row(const struct norm_gradient *g, size_t row, struct moments at,
                              int centred)
{
    float h[PIECE], xhat[PIECE];
    struct lanes h_sum = lanes_zero(), product_sum = lanes_zero();
    for (size_t first = 0; first < g->width; first += PIECE) {
        const size_t n = operand_piece(first, g->width);
        norm_gradient_load(g, row, first, n, at, h, xhat);
        if (centred) lanes_sum(&h_sum, h, n);
        lanes_dot(&product_sum, h, xhat, n);
    }
    const float h_mean = lanes_total(&h_sum) / (float)g->width;
    const float product_mean = lanes_total(&product_sum) / (float)g->width;
    for (size_t first = 0; first < g->width; first += PIECE) {
        const size_t n = operand_piece(first, g->width), start = row * g->width + first;
        if (g->width > PIECE) norm_gradient_load(g, row, first, n, at, h, xhat);
        float *dx = operand_target(g->dx, start, h);
        ROWS_LOOP
        for (size_t j = 0; j < n; j++)
            dx[j] = vmath_fma(-xhat[j], product_mean, h[j] - h_mean) * at.inverse;
        operand_store(g->dx, start, n, dx);
    }
}

static float sum_of_squares(struct operand x, size_t row, size_t width)
{
    float buffer[PIECE];
    struct lanes sum = lanes_zero();
    for (size_t first = 0; first < width; first += PIECE) {
        const size_t n = operand_piece(first, width);
        const float *a = operand_load(x, row * width + first, n, buffer);
        lanes_dot(&sum, a, a, n);
    }
    return lanes_total(&sum);
}

static void rmsnorm(const void *x, enum dtype xt, const void *gain, enum dtype gt, void *y,
                    enum dtype yt, float *inverse_rms, size_t n_rows, size_t width, float eps)
{
    float x_buffer[PIECE], gain_buffer[PIECE];
    const struct operand in = {x, xt}, gains = {gain, gt};
    const struct target out = {y, yt};
    for (size_t i = 0; i < n_rows; i++) {
        const float mean_square = sum_of_squares(in, i, width) / (float)width;
        const float inverse = 1.0f / __builtin_sqrtf(mean_square + eps);
        if (inverse_rms) inverse_rms[i] = inverse;
        for (size_t first = 0; first < width; first += PIECE) {
            const size_t n = operand_piece(first, width), start = i * width + first;
            const float *a = operand_load(in, start, n, x_buffer);
            const float *g = operand_load(gains, first, n, gain_buffer);
            float *b = operand_target(out, start, x_buffer);
            ROWS_LOOP
            for (size_t j = 0; j < n; j++)
                b[j] = a[j] * inverse * g[j];
            operand_store(out, start, n, b);
        }
    }
}

static void rmsnorm_gradient(const void *x, enum dtype xt, const void *gain, enum dtype gt,
                             const void *dy, enum dtype dyt, const float *inverse_rms, void *dx,
                             enum dtype dxt, size_t n_rows, size_t width)
{
    const struct norm_gradient g = {{x, xt}, {gain, gt}, {dy, dyt}, {dx, dxt}, width};
    for (size_t i = 0; i < n_rows; i++)
        norm_gradient_row(&g, i, (struct moments){0.0f, inverse_rms[i]}, 0);
}

// The variance is taken around the mean in a second pass: E[x^2] - mean^2 would cancel.
static struct moments layernorm_moments(struct operand x, size_t row, size_t width, float eps)
{
    float buffer[PIECE], centred[PIECE];
    struct lanes sum = lanes_zero(), squares = lanes_zero();
    for (size_t first = 0; first < width; first += PIECE) {
        const size_t n = operand_piece(first, width);
        lanes_sum(&sum, operand_load(x, row * width + first, n, buffer), n);
    }
    const float mean = lanes_total(&sum) / (float)width;
    for (size_t first = 0; first < width; first += PIECE) {
        const size_t n = operand_piece(first, width);
        const float *a = operand_load(x, row * width + first, n, buffer);
        ROWS_LOOP
        for (size_t j = 0; j < n; j++)
            centred[j] = a[j] - mean;
        lanes_dot(&squares, centred, centred, n);
    }
    const float variance = lanes_total(&squares) / (float)width;
    return (struct moments){mean, 1.0f / __builtin_sqrtf(variance + eps)};
}

static void layernorm(const void *x, enum dtype xt, const void *gain, const void *bias,
                      enum dtype gt, void *y, enum dtype yt, float *moments, size_t n_rows,
                      size_t width, float eps)
{
    float x_buffer[PIECE], gain_buffer[PIECE], bias_buffer[PIECE];
    const struct operand in = {x, xt}, gains = {gain, gt}, biases = {bias, gt};
    const struct target out = {y, yt};
    for (size_t i = 0; i < n_rows; i++) {
        const struct moments at = layernorm_moments(in, i, width, eps);
        if (moments) memcpy(moments + 2 * i, &at, sizeof at);
        for (size_t first = 0; first < width; first += PIECE) {
            const size_t n = operand_piece(first, width), start = i * width + first;
            const float *a = operand_load(in, start, n, x_buffer);
            const float *g = operand_load(gains, first, n, gain_buffer);
            float *b = operand_target(out, start, x_buffer);
            ROWS_LOOP
            for (size_t j = 0; j < n; j++)
                b[j] = (a[j] - at.mean) * at.inverse * g[j];
            if (bias) {
                const float *shift = operand_load(biases, first, n, bias_buffer);
                ROWS_LOOP
                for (size_t j = 0; j < n; j++)
                    b[j] += shift[j];
            }
            operand_store(out, start, n, b);
        }
    }
}

static void layernorm_gradient(const void *x, enum dtype xt, const void *gain, enum dtype gt,
                               const void *dy, enum dtype dyt, const float *moments, void *dx,
                               enum dtype dxt, size_t n_rows, size_t width)
{
    const struct norm_gradient g = {{x, xt}, {gain, gt}, {dy, dyt}, {dx, dxt}, width};
    for (size_t i = 0; i < n_rows; i++)
        norm_gradient_row(&g, i, (struct moments){moments[2 * i], moments[2 * i + 1]}, 1);
}

static double sum_squares(const float *x, size_t n)
{
    struct lanes_wide sum = lanes_wide_zero();
    lanes_wide_squares(&sum, x, n);
    return lanes_wide_total(&sum);
}

static double sum(const float *x, size_t n)
{
    struct lanes_wide total = lanes_wide_zero();
    lanes_wide_sum(&total, x, n);
    return lanes_wide_total(&total);
}
