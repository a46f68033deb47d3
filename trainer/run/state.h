#pragma once
// The state that lives across steps, in logical coordinates: master weights and moments of this
// rank's blocks, as pieces of tensors. What checkpoints, initialisation and hashes see of the slab.

#include "trainer/checkpoint/checkpoint.h"
#include "trainer/run/execute.h"

struct state {
    struct checkpoint_model model;
    struct checkpoint_piece *home, *kept; // what this rank saves; what it loads
    size_t n_home, n_kept;
};

/// Lists the tensors of e's plan and this rank's pieces, in a. Local.
void state_open(struct state *s, const struct executor *e, struct arena *a);
/// Fills the kept master pieces with initial weights, a pure function of (seed, name, element);
/// moments with 0. Local.
void state_initialize(const struct state *s, const struct executor *e, uint64_t seed);
/// Hash of all master weights: the same for any number of ranks. Collective. Errors: of the fabric.
enum err state_hash(const struct state *s, const struct executor *e, uint64_t *out) MUST_CHECK;
