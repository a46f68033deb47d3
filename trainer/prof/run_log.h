#pragma once
// A run's log.jsonl, read back: one record a step. The last line may be cut (the job was killed
// while it wrote); anything else that is not a record is an error that names file and line.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct run_record {
    double step, tokens; // integers, exact in a double
    double loss, seconds;
    double mfu, hfu, palm;               // 0..1 of peak
    double data_wait, comm_exposed, opt; // shares of seconds
    double val_loss;                     // when validated
    bool validated;
};

struct run_log {
    struct run_record *records; // by step, ascending; at least one
    size_t n_records;
    bool cut; // the last line was not whole and is left out
};

/// Reads path into a. Errors: ERR_IO when it is missing; ERR_DATA for a line that is no record,
/// steps out of order, or no record at all. Local.
enum err run_log_read(const char *path, struct arena *a, struct run_log *out) MUST_CHECK;
