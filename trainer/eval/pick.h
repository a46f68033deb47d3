#pragma once
// The choice of the next token from logits: a pure function of them, the options, the seed and the
// position.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct pick_options {
    // logits are divided by it; 0 = always the likeliest (the lower id of equals)
    double temperature;
    uint64_t top_k; // only the k likeliest; 0 = all
    double top_p;   // only the likeliest that together have this probability; 1 = all
    uint64_t seed;
};

struct pick_candidate {
    uint32_t id;
    double weight;
};

struct pick {
    struct pick_options options;
    uint64_t key;
    size_t n;
    struct pick_candidate *candidates; // [n]: scratch
};

/// For logits of n tokens; scratch lives in a. Can't fail.
void pick_begin(struct pick *p, const struct pick_options *o, size_t n, struct arena *a);
/// The token at position, for logits [n]. Can't fail.
uint32_t pick_token(struct pick *p, const float *logits, uint64_t position);
