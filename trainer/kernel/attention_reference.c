// Attention as its definition says, in f64, a whole row of scores at a time. For tests.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "trainer/kernel/attention.h"

static double value(enum dtype type, const void *base, size_t at)
{
    return type == DTYPE_BF16 ? (double)bf16_to_f32(((const uint16_t *)base)[at])
                              : (double)((const float *)base)[at];
}

static void set_value(enum dtype type, void *base, size_t at, double v)
{
    if (type == DTYPE_BF16)
        ((uint16_t *)base)[at] = bf16_from_f32((float)v);
    else
        ((float *)base)[at] = (float)v;
}

// Index of (sequence, position, head) in tensors with H and with K heads.
static size_t q_index(const struct attention *a, size_t s, size_t t, size_t h)
{
    return ((s * a->sequence + t) * a->n_heads + h) * a->head_size;
}

static size_t k_index(const struct attention *a, size_t s, size_t t, size_t h)
{
    const size_t kv_head = h / (a->n_heads / a->n_kv_heads);
    return ((s * a->sequence + t) * a->n_kv_heads + kv_head) * a->head_size;
}

static double dot(const struct attention *a, const void *x, size_t x_at, const void *y, size_t y_at)
{
    double sum = 0.0;
    for (size_t d = 0; d < a->head_size; d++)
        sum += value(a->type, x, x_at + d) * value(a->type, y, y_at + d);
    return sum;
}

// p[u] for u in [first, t]; returns log-sum-exp.
static double probabilities(const struct attention *a, size_t s, size_t t, size_t h, size_t first,
                            double *p)
{
    double maximum = -HUGE_VAL, sum = 0.0;
    for (size_t u = first; u <= t; u++) {
        const double score = dot(a, a->q, q_index(a, s, t, h), a->k, k_index(a, s, u, h));
        p[u] = (double)a->scale * score;
        maximum = fmax(maximum, p[u]);
    }
    for (size_t u = first; u <= t; u++)
        sum += exp(p[u] - maximum);
    for (size_t u = first; u <= t; u++)
        p[u] = exp(p[u] - maximum) / sum;
    return maximum + log(sum);
}

static size_t first_seen(const struct attention *a, size_t s, size_t t)
{
    return (size_t)a->document_start[s * a->sequence + t];
}

static void forward_row(const struct attention *a, size_t s, size_t t, size_t h, double *p)
{
    const size_t first = first_seen(a, s, t);
    a->lse[(s * a->sequence + t) * a->n_heads + h] = (float)probabilities(a, s, t, h, first, p);
    for (size_t d = 0; d < a->head_size; d++) {
        double sum = 0.0;
        for (size_t u = first; u <= t; u++)
            sum += p[u] * value(a->type, a->v, k_index(a, s, u, h) + d);
        set_value(a->type, a->o, q_index(a, s, t, h) + d, sum);
    }
}

// What gradients add up in, f64 of the sizes of d_q, d_k, d_v.
struct sums {
    double *q, *k, *v;
};

static void gradient_row(const struct attention *a, size_t s, size_t t, size_t h, double *p,
                         const struct sums *sums)
{
    const size_t first = first_seen(a, s, t), q = q_index(a, s, t, h);
    probabilities(a, s, t, h, first, p);
    double delta = 0.0;
    for (size_t u = first; u <= t; u++)
        delta += p[u] * dot(a, a->d_o, q, a->v, k_index(a, s, u, h));
    for (size_t u = first; u <= t; u++) {
        const size_t k = k_index(a, s, u, h);
        const double d_p = dot(a, a->d_o, q, a->v, k);
        const double d_s = (double)a->scale * p[u] * (d_p - delta);
        for (size_t d = 0; d < a->head_size; d++) {
            sums->q[q + d] += d_s * value(a->type, a->k, k + d);
            sums->k[k + d] += d_s * value(a->type, a->q, q + d);
            sums->v[k + d] += p[u] * value(a->type, a->d_o, q + d);
        }
    }
}

void attention_reference(const struct attention *a)
{
    struct arena arena;
    arena_init(&arena, "attention reference");
    double *p = ARENA_ARRAY(&arena, double, a->sequence);
    for (size_t s = 0; s < a->n_sequences; s++)
        for (size_t t = 0; t < a->sequence; t++)
            for (size_t h = 0; h < a->n_heads; h++)
                forward_row(a, s, t, h, p);
    arena_fini(&arena);
}

void attention_gradient_reference(const struct attention *a)
{
    struct arena arena;
    arena_init(&arena, "attention reference");
    const size_t n_rows = a->n_sequences * a->sequence;
    const size_t n_q = n_rows * a->n_heads * a->head_size;
    const size_t n_k = n_rows * a->n_kv_heads * a->head_size;
    double *p = ARENA_ARRAY(&arena, double, a->sequence);
    const struct sums sums = {ARENA_ARRAY(&arena, double, n_q), ARENA_ARRAY(&arena, double, n_k),
                              ARENA_ARRAY(&arena, double, n_k)};
    for (size_t s = 0; s < a->n_sequences; s++)
        for (size_t t = 0; t < a->sequence; t++)
            for (size_t h = 0; h < a->n_heads; h++)
                gradient_row(a, s, t, h, p, &sums);
    for (size_t i = 0; i < n_q; i++)
        set_value(a->type, a->d_q, i, sums.q[i]);
    for (size_t i = 0; i < n_k; i++) {
        set_value(a->type, a->d_k, i, sums.k[i]);
        set_value(a->type, a->d_v, i, sums.v[i]);
    }
    arena_fini(&arena);
}
