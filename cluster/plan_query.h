#pragma once
// What `weft plan RUN.yaml --json` says of a run: cluster asks the trainer through its command, not
// through its headers.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct plan_query {
    const char *weft, *run_file;
    const char *const *overrides; // "key=value", passed on as --set
    size_t n_overrides;
    uint64_t n_ranks, n_nodes, n_threads; // threads a rank
};

struct plan_answer {
    uint64_t peak_bytes; // of a rank, the most of all phases
    uint64_t parameters;
    const char *plan_hash; // of the first phase
};

/// Runs weft plan and reads its answer; texts live in a. Errors: that of weft plan, with its line
/// (ERR_CONFIG: more ranks than lanes); ERR_IO when it cannot be started; ERR_DATA when its answer
/// is not understood. Local.
enum err plan_query_ask(const struct plan_query *q, struct arena *a,
                        struct plan_answer *out) MUST_CHECK;
