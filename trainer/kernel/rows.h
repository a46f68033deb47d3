#pragma once
// Kernels that walk rows: norms, activations, rotary positions, embedding, sums over rows, casts,
// optimizer steps. Each is a pure function of a range of rows (or elements), so a caller cuts the
// range into tasks as it likes; results do not depend on the cut. Compiled once per instruction set
// from rows_body.h (same bits: explicit FMA, fixed 16-way partial sums, our own exp and tanh);
// called through the table. x, y may be f32 or bf16 each (xt, yt); arithmetic is f32. Sums over a
// row: 16 partial sums (element j to sum j mod 16) in element order, then a fixed tree of 16
// (kernel/lanes.h). y may be x, a, b or dy itself when the types are equal; other overlaps are not
// allowed. Indices and positions are not checked here: who receives a batch checks that they are
// within the tables.

#include <stddef.h>
#include <stdint.h>

#include "trainer/kernel/dtype.h"

enum activation { ACTIVATION_GELU, ACTIVATION_GELU_TANH, ACTIVATION_SILU, ACTIVATION_RELU2 };

struct adamw {
    float lr, beta1, beta2, eps;
    float weight_decay;   // decoupled (Loshchilov & Hutter 2019): w -= lr * (update + decay * w)
    float bias1, bias2;   // 1 - beta^t
    float gradient_scale; // from clipping
};

struct rows_kernels {
    /// y[i] = x[i] converted; n elements.
    void (*cast)(const void *x, enum dtype xt, void *y, enum dtype yt, size_t n);
    /// y = a + b, elementwise.
    void (*add)(const void *a, enum dtype at, const void *b, enum dtype bt, void *y, enum dtype yt,
                size_t n);
    /// y = a * b, elementwise.
    void (*multiply)(const void *a, enum dtype at, const void *b, enum dtype bt, void *y,
                     enum dtype yt, size_t n);
    /// y = f(x): x Phi(x); x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2; x / (1 + e^-x); max(x,
    /// 0)^2.
    void (*activate)(enum activation f, const void *x, enum dtype xt, void *y, enum dtype yt,
                     size_t n);
    /// dx = f'(x) * dy.
    void (*activate_gradient)(enum activation f, const void *x, enum dtype xt, const void *dy,
                              enum dtype dyt, void *dx, enum dtype dxt, size_t n);
    /// y[i,:] = x[i,:] / rms(x[i,:]) * gain; inverse_rms[i] f32 out (may be NULL). rms =
    /// sqrt(mean(x^2) + eps). gain[width] of type gt. (Zhang & Sennrich 2019)
    void (*rmsnorm)(const void *x, enum dtype xt, const void *gain, enum dtype gt, void *y,
                    enum dtype yt, float *inverse_rms, size_t n_rows, size_t width, float eps);
    /// dx from x, gain, dy and inverse_rms.
    void (*rmsnorm_gradient)(const void *x, enum dtype xt, const void *gain, enum dtype gt,
                             const void *dy, enum dtype dyt, const float *inverse_rms, void *dx,
                             enum dtype dxt, size_t n_rows, size_t width);
    /// y = (x - mean) / std * gain + bias; moments[i] = {mean, 1/std} out (may be NULL). bias may
    /// be NULL.
    void (*layernorm)(const void *x, enum dtype xt, const void *gain, const void *bias,
                      enum dtype gt, void *y, enum dtype yt, float *moments, size_t n_rows,
                      size_t width, float eps);
    void (*layernorm_gradient)(const void *x, enum dtype xt, const void *gain, enum dtype gt,
                               const void *dy, enum dtype dyt, const float *moments, void *dx,
                               enum dtype dxt, size_t n_rows, size_t width);
    /// Sums over rows for columns [first, last): d_gain[j] (+)= sum_i dy[i,j] * xhat[i,j],
    /// d_bias[j] (+)= sum_i dy[i,j], each over a fixed tree: rows in groups of 32 in order, groups
    /// folded by base/tree.h order, then added to what is there when accumulate. moments:
    /// layernorm's {mean, 1/std}, or NULL with inverse_rms for rmsnorm. d_gain or d_bias may be
    /// NULL; xhat is not needed when d_gain is. With neither moments nor inverse_rms: plain column
    /// sums (bias of a linear).
    void (*column_sums)(const void *x, enum dtype xt, const void *dy, enum dtype dyt,
                        const float *moments, const float *inverse_rms, float *d_gain,
                        float *d_bias, int accumulate, size_t n_rows, size_t width,
                        size_t first_column, size_t last_column);
    /// y = rotary(x): for each row and head, pair (i, i + D/2) rotated by angle table[position][i]
    /// (half-split, Su et al. 2021, GPT-NeoX order). head_size even, at most 1,024.
    /// table f32 [n_positions, D/2, 2] = cos, sin. sign -1 gives the inverse (the gradient).
    void (*rope)(const void *x, enum dtype xt, const int32_t *positions, const float *table,
                 float sign, void *y, enum dtype yt, size_t n_rows, size_t n_heads,
                 size_t head_size);
    /// y[i,:] = table[index[i],:].
    void (*embed)(const void *table, enum dtype tt, const int32_t *index, void *y, enum dtype yt,
                  size_t n_rows, size_t width);
    /// d_table[v,:] (+)= sum over rows i in order with index[i] == v of dy[i,:], for v in [first_v,
    /// last_v): f32. Without accumulate the range is zeroed first. Split by vocabulary row (I2 b).
    void (*embed_gradient)(const int32_t *index, const void *dy, enum dtype dyt, float *d_table,
                           int accumulate, size_t n_rows, size_t width, size_t first_v,
                           size_t last_v);
    /// a[i] += b[i], f32: folding of lane sums.
    void (*fold)(float *a, const float *b, size_t n);
    /// One AdamW step on n f32 elements.
    void (*adamw)(const struct adamw *o, float *w, float *m, float *v, const float *gradient,
                  size_t n);
    /// Sum of squares of one block (n <= 4096) in f64: 16 partial sums, fixed tree.
    double (*sum_squares)(const float *x, size_t n);
    /// Sum of n f32 in f64, 16 partial sums, fixed tree.
    double (*sum)(const float *x, size_t n);
};

/// The table for isa_get(). Can't fail.
const struct rows_kernels *rows_kernels(void);
/// The scalar one, the reference of the others (compared with ==).
const struct rows_kernels *rows_kernels_scalar(void);
/// Fills table f32 [n_positions, head_size/2, 2] with cos, sin of position * base^(-2i/head_size),
/// in our own f64 arithmetic.
void rows_rope_table(float *table, size_t n_positions, size_t head_size, double base);
