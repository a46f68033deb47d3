#pragma once
// A training run on these ranks: from a run file to checkpoints, phase by phase.

#include "topology/fabric.h"
#include "trainer/config.h"

struct train_options {
    const char *run_file, *run_folder; // run_folder NULL = run_file without .yaml
    const char *const *overrides;
    size_t n_overrides;
    bool resume, trace;
};

/// Trains (or goes on with --resume) until the last step, a signal (USR1, or TERM when no launcher
/// stands between) or an error. Every rank returns the same error; the line is set on the one that
/// knows, empty on the others. Collective. Errors: ERR_REQUEUE (saved on a signal), ERR_CONFIG,
/// ERR_DATA, ERR_DIVERGED, ...
enum err train_run(const struct train_options *o, struct fabric *f, struct arena *a) MUST_CHECK;
