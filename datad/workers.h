#pragma once
// Threads that take jobs from one bounded queue, first come, first served.

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct workers;
typedef void (*workers_job_fn)(void *job);

/// Errors: ERR_IO (no threads).
enum err workers_open(size_t n_threads, size_t queue_limit, workers_job_fn run, struct arena *a,
                      struct workers **out) MUST_CHECK;
/// False when the queue is full. job must stay until run has returned; it begins after workers_wake
/// at the latest. Any thread.
bool workers_push(struct workers *w, void *job);
/// Wakes the threads that sleep, for what was pushed: once for all jobs that came together. Any
/// thread. Can't fail.
void workers_wake(struct workers *w);
/// Runs what is queued, then ends and joins the threads.
void workers_close(struct workers *w);
