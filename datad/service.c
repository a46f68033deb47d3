#include "datad/service.h"

#include <string.h>

#include "base/log.h"
#include "datad/bins.h"
#include "datad/client.h"

struct entry {
    struct arena arena; // of the stream
    struct stream *stream;
    size_t n_users;  // 0 = the entry is free
    uint64_t n_rows; // that clients have asked for some of
};

struct service {
    struct service_options options;
    struct bins *bins;
    struct workers *workers;
    struct entry entries[SERVICE_STREAMS];
    struct tally tally;
};

enum err service_open(const struct service_options *o, workers_job_fn run, struct arena *a,
                      struct service **out)
{
    TRY(source_check_all(o->rule.sources, o->rule.n_sources));
    struct service *s = ARENA_NEW(a, struct service);
    s->options = *o;
    const struct bins_options bins = {.sources = o->rule.sources,
                                      .n_sources = o->rule.n_sources,
                                      .n_threads = o->n_workers,
                                      .window_bins = o->rule.sequential ? 1 : o->rule.window_bins,
                                      .cache_bytes = o->cache_bytes};
    TRY(bins_open(&bins, a, &s->bins));
    const enum err e = workers_open(o->n_workers, (size_t)SERVICE_CONNECTIONS * CLIENT_WINDOW, run,
                                    a, &s->workers);
    if (e != OK) {
        bins_close(s->bins);
        return e;
    }
    *out = s;
    return OK;
}

void service_close(struct service *s)
{
    workers_close(s->workers);
    for (size_t i = 0; i < SERVICE_STREAMS; i++)
        ASSERT(s->entries[i].n_users == 0);
    bins_close(s->bins);
}

const struct service_options *service_options(const struct service *s)
{
    return &s->options;
}

struct workers *service_workers(struct service *s)
{
    return s->workers;
}

struct tally *service_tally(struct service *s)
{
    return &s->tally;
}

static bool same(const struct stream_request *a, const struct stream_request *b)
{
    return a->split == b->split && a->T == b->T && a->seed == b->seed;
}

static void log_stream(struct stream *stream)
{
    struct arena a;
    arena_init(&a, "stream's lines");
    char *rest = arena_strdup(&a, stream_describe(stream, &a)), *line;
    while ((line = strtok_r(rest, "\n", &rest)) != NULL)
        log_line("datad: %s", line);
    arena_fini(&a);
}

static void log_progress_of(struct stream *stream, uint64_t n_rows)
{
    struct arena a;
    arena_init(&a, "stream's progress");
    log_line("datad: %s", stream_progress(stream, n_rows, &a));
    arena_fini(&a);
}

static enum err open_entry(struct service *s, struct entry *e, const struct stream_request *request)
{
    arena_init(&e->arena, "datad stream");
    const enum err err = stream_open(&s->options.rule, request, s->bins, &e->arena, &e->stream);
    if (err != OK) {
        arena_fini(&e->arena);
        return err;
    }
    e->n_users = 1;
    e->n_rows = 0;
    log_stream(e->stream);
    return OK;
}

enum err service_borrow(struct service *s, const struct stream_request *request,
                        struct stream **out)
{
    struct entry *room = NULL;
    for (size_t i = 0; i < SERVICE_STREAMS; i++) {
        struct entry *e = &s->entries[i];
        if (e->n_users == 0) {
            room = e;
        } else if (same(stream_request(e->stream), request)) {
            e->n_users++;
            *out = e->stream;
            return OK;
        }
    }
    if (room == NULL)
        return fail(ERR_MEMORY, "datad serves %d other streams already", SERVICE_STREAMS);
    TRY(open_entry(s, room, request));
    *out = room->stream;
    return OK;
}

void service_return(struct service *s, struct stream *stream)
{
    for (size_t i = 0; i < SERVICE_STREAMS; i++) {
        struct entry *e = &s->entries[i];
        if (e->n_users == 0 || e->stream != stream) continue;
        if (--e->n_users > 0) return;
        if (e->n_rows > 0) log_progress_of(e->stream, e->n_rows);
        stream_close(e->stream);
        arena_fini(&e->arena);
        e->stream = NULL;
        return;
    }
    err_abort(__FILE__, __LINE__, "a stream of another service");
}

static bool same_hash(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

void service_reach(struct service *s, const struct stream *stream, uint64_t n_rows)
{
    for (size_t i = 0; i < SERVICE_STREAMS; i++) {
        struct entry *e = &s->entries[i];
        if (e->n_users == 0 || e->stream != stream || e->n_rows >= n_rows) continue;
        if (!same_hash(stream_history(stream, e->n_rows), stream_history(stream, n_rows)))
            log_progress_of(e->stream, n_rows); // an edit has begun
        e->n_rows = n_rows;
    }
}

static enum err check_next(const struct entry *e, const struct stream_rule *next)
{
    const struct stream_request *request = stream_request(e->stream);
    const struct hash128 now = stream_history(e->stream, e->n_rows);
    struct hash128 then;
    TRY(stream_rule_history(next, request, e->n_rows, &then));
    if (same_hash(now, then)) return OK;
    return fail(ERR_CONFIG,
                "it changes rows that clients have asked for: of the %s stream of T %llu edits may "
                "begin from token %llu on",
                split_name(request->split), (unsigned long long)request->T,
                (unsigned long long)(e->n_rows * request->T));
}

enum err service_check_next(const struct service *s, const struct stream_rule *next)
{
    for (size_t i = 0; i < SERVICE_STREAMS; i++)
        if (s->entries[i].n_users > 0) TRY(check_next(&s->entries[i], next));
    return OK;
}
