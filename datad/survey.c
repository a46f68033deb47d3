#include "datad/survey.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"

static double seconds(uint64_t ns)
{
    return (double)ns / 1e9;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    const struct timeval *u = &usage.ru_utime, *s = &usage.ru_stime;
    return (double)(u->tv_sec + s->tv_sec) + (double)(u->tv_usec + s->tv_usec) / 1e6;
}

/// The second number of /proc/self/statm, in pages; 0 where there is none.
static uint64_t resident_bytes(void)
{
    unsigned long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    if (f == NULL) return 0;
    if (fscanf(f, "%*u %llu", &pages) != 1) pages = 0;
    fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/// The run's rows before what the client asked for last.
static uint64_t rows_before(const struct connection *c)
{
    const struct batch_shape *s = &c->shape;
    const uint64_t steps = c->step > s->first_step ? c->step - s->first_step : 0;
    return s->first_row + (steps * s->step_lanes + c->lane) * s->lane_rows;
}

static const struct stream_share *shares_of(const struct connection *c, size_t n_sources,
                                            struct arena *a)
{
    struct stream_share *shares = ARENA_ARRAY(a, struct stream_share, n_sources);
    stream_report(c->stream, rows_before(c), shares);
    return shares;
}

static struct report_client client_of(const struct peer *p, uint64_t now_ns, size_t n_sources,
                                      struct arena *a)
{
    const struct connection *c = &p->connection;
    const struct stream_request *request = stream_request(c->stream);
    const uint64_t tokens = atomic_load(&c->tally.tokens);
    return (struct report_client){.pid = p->pid,
                                  .split = request->split,
                                  .T = request->T,
                                  .lane_rows = c->shape.lane_rows,
                                  .step_lanes = c->shape.step_lanes,
                                  .step = c->step,
                                  .lane = c->lane,
                                  .n_waiting = atomic_load(&c->n_jobs),
                                  .connected_s = seconds(now_ns - c->begun_ns),
                                  .waited_s = seconds(c->waited_ns),
                                  .tokens_per_second = rate_of(&c->rate, now_ns, tokens),
                                  .tally = &c->tally,
                                  .shares = shares_of(c, n_sources, a)};
}

static void add_clients(const struct survey *s, struct arena *a, struct report *out)
{
    struct report_client *clients = ARENA_ARRAY(a, struct report_client, SERVICE_CONNECTIONS);
    const uint64_t now_ns = clock_now_ns();
    for (size_t i = 0; i < SERVICE_CONNECTIONS; i++) {
        const struct peer *p = &s->peers[i];
        if (p->fd >= 0 && p->connection.stream != NULL)
            clients[out->n_clients++] = client_of(p, now_ns, out->n_sources, a);
    }
    out->clients = clients;
}

static void add_sources(const struct survey *s, struct arena *a, struct report *out)
{
    const struct stream_rule *rule = &service_options(s->service)->rule;
    struct report_source *sources = ARENA_ARRAY(a, struct report_source, rule->n_sources);
    for (size_t i = 0; i < rule->n_sources; i++)
        sources[i] = (struct report_source){rule->sources[i].name, rule->sources[i].weight,
                                            rule->sources[i].n_bins};
    out->sources = sources;
    out->n_sources = rule->n_sources;
}

struct report survey_report(const struct survey *s, struct arena *a)
{
    struct report r = {.socket = s->socket,
                       .up_s = seconds(clock_now_ns() - s->begun_ns),
                       .cpu_s = cpu_seconds(),
                       .resident_bytes = resident_bytes(),
                       .n_accepted = s->n_accepted,
                       .n_refused = s->n_refused,
                       .n_reloads = s->n_reloads,
                       .all = service_tally(s->service)};
    add_sources(s, a, &r);
    add_clients(s, a, &r);
    return r;
}
