#include "datad/split.h"

#include <stdbool.h>

#include "base/rng.h"

const char *split_name(enum split split)
{
    return split == SPLIT_TRAIN ? "train" : "validation";
}

static uint64_t tokens_of(const struct source *source)
{
    uint64_t n_tokens = 0;
    for (uint64_t i = 0; i < source->n_bins; i++)
        n_tokens += source_bin(source, i).n_tokens;
    return n_tokens;
}

/// Marks the held-out bins.
static void hold_out(const struct source *source, double fraction, bool *held)
{
    const double wanted = fraction * (double)tokens_of(source);
    const uint64_t key = rng_u64(rng_key(0, "datad.split"), source->hash.hi, source->hash.lo);
    uint64_t n_tokens = 0;
    for (uint64_t i = 0; i + 1 < source->n_bins && (double)n_tokens < wanted; i++) {
        const uint64_t bin = rng_permute(key, source->n_bins, i);
        held[bin] = true;
        n_tokens += source_bin(source, bin).n_tokens;
    }
}

void split_build(const struct source *source, enum split split, double fraction, struct arena *a,
                 struct split_bins *out)
{
    bool *held = ARENA_ARRAY(a, bool, source->n_bins);
    if (fraction > 0) hold_out(source, fraction, held);
    *out = (struct split_bins){.bins = ARENA_ARRAY(a, uint32_t, source->n_bins)};
    for (uint64_t bin = 0; bin < source->n_bins; bin++) {
        if (held[bin] != (split == SPLIT_VALIDATION)) continue;
        out->bins[out->n_bins++] = (uint32_t)bin;
        out->n_tokens += source_bin(source, bin).n_tokens;
    }
}
