#pragma once
// How much of a text is runs of n words that stand in it more than once (Gopher, table A1).

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/filter/filter_set.h"
#include "shard/filter/filter_tokens.h"

struct filter_grams {
    struct filter_set set;
    uint64_t *hashes; // of the run that begins at each word
    size_t hashes_capacity;
};

enum {
    FILTER_TOP_MIN = 2,
    FILTER_TOP_MAX = 4,
    FILTER_DUPLICATE_MIN = 5,
    FILTER_DUPLICATE_MAX = 10
};

struct filter_gram_sums {
    // top[n]: characters of the commonest run of n words (spaces between them counted; of several,
    // the one that stands first) times how often it stands. duplicate[n]: characters of the runs of
    // n words (no spaces) that stood before; behind one the next n words are skipped.
    uint64_t top[FILTER_TOP_MAX + 1], duplicate[FILTER_DUPLICATE_MAX + 1];
};

/// Measures the words kept in t. Errors: ERR_MEMORY.
enum err filter_grams_measure(struct filter_grams *g, const struct filter_tokens *t,
                              struct filter_gram_sums *out) MUST_CHECK;
/// Frees the tables. Can't fail.
void filter_grams_fini(struct filter_grams *g);
