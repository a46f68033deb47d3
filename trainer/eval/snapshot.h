#pragma once
// A run as it was at one of its checkpoints: what sampling, evaluation and export start from, and
// why they share a folder. Nothing in the run directory is changed, but for the config and log of
// the datad that an evaluation may start.

#include <stdbool.h>

#include "trainer/checkpoint/checkpoint.h"
#include "trainer/config.h"
#include "trainer/run/execute.h"
#include "trainer/run/state.h"

#define SNAPSHOT_NEWEST UINT64_MAX

struct snapshot {
    const char *run_folder, *checkpoint; // paths
    uint64_t step;
    struct config config; // of the phase in which the checkpoint was saved
    struct checkpoint_state saved;
};

/// step: SNAPSHOT_NEWEST, or one that has a checkpoint. Everything lives in a. Local. Errors:
/// ERR_DATA (no checkpoint, of that step), ERR_IO (no run directory), ERR_CONFIG, ERR_CORRUPT.
enum err snapshot_open(const char *run_folder, uint64_t step, struct arena *a,
                       struct snapshot *out) MUST_CHECK;
/// Fills the master weights of this rank and checks the hash of all. Collective. Errors: of
/// checkpoint_load; ERR_CORRUPT.
enum err snapshot_load(const struct snapshot *s, const struct executor *e,
                       struct arena *a) MUST_CHECK;
