#pragma once
// The body of softmax_<isa>.c, which defines SOFTMAX_TABLE, the table's name, and is compiled with
// its instruction set's flags. Inner loops run over 16 lanes, so that compilers vectorise them.

#include <math.h>

#include "base/err.h"
#include "base/size.h"
#include "trainer/kernel/softmax.h"
#include "trainer/kernel/vmath.h"

enum { LANES = 16 };

// Fixed tree over 16 partial sums.
static inline float fold(const float *part)
{
    float s[LANES / 2];
    for (int i = 0; i < 8; i++)
        s[i] = part[i] + part[i + 8];
    for (int i = 0; i < 4; i++)
        s[i] += s[i + 4];
    return (s[0] + s[2]) + (s[1] + s[3]);
}

static inline float fold_max(const float *part)
{
    float m = part[0];
    for (int i = 1; i < LANES; i++)
        m = part[i] > m ? part[i] : m;
    return m;
}

static inline uint16_t narrow(float f)
{
    const uint32_t bits = vmath_bits(f);
    const uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    const uint32_t quiet = (bits >> 16) | 0x40u;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

// n <= 16 values to index `at` of out.
static inline void put(enum dtype type, void *out, size_t at, const float *v, size_t n)
{
    if (type == DTYPE_F32) {
        memcpy((float *)out + at, v, n * sizeof *v);
        return;
    }
    uint16_t rounded[LANES];
    for (int l = 0; l < LANES; l++)
        rounded[l] = narrow(v[l]);
    memcpy((uint16_t *)out + at, rounded, n * sizeof *rounded);
}

static inline void get(enum dtype type, const void *in, size_t at, float *v, size_t n)
{
    if (type == DTYPE_F32) {
        memcpy(v, (const float *)in + at, n * sizeof *v);
        return;
    }
    uint16_t half[LANES] = {0};
    memcpy(half, (const uint16_t *)in + at, n * sizeof *half);
    for (int l = 0; l < LANES; l++)
        v[l] = vmath_float((uint32_t)half[l] << 16);
}

static inline float tile_maximum(const struct softmax_tile *t, size_t row, float maximum)
{
    const float *s = t->scores + row * SOFTMAX_COLUMNS;
    float part[LANES];
    for (int l = 0; l < LANES; l++)
        part[l] = maximum;
    for (int c = 0; c < SOFTMAX_COLUMNS; c += LANES)
        for (int l = 0; l < LANES; l++) {
            const int seen = (c + l >= t->first[row]) & (c + l < t->last[row]);
            const float x = vmath_select(seen, s[c + l] * t->scale, maximum);
            part[l] = x > part[l] ? x : part[l];
        }
    return fold_max(part);
}

// p of one row against `maximum`, and its sum.
static inline float tile_exponentials(const struct softmax_tile *t, size_t row, float maximum)
{
    const float *s = t->scores + row * SOFTMAX_COLUMNS;
    float part[LANES] = {0};
    for (int c = 0; c < SOFTMAX_COLUMNS; c += LANES) {
        float p[LANES];
        for (int l = 0; l < LANES; l++) {
            const int seen = (c + l >= t->first[row]) & (c + l < t->last[row]);
            p[l] = vmath_select(seen, vmath_exp(s[c + l] * t->scale - maximum), 0.0f);
            part[l] += p[l];
        }
        put(t->type, t->p, row * SOFTMAX_COLUMNS + (size_t)c, p, LANES);
    }
    return fold(part);
}

static void forward(const struct softmax_tile *t, struct softmax_state *s)
{
    for (size_t r = 0; r < t->n_rows; r++) {
        const float maximum = tile_maximum(t, r, s->maximum[r]);
        if (maximum == -INFINITY) { // the row has seen nothing yet
            const float none[LANES] = {0};
            for (size_t c = 0; c < SOFTMAX_COLUMNS; c += LANES)
                put(t->type, t->p, r * SOFTMAX_COLUMNS + c, none, LANES);
            continue;
        }
        const float shrink = vmath_exp(s->maximum[r] - maximum);
        s->sum[r] = s->sum[r] * shrink + tile_exponentials(t, r, maximum);
        s->maximum[r] = maximum;
        float *o = s->o + r * s->head_size;
        for (size_t j = 0; j < s->head_size; j++)
            o[j] *= shrink;
    }
}

static void finish(const struct softmax_state *s, size_t n_rows, enum dtype type, void *o,
                   size_t o_stride, float *lse, size_t lse_stride)
{
    for (size_t r = 0; r < n_rows; r++) {
        const float inverse = 1.0f / s->sum[r];
        for (size_t j = 0; j < s->head_size; j += LANES) {
            const size_t n = size_min(LANES, s->head_size - j);
            float v[LANES] = {0};
            memcpy(v, s->o + r * s->head_size + j, n * sizeof *v);
            for (int l = 0; l < LANES; l++)
                v[l] *= inverse;
            put(type, o, r * o_stride + j, v, n);
        }
        if (lse) lse[r * lse_stride] = s->maximum[r] + vmath_log(s->sum[r]);
    }
}

static void gradient(const struct softmax_tile *t)
{
    for (size_t r = 0; r < t->n_rows; r++)
        for (size_t c = 0; c < SOFTMAX_COLUMNS; c += LANES) {
            const size_t at = r * SOFTMAX_COLUMNS + c;
            float p[LANES], d_s[LANES];
            for (int l = 0; l < LANES; l++) {
                const int column = (int)c + l;
                const int seen = (column >= t->first[r]) & (column < t->last[r]);
                const float e = vmath_exp(t->scores[at + (size_t)l] * t->scale - t->lse[r]);
                const float d = e * (t->d_p[at + (size_t)l] - t->delta[r]) * t->scale;
                p[l] = vmath_select(seen, e, 0.0f);
                d_s[l] = vmath_select(seen, d, 0.0f);
            }
            put(t->type, t->p, at, p, LANES);
            put(t->type, t->d_s, at, d_s, LANES);
        }
}

static void dots(enum dtype type, const void *x, const void *y, size_t stride, size_t n_rows,
                 size_t n_columns, float *out)
{
    for (size_t r = 0; r < n_rows; r++) {
        float part[LANES] = {0};
        for (size_t j = 0; j < n_columns; j += LANES) {
            const size_t n = size_min(LANES, n_columns - j);
            float a[LANES] = {0}, b[LANES] = {0};
            get(type, x, r * stride + j, a, n);
            get(type, y, r * stride + j, b, n);
            for (int l = 0; l < LANES; l++)
                part[l] = vmath_fma(a[l], b[l], part[l]);
        }
        out[r] = fold(part);
    }
}

static void cap(float *z, size_t n, float softcap)
{
    for (size_t j = 0; j < n; j++)
        z[j] = softcap * vmath_tanh(z[j] / softcap);
}

static inline float row_maximum(const float *z, size_t n)
{
    float part[LANES];
    for (int l = 0; l < LANES; l++)
        part[l] = -INFINITY;
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        for (int l = 0; l < LANES; l++)
            part[l] = z[j + (size_t)l] > part[l] ? z[j + (size_t)l] : part[l];
    for (; j < n; j++)
        part[0] = z[j] > part[0] ? z[j] : part[0];
    return fold_max(part);
}

static float loss(const float *z, size_t n, struct softmax_loss *s)
{
    const float maximum = row_maximum(z, n);
    float part[LANES] = {0};
    size_t j = 0;
    for (; j + LANES <= n; j += LANES)
        for (int l = 0; l < LANES; l++)
            part[l] += vmath_exp(z[j + (size_t)l] - maximum);
    for (size_t l = 0; j + l < n; l++)
        part[l] += vmath_exp(z[j + l] - maximum);
    s->log_sum = maximum + vmath_log(fold(part));
    if (s->mask == 0.0f) return 0.0f;
    ASSERT(s->target >= 0 && (size_t)s->target < n);
    return s->mask * (s->log_sum - z[s->target] + s->z_loss * s->log_sum * s->log_sum);
}

static void loss_gradient(const float *z, size_t n, const struct softmax_loss *s, enum dtype type,
                          void *d_z)
{
    const float factor = s->scale * s->mask;
    const float spread = 1.0f + 2.0f * s->z_loss * s->log_sum;
    const float inverse_cap = s->softcap > 0.0f ? 1.0f / s->softcap : 0.0f;
    for (size_t j = 0; j < n; j += LANES) {
        const size_t n_here = size_min(LANES, n - j);
        float v[LANES] = {0}, d[LANES];
        memcpy(v, z + j, n_here * sizeof *v);
        for (int l = 0; l < LANES; l++) {
            const float hit = (float)((int32_t)j + l == s->target);
            const float tanh_z = v[l] * inverse_cap;
            const float slope = vmath_fma(-tanh_z, tanh_z, 1.0f);
            const float p = vmath_exp(v[l] - s->log_sum);
            d[l] = vmath_select(factor != 0.0f, factor * (p * spread - hit) * slope, 0.0f);
        }
        put(type, d_z, j, d, n_here);
    }
}

const struct softmax_kernels SOFTMAX_TABLE = {.forward = forward,
                                              .finish = finish,
                                              .gradient = gradient,
                                              .dots = dots,
                                              .cap = cap,
                                              .loss = loss,
                                              .loss_gradient = loss_gradient};
