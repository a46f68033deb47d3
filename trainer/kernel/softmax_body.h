#pragma once
// The body of softmax_<isa>.c, which defines SOFTMAX_TABLE, the table's name, and is compiled with
// its instruction set's flags.

#include <math.h>

#include "base/err.h"
#include "base/size.h"
#include "trainer/kernel/operand.h"
#include "trainer/kernel/row_lanes.h"
#include "trainer/kernel/softmax.h"
#include "trainer/kernel/vmath.h"

#ifndef SOFTMAX_TABLE
#define SOFTMAX_TABLE softmax_body_table
#endif

// Scaled scores of a row, -inf where it does not see.
static inline void tile_scores(const struct softmax_tile *t, size_t row, float *restrict x)
{
    const float *s = t->scores + row * SOFTMAX_COLUMNS;
    const float scale = t->scale;
    const int32_t first = t->first[row], last = t->last[row];
    ROWS_LOOP
    for (int32_t c = 0; c < SOFTMAX_COLUMNS; c++)
        x[c] = vmath_select((c >= first) & (c < last), s[c] * scale, -INFINITY);
}

// e = e^(x - offset), and the sum. (In place or inlined, clang 14 would not vectorise it.)
static __attribute__((noinline)) float exponentials(const float *restrict x, size_t n, float offset,
                                                    float *restrict e)
{
    ROWS_LOOP
    for (size_t j = 0; j < n; j++)
        e[j] = vmath_exp(x[j] - offset);
    struct lanes sum = lanes_zero();
    lanes_sum(&sum, e, n);
    return lanes_total(&sum);
}

static inline void shrink(float *o, size_t n, float factor)
{
    ROWS_LOOP
    for (size_t j = 0; j < n; j++)
        o[j] *= factor;
}

static void forward(const struct softmax_tile *t, struct softmax_state *s)
{
    for (size_t r = 0; r < t->n_rows; r++) {
        float x[SOFTMAX_COLUMNS], buffer[SOFTMAX_COLUMNS];
        const struct target p = {t->p, t->type};
        float *to = operand_target(p, r * SOFTMAX_COLUMNS, buffer);
        tile_scores(t, r, x);
        const float maximum = lanes_max(x, SOFTMAX_COLUMNS, s->maximum[r]);
        if (maximum == -INFINITY) { // the row has seen nothing yet
            memset(to, 0, sizeof x);
        } else {
            const float factor = vmath_exp(s->maximum[r] - maximum);
            s->sum[r] = s->sum[r] * factor + exponentials(x, SOFTMAX_COLUMNS, maximum, to);
            s->maximum[r] = maximum;
            shrink(s->o + r * s->head_size, s->head_size, factor);
        }
        operand_store(p, r * SOFTMAX_COLUMNS, SOFTMAX_COLUMNS, to);
    }
}

static void finish(const struct softmax_state *s, size_t n_rows, enum dtype type, void *o,
                   size_t o_stride, float *lse, size_t lse_stride)
{
    for (size_t r = 0; r < n_rows; r++) {
        const struct target to = {o, type};
        float *row = s->o + r * s->head_size;
        shrink(row, s->head_size, 1.0f / s->sum[r]);
        if (type == DTYPE_F32)
            memcpy((float *)o + r * o_stride, row, s->head_size * sizeof *row);
        else
            operand_store(to, r * o_stride, s->head_size, row);
        if (lse) lse[r * lse_stride] = s->maximum[r] + vmath_log(s->sum[r]);
    }
}

static inline void gradient_row(const struct softmax_tile *t, size_t row, float *restrict p,
                                float *restrict d_s)
{
    const float *d_p = t->d_p + row * SOFTMAX_COLUMNS;
    const float lse = t->lse[row], delta = t->delta[row], scale = t->scale;
    tile_scores(t, row, p);
    ROWS_LOOP
    for (size_t c = 0; c < SOFTMAX_COLUMNS; c++) {
        const int seen = p[c] > -INFINITY;
        p[c] = vmath_exp(p[c] - lse);
        d_s[c] = vmath_select(seen, p[c] * (d_p[c] - delta) * scale, 0.0f);
    }
}

static void gradient(const struct softmax_tile *t)
{
    const struct target p = {t->p, t->type}, d_s = {t->d_s, t->type};
    for (size_t r = 0; r < t->n_rows; r++) {
        float p_buffer[SOFTMAX_COLUMNS], d_s_buffer[SOFTMAX_COLUMNS];
        const size_t at = r * SOFTMAX_COLUMNS;
        float *p_row = operand_target(p, at, p_buffer);
        float *d_s_row = operand_target(d_s, at, d_s_buffer);
        gradient_row(t, r, p_row, d_s_row);
        operand_store(p, at, SOFTMAX_COLUMNS, p_row);
        operand_store(d_s, at, SOFTMAX_COLUMNS, d_s_row);
    }
}

static void dots(enum dtype type, const void *x, const void *y, size_t stride, size_t n_rows,
                 size_t n_columns, float *out)
{
    const struct operand a = {x, type}, b = {y, type};
    float a_buffer[PIECE], b_buffer[PIECE];
    for (size_t r = 0; r < n_rows; r++) {
        struct lanes sum = lanes_zero();
        for (size_t j = 0; j < n_columns; j += PIECE) {
            const size_t n = operand_piece(j, n_columns);
            lanes_dot(&sum, operand_load(a, r * stride + j, n, a_buffer),
                      operand_load(b, r * stride + j, n, b_buffer), n);
        }
        out[r] = lanes_total(&sum);
    }
}

static void cap(float *z, size_t n, float softcap)
{
    ROWS_LOOP
    for (size_t j = 0; j < n; j++)
        z[j] = softcap * vmath_tanh(z[j] / softcap);
}

static float loss(const float *z, size_t n, struct softmax_loss *s)
{
    const float maximum = lanes_max(z, n, -INFINITY);
    struct lanes sum = lanes_zero();
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t n_here = operand_piece(first, n);
        float e[PIECE];
        ROWS_LOOP
        for (size_t j = 0; j < n_here; j++)
            e[j] = vmath_exp(z[first + j] - maximum);
        lanes_sum(&sum, e, n_here);
    }
    s->log_sum = maximum + vmath_log(lanes_total(&sum));
    if (s->mask == 0.0f) return 0.0f;
    ASSERT(s->target >= 0 && (size_t)s->target < n);
    return s->mask * (s->log_sum - z[s->target] + s->z_loss * s->log_sum * s->log_sum);
}

// Of every logit as if none were the target; the target's own follows.
static inline void loss_gradient_piece(const float *z, size_t n, const struct softmax_loss *s,
                                       float *d)
{
    const float factor = s->scale * s->mask, log_sum = s->log_sum;
    const float all = factor * (1.0f + 2.0f * s->z_loss * log_sum);
    const float inverse_cap = s->softcap > 0.0f ? 1.0f / s->softcap : 0.0f;
    ROWS_LOOP
    for (size_t j = 0; j < n; j++) {
        const float tanh_z = z[j] * inverse_cap;
        d[j] = all * vmath_exp(z[j] - log_sum) * vmath_fma(-tanh_z, tanh_z, 1.0f);
    }
}

static inline void loss_gradient_target(const struct softmax_loss *s, float z, float *d)
{
    const float tanh_z = s->softcap > 0.0f ? z / s->softcap : 0.0f;
    *d -= s->scale * s->mask * vmath_fma(-tanh_z, tanh_z, 1.0f);
}

// Piece by piece: a rounded piece lies below the logits that are still to be read.
static void loss_gradient(const float *z, size_t n, const struct softmax_loss *s, enum dtype type,
                          void *d_z)
{
    const struct target to = {d_z, type};
    for (size_t first = 0; first < n; first += PIECE) {
        const size_t n_here = operand_piece(first, n);
        const int hit = s->target >= 0 && (size_t)s->target - first < n_here;
        const float z_target = hit ? z[s->target] : 0.0f;
        float buffer[PIECE];
        float *d = operand_target(to, first, buffer);
        if (s->mask == 0.0f) {
            memset(d, 0, n_here * sizeof *d);
        } else {
            loss_gradient_piece(z + first, n_here, s, d);
            if (hit) loss_gradient_target(s, z_target, d + ((size_t)s->target - first));
        }
        operand_store(to, first, n_here, d);
    }
}

const struct softmax_kernels SOFTMAX_TABLE = {.forward = forward,
                                              .finish = finish,
                                              .gradient = gradient,
                                              .dots = dots,
                                              .cap = cap,
                                              .loss = loss,
                                              .loss_gradient = loss_gradient};
