// The head as its definition says, in f64, one row at a time. For tests.
#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "trainer/kernel/head.h"

static double value(enum dtype type, const void *base, size_t at)
{
    return type == DTYPE_BF16 ? (double)bf16_to_f32(((const uint16_t *)base)[at])
                              : (double)((const float *)base)[at];
}

// Logits of row i, capped, and log of the sum of their exponentials.
static double logits(const struct head *h, size_t i, double *z)
{
    double maximum = -HUGE_VAL, sum = 0.0;
    for (size_t j = 0; j < h->vocabulary; j++) {
        z[j] = 0.0;
        for (size_t k = 0; k < h->width; k++)
            z[j] += value(h->type, h->x, i * h->width + k) * value(h->type, h->w, j * h->width + k);
        const double cap = (double)h->softcap;
        if (cap > 0.0) z[j] = cap * tanh(z[j] / cap);
        maximum = fmax(maximum, z[j]);
    }
    for (size_t j = 0; j < h->vocabulary; j++)
        sum += exp(z[j] - maximum);
    return maximum + log(sum);
}

static void set_loss(const struct head *h, size_t i, const double *z, double log_sum)
{
    h->loss[i] = 0.0f;
    if (h->mask[i] == 0.0f) return;
    const double surprise = log_sum - z[h->targets[i]];
    h->loss[i] = (float)((double)h->mask[i] * (surprise + (double)h->z_loss * log_sum * log_sum));
}

static double d_logit(const struct head *h, size_t i, size_t j, double z, double log_sum)
{
    const double p = exp(z - log_sum), hit = (size_t)h->targets[i] == j ? 1.0 : 0.0;
    const double d = p * (1.0 + 2.0 * (double)h->z_loss * log_sum) - hit;
    const double t = h->softcap > 0.0f ? z / (double)h->softcap : 0.0;
    return (double)h->scale * (double)h->mask[i] * d * (1.0 - t * t);
}

static void gradient_row(const struct head *h, size_t i, const double *z, double log_sum,
                         double *d_x, double *d_w)
{
    memset(d_x, 0, h->width * sizeof *d_x);
    for (size_t j = 0; j < h->vocabulary && h->mask[i] != 0.0f; j++) {
        const double d = d_logit(h, i, j, z[j], log_sum);
        for (size_t k = 0; k < h->width; k++) {
            d_x[k] += d * value(h->type, h->w, j * h->width + k);
            d_w[j * h->width + k] += d * value(h->type, h->x, i * h->width + k);
        }
    }
    for (size_t k = 0; k < h->width; k++) {
        const size_t at = i * h->width + k;
        if (h->type == DTYPE_BF16)
            ((uint16_t *)h->d_x)[at] = bf16_from_f32((float)d_x[k]);
        else
            ((float *)h->d_x)[at] = (float)d_x[k];
    }
}

void head_reference(const struct head *h)
{
    struct arena a;
    arena_init(&a, "head reference");
    double *z = ARENA_ARRAY(&a, double, h->vocabulary);
    for (size_t i = 0; i < h->n_rows; i++) {
        const double log_sum = logits(h, i, z);
        set_loss(h, i, z, log_sum);
    }
    arena_fini(&a);
}

void head_gradient_reference(const struct head *h)
{
    struct arena a;
    arena_init(&a, "head reference");
    const size_t n_w = h->vocabulary * h->width;
    double *z = ARENA_ARRAY(&a, double, h->vocabulary), *d_x = ARENA_ARRAY(&a, double, h->width);
    double *d_w = ARENA_ARRAY(&a, double, n_w);
    for (size_t i = 0; i < n_w && h->accumulate_d_w; i++)
        d_w[i] = (double)h->d_w[i];
    for (size_t i = 0; i < h->n_rows; i++) {
        const double log_sum = logits(h, i, z);
        set_loss(h, i, z, log_sum);
        gradient_row(h, i, z, log_sum, d_x, d_w);
    }
    for (size_t i = 0; i < n_w; i++)
        h->d_w[i] = (float)d_w[i];
    arena_fini(&a);
}
