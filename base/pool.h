#pragma once
// A pool of threads that run the tasks of one job at a time. The caller takes part: with n_threads
// == 1 there is no other thread. Tasks are numbered; who runs which is not fixed, so a task must
// write what no other task writes and its result must not depend on the thread (I2 a).
// Between its own tasks the calling thread calls the tick hook (fabric progress).

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct pool;
typedef void (*pool_task_fn)(void *context, size_t task_idx, size_t thread_idx);
typedef void (*pool_tick_fn)(void *context);

/// Cores that this process may use, at least 1: how many threads to ask for. Local. Can't fail.
size_t pool_usable_cores(void);
/// n_threads >= 1 in all, the caller included. The pool lives in a. Errors: ERR_IO (no threads).
enum err pool_open(struct arena *a, size_t n_threads, struct pool **out) MUST_CHECK;
/// Ends and joins the threads. No job may run.
void pool_close(struct pool *p);
size_t pool_n_threads(const struct pool *p);
/// Called by the thread in pool_run between its tasks; NULL = none.
void pool_set_tick(struct pool *p, pool_tick_fn tick, void *context);
/// For tasks that take longer than about 0.3 ms: to be called by the task now and then, outside any
/// change of MXCSR; ticks when thread_idx is the caller's. Can't fail.
void pool_tick(struct pool *p, size_t thread_idx);
/// Runs task(context, i, thread) for i in [0, n_tasks) and returns when all are done. thread_idx is
/// in [0, n_threads): use it to pick scratch memory. Can't fail.
void pool_run(struct pool *p, size_t n_tasks, pool_task_fn task, void *context);
