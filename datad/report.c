#include "datad/report.h"

// One row a metric of the daemon: name, type, help, its value in report r.
#define DAEMON_METRICS(X)                                                                      \
    X("weft_datad_up_seconds", "gauge", "Seconds since datad began to serve.", r->up_s)        \
    X("process_cpu_seconds_total", "counter", "CPU time of datad.", r->cpu_s)                  \
    X("process_resident_memory_bytes", "gauge", "Memory of datad.", (double)r->resident_bytes) \
    X("weft_datad_accepted_total", "counter", "Connections accepted.", (double)r->n_accepted)  \
    X("weft_datad_refused_total", "counter", "Connections refused or ended by an error.",      \
      (double)r->n_refused)                                                                    \
    X("weft_datad_reloads_total", "counter", "Reloads of the config.", (double)r->n_reloads)   \
    X("weft_datad_clients", "gauge", "Connections now.", (double)r->n_clients)                 \
    X("weft_datad_requests_total", "counter", "Batches asked for.", count(&r->all->requests))  \
    X("weft_datad_errors_total", "counter", "Batches answered with an error.",                 \
      count(&r->all->errors))                                                                  \
    X("weft_datad_tokens_total", "counter", "Tokens in batches.", count(&r->all->tokens))      \
    X("weft_datad_loss_tokens_total", "counter", "Of these, targets of the loss.",             \
      count(&r->all->loss_tokens))                                                             \
    X("weft_datad_lost_images_total", "counter", "Images that could not be decoded.",          \
      count(&r->all->lost_images))

// One row a metric of a client c: name, type, help, value, name in JSON.
#define CLIENT_METRICS(X)                                                                          \
    X("weft_datad_client_step", "gauge", "Step asked for last.", (double)c->step, "step")          \
    X("weft_datad_client_lane", "gauge", "Lane asked for last.", (double)c->lane, "lane")          \
    X("weft_datad_client_waiting", "gauge", "Batches asked for and not yet made.",                 \
      (double)c->n_waiting, "waiting")                                                             \
    X("weft_datad_client_requests_total", "counter", "Batches asked for.",                         \
      count(&c->tally->requests), "requests")                                                      \
    X("weft_datad_client_batches_total", "counter", "Batches made.", count(&c->tally->batches),    \
      "batches")                                                                                   \
    X("weft_datad_client_errors_total", "counter", "Batches answered with an error.",              \
      count(&c->tally->errors), "errors")                                                          \
    X("weft_datad_client_tokens_total", "counter", "Tokens in batches.", count(&c->tally->tokens), \
      "tokens")                                                                                    \
    X("weft_datad_client_tokens_per_second", "gauge", "Tokens a second of late.",                  \
      c->tokens_per_second, "tokens_per_second")                                                   \
    X("weft_datad_client_making_seconds_total", "counter", "Time spent making batches.",           \
      count(&c->tally->making_ns) / 1e9, "making_seconds")                                         \
    X("weft_datad_client_wait_seconds_total", "counter", "Time the client waited for batches.",    \
      c->waited_s, "wait_seconds")                                                                 \
    X("weft_datad_client_connected_seconds", "gauge", "Time since it connected.", c->connected_s,  \
      "connected_seconds")

// One row a metric of a source in a client's stream: name, help, value of share s, name in JSON.
#define SHARE_METRICS(X)                                                                         \
    X("weft_datad_source_tokens", "Tokens up to the client's position.", (double)s->n_tokens,    \
      "tokens")                                                                                  \
    X("weft_datad_source_epochs", "Epochs up to the client's position.", s->epochs, "epochs")    \
    X("weft_datad_source_realised", "Share of tokens up to the client's position.", s->realised, \
      "realised")                                                                                \
    X("weft_datad_source_wanted", "Share by the weights in force.", s->wanted, "wanted")

static double count(const atomic_uint_least64_t *counter)
{
    return (double)atomic_load(counter);
}

static void put_head(struct text *out, const char *name, const char *type, const char *help)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void put_histogram(const struct tally *t, struct text *out)
{
    static const char name[] = "weft_datad_batch_seconds";
    uint64_t n = 0;
    put_head(out, name, "histogram", "Time to make a batch.");
    for (size_t i = 0; i < TALLY_BOUNDS; i++) {
        n += atomic_load(&t->within[i]);
        text_printf(out, "%s_bucket{le=\"%g\"} %llu\n", name, (double)tally_bound_ns(i) / 1e9,
                    (unsigned long long)n);
    }
    n += atomic_load(&t->within[TALLY_BOUNDS]);
    text_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %.9g\n%s_count %llu\n", name,
                (unsigned long long)n, name, count(&t->making_ns) / 1e9, name,
                (unsigned long long)n);
}

/// A label's value or a JSON string: both escape backslash, quote and newline alike.
static void put_quoted(struct text *out, const char *value)
{
    text_put(out, "\"", 1);
    for (; *value != '\0'; value++) {
        const unsigned char c = (unsigned char)*value;
        if (c == '"' || c == '\\')
            text_printf(out, "\\%c", c);
        else if (c < ' ')
            text_put(out, " ", 1);
        else
            text_put(out, value, 1);
    }
    text_put(out, "\"", 1);
}

static void put_sample(struct text *out, const char *name, const struct report_client *c,
                       double value)
{
    text_printf(out, "%s{pid=\"%ld\",split=\"%s\"} %.12g\n", name, c->pid, split_name(c->split),
                value);
}

static void put_share(const struct report *r, const char *name, const struct report_client *c,
                      size_t source, double value, struct text *out)
{
    text_printf(out, "%s{pid=\"%ld\",split=\"%s\",source=", name, c->pid, split_name(c->split));
    put_quoted(out, r->sources[source].name);
    text_printf(out, "} %.12g\n", value);
}

static void put_shares(const struct report *r, struct text *out)
{
#define X(name, help, value, key)                                                        \
    put_head(out, name, "gauge", help);                                                  \
    for (const struct report_client *c = r->clients; c < r->clients + r->n_clients; c++) \
        for (size_t i = 0; i < r->n_sources; i++) {                                      \
            const struct stream_share *s = &c->shares[i];                                \
            put_share(r, name, c, i, (value), out);                                      \
        }
    SHARE_METRICS(X)
#undef X
}

void report_prometheus(const struct report *r, struct text *out)
{
#define X(name, type, help, value)   \
    put_head(out, name, type, help); \
    text_printf(out, "%s %.12g\n", name, (value));
    DAEMON_METRICS(X)
#undef X
    put_histogram(r->all, out);
#define X(name, type, help, value, key)                                                  \
    put_head(out, name, type, help);                                                     \
    for (const struct report_client *c = r->clients; c < r->clients + r->n_clients; c++) \
        put_sample(out, name, c, (value));
    CLIENT_METRICS(X)
#undef X
    put_head(out, "weft_datad_source_weight", "gauge", "Weight of a source in the config.");
    for (size_t i = 0; i < r->n_sources; i++) {
        text_printf(out, "weft_datad_source_weight{source=");
        put_quoted(out, r->sources[i].name);
        text_printf(out, "} %.12g\n", r->sources[i].weight);
    }
    put_shares(r, out);
}

static void put_client(const struct report *r, const struct report_client *c, struct text *out)
{
    text_printf(out,
                "    {\"pid\": %ld, \"split\": \"%s\", \"sequence\": %llu, \"lane_rows\": %llu, "
                "\"step_lanes\": %llu",
                c->pid, split_name(c->split), (unsigned long long)c->T,
                (unsigned long long)c->lane_rows, (unsigned long long)c->step_lanes);
#define X(name, type, help, value, key) text_printf(out, ", \"%s\": %.12g", key, (value));
    CLIENT_METRICS(X)
#undef X
    text_printf(out, ",\n     \"sources\": [");
    for (size_t i = 0; i < r->n_sources; i++) {
        const struct stream_share *s = &c->shares[i];
        text_printf(out, "%s{\"name\": ", i ? ", " : "");
        put_quoted(out, r->sources[i].name);
#define X(name, help, value, key) text_printf(out, ", \"%s\": %.12g", key, (value));
        SHARE_METRICS(X)
#undef X
        text_printf(out, "}");
    }
    text_printf(out, "]}");
}

void report_json(const struct report *r, struct text *out)
{
    text_printf(out, "{\n  \"socket\": ");
    put_quoted(out, r->socket);
#define X(name, type, help, value) text_printf(out, ",\n  \"%s\": %.12g", name, (value));
    DAEMON_METRICS(X)
#undef X
    text_printf(out, ",\n  \"sources\": [");
    for (size_t i = 0; i < r->n_sources; i++) {
        text_printf(out, "%s\n    {\"name\": ", i ? "," : "");
        put_quoted(out, r->sources[i].name);
        text_printf(out, ", \"weight\": %.12g, \"bins\": %llu}", r->sources[i].weight,
                    (unsigned long long)r->sources[i].n_bins);
    }
    text_printf(out, "],\n  \"clients\": [");
    for (size_t i = 0; i < r->n_clients; i++) {
        text_printf(out, "%s\n", i ? "," : "");
        put_client(r, &r->clients[i], out);
    }
    text_printf(out, "]\n}\n");
}
