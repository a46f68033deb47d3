#include "trainer/eval/pick.h"

#include <stdlib.h>

#include "base/dmath.h"
#include "base/rng.h"

void pick_begin(struct pick *p, const struct pick_options *o, size_t n, struct arena *a)
{
    *p = (struct pick){.options = *o,
                       .key = rng_key(o->seed, "sample"),
                       .n = n,
                       .candidates = ARENA_ARRAY(a, struct pick_candidate, n)};
}

static uint32_t likeliest(const float *logits, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (logits[i] > logits[best]) best = i;
    return (uint32_t)best;
}

static int by_weight(const void *a, const void *b)
{
    const struct pick_candidate *x = a, *y = b;
    if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

// Tokens with their unnormalised probabilities, the likeliest first.
static void weigh(struct pick *p, const float *logits)
{
    double most = (double)logits[likeliest(logits, p->n)];
    for (size_t i = 0; i < p->n; i++)
        p->candidates[i] = (struct pick_candidate){
            (uint32_t)i, dmath_exp(((double)logits[i] - most) / p->options.temperature)};
    qsort(p->candidates, p->n, sizeof *p->candidates, by_weight);
}

// Number of candidates left by top_k and top_p, and their total weight.
static size_t cut(const struct pick *p, double *total)
{
    size_t n = p->options.top_k > 0 && p->options.top_k < p->n ? p->options.top_k : p->n;
    double all = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        all += p->candidates[i].weight;
    size_t n_kept = 0;
    while (n_kept < n && (n_kept == 0 || kept < p->options.top_p * all))
        kept += p->candidates[n_kept++].weight;
    *total = kept;
    return n_kept;
}

uint32_t pick_token(struct pick *p, const float *logits, uint64_t position)
{
    if (p->options.temperature == 0) return likeliest(logits, p->n);
    weigh(p, logits);
    double total;
    size_t n = cut(p, &total);
    double left = (double)(rng_u64(p->key, 0, position) >> 11) * 0x1p-53 * total;
    size_t i = 0;
    while (i + 1 < n && left >= p->candidates[i].weight)
        left -= p->candidates[i++].weight;
    return p->candidates[i].id;
}
