#pragma once
// From the run file to graphs and a plan: the one place where a config's model becomes an
// architecture.

#include "trainer/config.h"
#include "trainer/graph/graph.h"
#include "trainer/plan/plan.h"

struct model_ranks {
    int n_ranks, n_nodes;
    uint64_t n_threads; // a rank
};

/// Graphs and plan of c's first phase (config_of_phase for others), checked by plan_check. Local;
/// the same on all ranks. Errors: ERR_CONFIG.
enum err model_plan(const struct config *c, const struct model_ranks *ranks, struct arena *a,
                    struct plan **out) MUST_CHECK;
/// The plan of sampling with a cache of `context` positions, `rows` new ones a call.
enum err model_plan_decode(const struct config *c, uint64_t rows, uint64_t n_threads,
                           struct arena *a, struct plan **out) MUST_CHECK;
