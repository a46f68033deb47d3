// How a job runs. The caller fills in the job, opens it and takes tasks from a shared counter, as
// do the helpers who wake in time; a helper that wakes late finds the job closed and goes back to
// sleep, so nobody waits for a thread that has not begun. Invariants:
//   I1 open, ending, generation and n_inside change only under lock (the atomics are polled
//      without).
//   I2 the job's fields change only while open is false and n_inside is 0.

#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/fault.h"

enum { SPINS = 500, THREADS_LIMIT = 1024 };

struct helper {
    struct pool *pool;
    size_t thread_idx;
    pthread_t thread;
};

struct pool {
    size_t n_threads;       // the caller included
    struct helper *helpers; // [n_threads - 1]
    pthread_mutex_t lock;
    pthread_cond_t begun, left;
    pool_tick_fn tick; // the caller's alone
    void *tick_context;
    pool_task_fn task; // the job, from here to n_tasks (I2)
    void *context;
    size_t n_tasks;
    alignas(64) atomic_size_t next_task;
    alignas(64) atomic_uint generation; // of the job
    atomic_size_t n_inside;             // helpers in the job
    bool open, ending;
};

static void tick(const struct pool *p)
{
    if (p->tick != NULL) p->tick(p->tick_context);
}

// Sleeps until a job other than the one seen has begun; enters it when it is still open.
static bool helper_enter(struct pool *p, unsigned *seen)
{
    for (int i = 0; i < SPINS && atomic_load(&p->generation) == *seen; i++)
        __builtin_ia32_pause();
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->generation) == *seen && !p->ending)
        pthread_cond_wait(&p->begun, &p->lock);
    *seen = atomic_load(&p->generation);
    bool enters = p->open && !p->ending;
    if (enters) atomic_fetch_add(&p->n_inside, 1);
    pthread_mutex_unlock(&p->lock);
    return enters;
}

static void helper_leave(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    if (atomic_fetch_sub(&p->n_inside, 1) == 1) pthread_cond_signal(&p->left);
    pthread_mutex_unlock(&p->lock);
}

static void run_tasks(struct pool *p, size_t thread_idx)
{
    for (;;) {
        size_t task_idx = atomic_fetch_add(&p->next_task, 1);
        if (task_idx >= p->n_tasks) return;
        p->task(p->context, task_idx, thread_idx);
        if (thread_idx == 0) tick(p);
    }
}

static bool pool_ends(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    bool ending = p->ending;
    pthread_mutex_unlock(&p->lock);
    return ending;
}

static void *helper_main(void *argument)
{
    struct helper *helper = argument;
    struct pool *p = helper->pool;
    unsigned seen = 0;
    while (!pool_ends(p)) {
        if (!helper_enter(p, &seen)) continue;
        run_tasks(p, helper->thread_idx);
        helper_leave(p);
    }
    return NULL;
}

size_t pool_usable_cores(void)
{
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof cores, &cores) == 0 ? (size_t)CPU_COUNT(&cores) : 1;
}

enum err pool_open(struct arena *a, size_t n_threads, struct pool **out)
{
    ASSERT(n_threads >= 1 && n_threads <= THREADS_LIMIT);
    struct pool *p = ARENA_NEW(a, struct pool);
    p->n_threads = 1;
    p->helpers = ARENA_ARRAY(a, struct helper, n_threads - 1);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->begun, NULL);
    pthread_cond_init(&p->left, NULL);
    for (size_t i = 1; i < n_threads; i++) {
        struct helper *helper = &p->helpers[i - 1];
        *helper = (struct helper){.pool = p, .thread_idx = i};
        int code = fault_hit("pool_thread") ? errno : 0;
        if (code == 0) code = pthread_create(&helper->thread, NULL, helper_main, helper);
        if (code != 0) {
            pool_close(p);
            return fail(ERR_IO, "start thread %zu of %zu: %s", i + 1, n_threads, strerror(code));
        }
        p->n_threads++;
    }
    *out = p;
    return OK;
}

void pool_close(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    ASSERT(!p->open);
    p->ending = true;
    pthread_mutex_unlock(&p->lock);
    pthread_cond_broadcast(&p->begun);
    for (size_t i = 1; i < p->n_threads; i++)
        pthread_join(p->helpers[i - 1].thread, NULL);
    pthread_cond_destroy(&p->left);
    pthread_cond_destroy(&p->begun);
    pthread_mutex_destroy(&p->lock);
}

size_t pool_n_threads(const struct pool *p)
{
    return p->n_threads;
}

void pool_set_tick(struct pool *p, pool_tick_fn tick_fn, void *context)
{
    p->tick = tick_fn;
    p->tick_context = context;
}

void pool_tick(struct pool *p, size_t thread_idx)
{
    if (thread_idx == 0) tick(p);
}

static void job_begin(struct pool *p, size_t n_tasks, pool_task_fn task, void *context)
{
    pthread_mutex_lock(&p->lock);
    ASSERT(!p->open && atomic_load(&p->n_inside) == 0);
    p->task = task;
    p->context = context;
    p->n_tasks = n_tasks;
    atomic_store(&p->next_task, 0);
    p->open = true;
    atomic_fetch_add(&p->generation, 1);
    pthread_mutex_unlock(&p->lock);
    pthread_cond_broadcast(&p->begun);
}

// Closes the job and waits for the helpers inside to finish their last tasks, ticking meanwhile.
static void job_end(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->open = false;
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < SPINS && atomic_load(&p->n_inside) > 0; i++)
        __builtin_ia32_pause();
    while (p->tick != NULL && atomic_load(&p->n_inside) > 0) {
        tick(p);
        sched_yield();
    }
    pthread_mutex_lock(&p->lock);
    while (atomic_load(&p->n_inside) > 0)
        pthread_cond_wait(&p->left, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

void pool_run(struct pool *p, size_t n_tasks, pool_task_fn task, void *context)
{
    if (p->n_threads > 1 && n_tasks > 1) {
        job_begin(p, n_tasks, task, context);
        run_tasks(p, 0);
        job_end(p);
        return;
    }
    for (size_t i = 0; i < n_tasks; i++) {
        task(context, i, 0);
        tick(p);
    }
}
