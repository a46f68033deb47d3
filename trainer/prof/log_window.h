#pragma once
// Some consecutive steps of a log, as one line of a report. Step times are medians, because
// machines hiccup; shares are of all the time.

#include "trainer/prof/run_log.h"

struct log_window {
    double first_step, last_step;
    double first_loss, last_loss;
    double val_loss; // the last one
    bool validated;
    double tokens, seconds;                       // sums
    double step_seconds, tokens_per_second;       // of the median step
    double mfu, hfu, palm;                        // medians
    double compute, data_wait, comm_exposed, opt; // shares of seconds; they add up to 1
};

/// Sums up n >= 1 records; scratch memory from a. Local. Can't fail.
struct log_window log_window_of(const struct run_record *records, size_t n, struct arena *a);
