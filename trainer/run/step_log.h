#pragma once
// What a training step says: one line for people, one JSON record in log.jsonl, the single source
// of every report.

#include "trainer/run/execute.h"

struct step_log {
    bool is_open;
    int fd; // of log.jsonl
    const char *path;
    uint64_t last_step; // of the run, for progress
    double peak_flops;  // of all ranks: register-resident FMA loop in this process
    double model_flops, hardware_flops, palm_flops; // a step
    double mean_seconds;                            // running, for the time that is left
};

/// Appends to run_folder/log.jsonl. Rank 0 only. Errors: ERR_IO.
enum err step_log_open(struct step_log *l, const char *run_folder, struct arena *a) MUST_CHECK;
/// Reports the step that e has just done in seconds, and whether its validation ran. time_ns: of
/// this step, by kind. Errors: ERR_IO (disk full).
enum err step_log_write(struct step_log *l, const struct executor *e, uint64_t step, double seconds,
                        const uint64_t time_ns[TIME_N]) MUST_CHECK;
/// On the disk, up to the last record: before a checkpoint of that step. Nothing when not open.
/// Errors: ERR_IO.
enum err step_log_sync(const struct step_log *l) MUST_CHECK;
enum err step_log_close(struct step_log *l) MUST_CHECK;
