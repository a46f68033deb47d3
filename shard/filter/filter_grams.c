#include "shard/filter/filter_grams.h"

#include "base/grow.h"

// Another base for runs whose words stay apart: "a bc" is not "ab c".
#define APART_BASE 0x9FB21C651E98DF25u

void filter_grams_fini(struct filter_grams *g)
{
    filter_set_free(&g->set);
    grow_free(g->hashes);
    *g = (struct filter_grams){0};
}

static void begin_hashes(struct filter_grams *g, const struct filter_tokens *t)
{
    for (size_t i = 0; i < t->n_tokens; i++)
        g->hashes[i] = t->tokens[i].hash;
}

// From runs of n - 1 words to runs of n.
static void lengthen_apart(struct filter_grams *g, const struct filter_tokens *t, size_t n)
{
    for (size_t i = 0; i + n <= t->n_tokens; i++)
        g->hashes[i] = g->hashes[i] * APART_BASE + t->tokens[i + n - 1].hash;
}

static void lengthen_joined(struct filter_grams *g, const struct filter_tokens *t, size_t n)
{
    for (size_t i = 0; i + n <= t->n_tokens; i++) {
        const struct filter_token *last = &t->tokens[i + n - 1];
        g->hashes[i] = g->hashes[i] * last->power + last->hash;
    }
}

static uint64_t run_characters(const struct filter_tokens *t, size_t first, size_t n)
{
    uint64_t sum = 0;
    for (size_t i = first; i < first + n; i++)
        sum += t->n_characters[i];
    return sum;
}

static enum err measure_top(struct filter_grams *g, const struct filter_tokens *t, size_t n,
                            uint64_t *out)
{
    const size_t n_runs = t->n_tokens - n + 1;
    TRY(filter_set_begin(&g->set, n_runs, true));
    struct filter_tally top = {0, 0};
    for (size_t i = 0; i < n_runs; i++) {
        const struct filter_tally *seen = filter_set_count(&g->set, g->hashes[i], (uint32_t)i);
        if (seen->count > top.count || (seen->count == top.count && seen->first < top.first))
            top = *seen;
    }
    *out = (run_characters(t, top.first, n) + n - 1) * top.count;
    return OK;
}

static enum err measure_duplicate(struct filter_grams *g, const struct filter_tokens *t, size_t n,
                                  uint64_t *out)
{
    TRY(filter_set_begin(&g->set, t->n_tokens, false));
    uint64_t sum = 0;
    for (size_t i = 0; i + n <= t->n_tokens;) {
        const bool before = filter_set_add(&g->set, g->hashes[i]);
        if (before) sum += run_characters(t, i, n);
        i += before ? n : 1;
    }
    *out = sum;
    return OK;
}

enum err filter_grams_measure(struct filter_grams *g, const struct filter_tokens *t,
                              struct filter_gram_sums *out)
{
    *out = (struct filter_gram_sums){0};
    TRY(grow_array(&g->hashes, &g->hashes_capacity, t->n_tokens, sizeof *g->hashes));
    begin_hashes(g, t);
    for (size_t n = 2; n <= FILTER_TOP_MAX && n <= t->n_tokens; n++) {
        lengthen_apart(g, t, n);
        TRY(measure_top(g, t, n, &out->top[n]));
    }
    begin_hashes(g, t);
    for (size_t n = 2; n <= FILTER_DUPLICATE_MAX && n <= t->n_tokens; n++) {
        lengthen_joined(g, t, n);
        if (n >= FILTER_DUPLICATE_MIN) TRY(measure_duplicate(g, t, n, &out->duplicate[n]));
    }
    return OK;
}
