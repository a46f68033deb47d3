#pragma once
// Part of rows_body.h: kernels in which every element stands alone.

#include "trainer/kernel/operand.h"
#include "trainer/kernel/row_lanes.h"
#include "trainer/kernel/rows.h"
#include "trainer/kernel/vmath.h"

static void cast(const void *x, enum dtype xt, void *y, enum dtype yt, size_t n)
{
    float buffer[PIECE];
    const struct target to = {y, yt};
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t piece = operand_piece(first, n);
        const float *a = operand_load((struct operand){x, xt}, first, piece, buffer);
        float *b = operand_target(to, first, buffer);
        if (yt == DTYPE_F32 && a != b) memmove(b, a, piece * sizeof *b);
        operand_store(to, first, piece, a);
    }
}

static void add(const void *a, enum dtype at, const void *b, enum dtype bt, void *y, enum dtype yt,
                size_t n)
{
    float a_buffer[PIECE], b_buffer[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t piece = operand_piece(first, n);
        const float *left = operand_load((struct operand){a, at}, first, piece, a_buffer);
        const float *right = operand_load((struct operand){b, bt}, first, piece, b_buffer);
        float *out = operand_target((struct target){y, yt}, first, a_buffer);
        ROWS_LOOP
        for (size_t i = 0; i < piece; i++)
            out[i] = left[i] + right[i];
        operand_store((struct target){y, yt}, first, piece, out);
    }
}

static void multiply(const void *a, enum dtype at, const void *b, enum dtype bt, void *y,
                     enum dtype yt, size_t n)
{
    float a_buffer[PIECE], b_buffer[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t piece = operand_piece(first, n);
        const float *left = operand_load((struct operand){a, at}, first, piece, a_buffer);
        const float *right = operand_load((struct operand){b, bt}, first, piece, b_buffer);
        float *out = operand_target((struct target){y, yt}, first, a_buffer);
        ROWS_LOOP
        for (size_t i = 0; i < piece; i++)
            out[i] = left[i] * right[i];
        operand_store((struct target){y, yt}, first, piece, out);
    }
}

// Activations (Hendrycks & Gimpel 2016; Elfwing et al. 2017; So et al. 2021) and their derivatives.
static inline float gelu(float x)
{
    return 0.5f * x * (1.0f + vmath_erf(x * 0x1.6a09e6p-1f)); // sqrt(1/2)
}

static inline float gelu_derivative(float x)
{
    const float density = vmath_exp(-0.5f * x * x) * 0x1.988454p-2f; // sqrt(1/(2 pi))
    const float half = vmath_fma(0.5f, vmath_erf(x * 0x1.6a09e6p-1f), 0.5f);
    return vmath_fma(x, density, half);
}

// 1 / (1 + e^-x) and its slope, without cancellation on either side. Below -80, where e^-x would
// overflow, both stay at what they are at -80: 1.8e-35.
struct sigmoid {
    float value, slope;
};

static inline struct sigmoid sigmoid(float x)
{
    const float power = vmath_exp(-vmath_select(x < -80.0f, -80.0f, x));
    const float value = 1.0f / (1.0f + power);
    return (struct sigmoid){value, power * value * value};
}

// (1 + tanh u) / 2 is the sigmoid of 2u = 2 sqrt(2/pi) (x + 0.044715 x^3).
static inline float gelu_tanh_double(float x)
{
    return x * vmath_fma(x * x, 0x1.2444f2p-4f, 0x1.988454p0f);
}

static inline float gelu_tanh(float x)
{
    return x * sigmoid(gelu_tanh_double(x)).value;
}

static inline float gelu_tanh_derivative(float x)
{
    const struct sigmoid s = sigmoid(gelu_tanh_double(x));
    const float inner = vmath_fma(x * x, 3.0f * 0x1.2444f2p-4f, 0x1.988454p0f);
    return vmath_fma(x * s.slope, inner, s.value);
}

static inline float silu(float x)
{
    return x * sigmoid(x).value;
}

static inline float silu_derivative(float x)
{
    const struct sigmoid s = sigmoid(x);
    return vmath_fma(x, s.slope, s.value);
}

static inline float relu2(float x)
{
    const float positive = vmath_select(x < 0.0f, 0.0f, x);
    return positive * positive;
}

static inline float relu2_derivative(float x)
{
    const float positive = vmath_select(x < 0.0f, 0.0f, x);
    return positive + positive;
}

static void activate_piece(enum activation f, const float *x, float *y, size_t n)
{
    switch (f) {
    case ACTIVATION_GELU:
        ROWS_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = gelu(x[i]);
        break;
    case ACTIVATION_GELU_TANH:
        ROWS_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = gelu_tanh(x[i]);
        break;
    case ACTIVATION_SILU:
        ROWS_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = silu(x[i]);
        break;
    case ACTIVATION_RELU2:
        ROWS_LOOP
        for (size_t i = 0; i < n; i++)
            y[i] = relu2(x[i]);
        break;
    }
}

static void activate_gradient_piece(enum activation f, const float *x, const float *dy, float *dx,
                                    size_t n)
{
    switch (f) {
    case ACTIVATION_GELU:
        ROWS_LOOP
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * gelu_derivative(x[i]);
        break;
    case ACTIVATION_GELU_TANH:
        ROWS_LOOP
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * gelu_tanh_derivative(x[i]);
        break;
    case ACTIVATION_SILU:
        ROWS_LOOP
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * silu_derivative(x[i]);
        break;
    case ACTIVATION_RELU2:
        ROWS_LOOP
        for (size_t i = 0; i < n; i++)
            dx[i] = dy[i] * relu2_derivative(x[i]);
        break;
    }
}

static void activate(enum activation f, const void *x, enum dtype xt, void *y, enum dtype yt,
                     size_t n)
{
    float buffer[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t piece = operand_piece(first, n);
        const float *a = operand_load((struct operand){x, xt}, first, piece, buffer);
        float *out = operand_target((struct target){y, yt}, first, buffer);
        activate_piece(f, a, out, piece);
        operand_store((struct target){y, yt}, first, piece, out);
    }
}

static void activate_gradient(enum activation f, const void *x, enum dtype xt, const void *dy,
                              enum dtype dyt, void *dx, enum dtype dxt, size_t n)
{
    float x_buffer[PIECE], dy_buffer[PIECE];
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t piece = operand_piece(first, n);
        const float *a = operand_load((struct operand){x, xt}, first, piece, x_buffer);
        const float *slope = operand_load((struct operand){dy, dyt}, first, piece, dy_buffer);
        float *out = operand_target((struct target){dx, dxt}, first, x_buffer);
        activate_gradient_piece(f, a, slope, out, piece);
        operand_store((struct target){dx, dxt}, first, piece, out);
    }
}

static void fold(float *a, const float *b, size_t n)
{
    ROWS_LOOP
    for (size_t i = 0; i < n; i++)
        a[i] += b[i];
}

static void adamw(const struct adamw *o, float *w, float *m, float *v, const float *gradient,
                  size_t n)
{
    const struct adamw s = *o;
    ROWS_LOOP
    for (size_t i = 0; i < n; i++) {
        const float g = gradient[i] * s.gradient_scale;
        const float mean = vmath_fma(s.beta1, m[i], (1.0f - s.beta1) * g);
        const float square = vmath_fma(s.beta2, v[i], (1.0f - s.beta2) * g * g);
        const float root = __builtin_sqrtf(square / s.bias2);
        const float step = mean / s.bias1 / (root + s.eps);
        m[i] = mean;
        v[i] = square;
        w[i] = vmath_fma(-s.lr, vmath_fma(s.weight_decay, w[i], step), w[i]);
    }
}
