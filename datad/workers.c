#include "datad/workers.h"

#include <pthread.h>
#include <string.h>

struct workers {
    workers_job_fn run;
    pthread_mutex_t lock; // guards the queue and closing
    pthread_cond_t changed;
    void **queue; // ring
    size_t limit, first, n_jobs;
    bool closing;
    pthread_t *threads;
    size_t n_threads;
};

static void *take(struct workers *w)
{
    void *job = NULL;
    pthread_mutex_lock(&w->lock);
    while (w->n_jobs == 0 && !w->closing)
        pthread_cond_wait(&w->changed, &w->lock);
    if (w->n_jobs > 0) {
        job = w->queue[w->first];
        w->first = (w->first + 1) % w->limit;
        w->n_jobs--;
    }
    pthread_mutex_unlock(&w->lock);
    return job;
}

static void *work(void *context)
{
    struct workers *w = context;
    for (void *job = take(w); job != NULL; job = take(w))
        w->run(job);
    return NULL;
}

enum err workers_open(size_t n_threads, size_t queue_limit, workers_job_fn run, struct arena *a,
                      struct workers **out)
{
    ASSERT(n_threads >= 1 && queue_limit >= 1);
    struct workers *w = ARENA_NEW(a, struct workers);
    w->run = run;
    w->limit = queue_limit;
    w->queue = ARENA_ARRAY(a, void *, queue_limit);
    w->threads = ARENA_ARRAY(a, pthread_t, n_threads);
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    for (; w->n_threads < n_threads; w->n_threads++) {
        const int cause = pthread_create(&w->threads[w->n_threads], NULL, work, w);
        if (cause == 0) continue;
        workers_close(w);
        return fail(ERR_IO, "start worker %zu of %zu: %s", w->n_threads, n_threads,
                    strerror(cause));
    }
    *out = w;
    return OK;
}

bool workers_push(struct workers *w, void *job)
{
    pthread_mutex_lock(&w->lock);
    const bool room = w->n_jobs < w->limit;
    if (room) w->queue[(w->first + w->n_jobs++) % w->limit] = job;
    pthread_mutex_unlock(&w->lock);
    return room;
}

void workers_wake(struct workers *w)
{
    pthread_cond_broadcast(&w->changed);
}

void workers_close(struct workers *w)
{
    pthread_mutex_lock(&w->lock);
    w->closing = true;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
    for (size_t i = 0; i < w->n_threads; i++)
        pthread_join(w->threads[i], NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
}
