#pragma once
// Where the time of one rank went, op by op and verb by verb, beside what the cost rules predict
// for the same calls: RUN_DIR/profile.json. It covers the steps since the last start of the job, in
// the phase that ended last.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { OP_PROFILE_LINES = 64 };

struct op_profile_line {
    const char *name; // of the op or verb
    double calls, seconds;
    double flops, bytes; // predicted (graph_node_cost); 0 for verbs
};

struct op_profile {
    uint64_t first_step, last_step; // inclusive
    uint64_t n_ranks, n_threads;
    double peak_flops; // a second, of the measured rank: register-resident loop
    const char *isa;
    struct op_profile_line ops[OP_PROFILE_LINES], verbs[OP_PROFILE_LINES]; // by seconds, falling
    size_t n_ops, n_verbs;
};

struct executor;

/// What e has counted so far, into ops and verbs; lines that never ran are left out. Local.
void op_profile_fill(struct op_profile *p, const struct executor *e);
/// Replaces run_folder/profile.json. Errors: ERR_IO. Local.
enum err op_profile_write(const struct op_profile *p, const char *run_folder,
                          struct arena *a) MUST_CHECK;
/// Reads what op_profile_write wrote; texts live in a. Errors: ERR_IO when missing, ERR_DATA naming
/// the file and what is wrong. Local.
enum err op_profile_read(const char *run_folder, struct arena *a,
                         struct op_profile *out) MUST_CHECK;
