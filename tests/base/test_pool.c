#include "base/pool.h"

#include <stdatomic.h>

#include "base/fault.h"
#include "base/rng.h"
#include "tests/check.h"

enum { TASKS_LIMIT = 1000 };

struct job {
    atomic_int runs[TASKS_LIMIT];
    unsigned plain[TASKS_LIMIT]; // written without atomics: the end of a job must publish them
    unsigned round;
    size_t n_threads;
    atomic_int bad_threads;
};

static void count_task(void *context, size_t task_idx, size_t thread_idx)
{
    struct job *job = context;
    if (thread_idx >= job->n_threads) atomic_fetch_add(&job->bad_threads, 1);
    atomic_fetch_add(&job->runs[task_idx], 1);
    job->plain[task_idx] = job->round;
}

static void count_tick(void *context)
{
    ++*(size_t *)context;
}

static void test_each_task_once(size_t n_threads, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "pool");
    struct pool *p;
    CHECK_OK(pool_open(&a, n_threads, &p));
    CHECK(pool_n_threads(p) == n_threads);
    struct job *job = ARENA_NEW(&a, struct job);
    job->n_threads = n_threads;
    for (job->round = 1; job->round <= 3000; job->round++) {
        size_t n_tasks = rng_u64(seed, n_threads, job->round) % (job->round % 100 ? 8 : 1000);
        for (size_t i = 0; i < TASKS_LIMIT; i++)
            atomic_store(&job->runs[i], 0);
        pool_run(p, n_tasks, count_task, job);
        for (size_t i = 0; i < TASKS_LIMIT; i++)
            CHECK(atomic_load(&job->runs[i]) == (i < n_tasks));
        for (size_t i = 0; i < n_tasks; i++)
            CHECK(job->plain[i] == job->round);
    }
    CHECK(atomic_load(&job->bad_threads) == 0);
    pool_close(p);
    arena_fini(&a);
}

// Task 0 and task 1 wait for each other, so both threads must be in the job at once.
static void meet_task(void *context, size_t task_idx, size_t thread_idx)
{
    (void)thread_idx;
    atomic_int *arrived = context;
    atomic_fetch_add(arrived, 1);
    while (task_idx < 2 && atomic_load(arrived) < 2)
        __builtin_ia32_pause();
}

static void test_threads_run_at_once(void)
{
    struct arena a;
    arena_init(&a, "pool");
    struct pool *p;
    CHECK_OK(pool_open(&a, 2, &p));
    atomic_int arrived = 0;
    pool_run(p, 2, meet_task, &arrived);
    CHECK(atomic_load(&arrived) == 2);
    pool_close(p);
    arena_fini(&a);
}

static void test_tick(void)
{
    struct arena a;
    arena_init(&a, "pool");
    struct job *job = ARENA_NEW(&a, struct job);
    struct pool *alone, *pair;
    size_t n_ticks = 0;
    job->n_threads = 1;
    CHECK_OK(pool_open(&a, 1, &alone));
    pool_run(alone, 10, count_task, job);
    CHECK(n_ticks == 0);
    pool_set_tick(alone, count_tick, &n_ticks);
    pool_run(alone, 10, count_task, job);
    CHECK(n_ticks == 10);
    pool_close(alone);
    job->n_threads = 2;
    n_ticks = 0;
    CHECK_OK(pool_open(&a, 2, &pair));
    pool_set_tick(pair, count_tick, &n_ticks);
    atomic_int arrived = 0;
    pool_run(pair, 3, meet_task, &arrived); // the caller runs at least one of them
    CHECK(n_ticks >= 1);
    pool_close(pair);
    arena_fini(&a);
}

static void test_no_threads(void)
{
    struct arena a;
    arena_init(&a, "pool");
    struct pool *p = NULL;
    fault_arm("pool_thread", 2, FAULT_EIO, false);
    CHECK_ERR(pool_open(&a, 4, &p), ERR_IO);
    CHECK_LINE("start thread 3 of 4: Input/output error");
    fault_disarm();
    CHECK(p == NULL);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    test_each_task_once(1, seed);
    test_each_task_once(2, seed);
    test_each_task_once(5, seed);
    test_threads_run_at_once();
    test_tick();
    test_no_threads();
    return 0;
}
