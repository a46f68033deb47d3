#pragma once
// A trajectory: an instruction, then steps of observed and commanded numbers. As a document it is
// the instruction and a newline, then for each step the bins of its observation and of its action;
// only actions are targets.

#include <stdbool.h>
#include <stdint.h>

#include "shard/read/bin_edges.h"
#include "shard/read/piece_list.h"

struct trajectory {
    struct span id, instruction;
    uint32_t n_observation, n_action; // numbers of each step
    size_t n_steps;
    double *values;  // [n_steps][n_observation + n_action], finite
    size_t capacity; // of values, for trajectory_reserve
};

/// Room for one more step; its numbers are written behind those there. Can't fail.
double *trajectory_step(struct trajectory *t, struct arena *a);
/// Appends its pieces. Errors: ERR_DATA (edges NULL, or of other dimensions).
enum err trajectory_pieces(const struct trajectory *t, const struct bin_edges *edges,
                           struct piece_list *pieces) MUST_CHECK;
