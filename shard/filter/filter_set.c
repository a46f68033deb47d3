#include "shard/filter/filter_set.h"

#include <string.h>

#include "base/grow.h"

enum { MIN_SLOTS_LOG2 = 8, N_STAMPS = 7 };

static uint32_t slots_log2(size_t n_keys)
{
    uint32_t log2 = MIN_SLOTS_LOG2;
    while (((size_t)1 << log2) < n_keys * 2)
        log2++;
    return log2;
}

enum err filter_set_begin(struct filter_set *s, size_t n_keys, bool counted)
{
    const uint32_t log2 = slots_log2(n_keys);
    const size_t n = (size_t)1 << log2;
    if (n > s->n_slots) {
        TRY(grow_array(&s->slots, &s->slots_capacity, n, sizeof *s->slots));
        memset(s->slots + s->n_slots, 0, (n - s->n_slots) * sizeof *s->slots);
        s->n_slots = n;
    }
    if (counted) TRY(grow_array(&s->tallies, &s->tallies_capacity, n, sizeof *s->tallies));
    if (s->stamp >> 61 == N_STAMPS) {
        memset(s->slots, 0, s->n_used * sizeof *s->slots);
        s->n_used = 0;
        s->stamp = 0;
    }
    if (s->n_used < n) s->n_used = n;
    s->stamp += (uint64_t)1 << 61;
    s->shift = 64 - log2;
    s->mask = n - 1;
    return OK;
}

void filter_set_free(struct filter_set *s)
{
    grow_free(s->tallies);
    grow_free(s->slots);
    *s = (struct filter_set){0};
}
