// How far the sources of a stream are, and what is said of it in a log.

#include "base/text.h"
#include "datad/stream_state.h"

/// Index into weights of those in force at position n.
static size_t change_at(const struct stream *s, uint64_t n)
{
    size_t i = s->n_changes;
    while (i > 0 && edits_change_row(s->edits, i - 1) > n)
        i--;
    return i;
}

/// Tokens of source in the rows of the run before position n. With the lock.
static uint64_t tokens_before(struct stream *s, size_t source, uint64_t n)
{
    const uint64_t row = edits_shift(s->edits, n);
    return stream_part_tokens(&s->parts[source], mixture_count(s->mixture, source, row));
}

/// Fills since_tokens for the weights of index change. With the lock.
static void note_since(struct stream *s, size_t change)
{
    if (s->since_change == change) return;
    for (size_t i = 0; i < s->n_sources; i++)
        s->since_tokens[i] =
            change == 0 ? 0 : tokens_before(s, i, edits_change_row(s->edits, change - 1));
    s->since_change = change;
}

static void count_shares(struct stream *s, uint64_t n, struct stream_share *out)
{
    const uint64_t row = edits_shift(s->edits, n);
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct stream_part *p = &s->parts[i];
        out[i] = (struct stream_share){.n_rows = mixture_count(s->mixture, i, row),
                                       .n_tokens = tokens_before(s, i, n)};
        if (p->n_rows > 0) out[i].epochs = (double)out[i].n_rows / (double)p->n_rows;
    }
}

void stream_report(struct stream *s, uint64_t n, struct stream_share *out)
{
    const size_t change = change_at(s, n);
    const double *weights = s->weights[change];
    double all_tokens = 0, all_weights = 0;
    pthread_mutex_lock(&s->lock);
    count_shares(s, n, out);
    note_since(s, change);
    for (size_t i = 0; i < s->n_sources; i++) {
        out[i].realised = (double)(out[i].n_tokens - s->since_tokens[i]);
        all_tokens += out[i].realised;
        all_weights += s->parts[i].n_rows > 0 ? weights[i] : 0;
    }
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < s->n_sources; i++) {
        if (all_tokens > 0) out[i].realised /= all_tokens;
        if (s->parts[i].n_rows > 0) out[i].wanted = weights[i] / all_weights;
    }
}

const char *stream_progress(struct stream *s, uint64_t n, struct arena *a)
{
    struct text t;
    struct stream_share *shares = ARENA_ARRAY(a, struct stream_share, s->n_sources);
    stream_report(s, n, shares);
    text_begin(&t, a);
    text_printf(&t, "%s stream at row %llu:", split_name(s->request.split), (unsigned long long)n);
    for (size_t i = 0; i < s->n_sources; i++)
        text_printf(&t, " %s %.2f%% (wanted %.2f%%) %.3f epochs%s", s->parts[i].source->name,
                    100 * shares[i].realised, 100 * shares[i].wanted, shares[i].epochs,
                    i + 1 < s->n_sources ? "," : "");
    return t.data;
}

static unsigned long long wide(uint64_t v)
{
    return (unsigned long long)v;
}

static void describe_sources(const struct stream *s, struct text *t)
{
    text_printf(t, "%s stream: T %llu, seed %llu, packing %s, %llu rows an epoch of all sources\n",
                split_name(s->request.split), wide(s->request.T), wide(s->request.seed),
                s->packing == PACK_BEST_FIT ? "best-fit" : "concat", wide(s->info.n_rows));
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct stream_part *p = &s->parts[i];
        const double room = (double)p->n_rows * (double)s->request.T;
        text_printf(t,
                    "source %s: weight %g, %zu bins, %llu documents, %llu tokens, %llu rows, "
                    "padding %.2f%%\n",
                    p->source->name, s->weights[0][i], p->bins.n_bins, wide(p->n_documents),
                    wide(p->n_tokens), wide(p->n_rows),
                    room > 0 ? 100 * (1 - (double)p->n_tokens / room) : 0);
    }
}

static void describe_edits(const struct stream *s, struct text *t)
{
    for (size_t i = 0; i < s->n_changes; i++) {
        text_printf(t, "mixture from row %llu:", wide(edits_change_row(s->edits, i)));
        for (size_t k = 0; k < s->n_sources; k++)
            text_printf(t, " %s=%g", s->parts[k].source->name, s->weights[i + 1][k]);
        text_printf(t, "\n");
    }
    const uint64_t T = s->request.T;
    for (size_t i = 0; i < s->given.n_skips; i++) {
        const struct edits_skip *k = &s->given.skips[i];
        text_printf(t, "skip from row %llu: %llu rows\n", wide((k->from_tokens + T - 1) / T),
                    wide((k->n_tokens + T - 1) / T));
    }
    if (s->given.n_documents > 0)
        text_printf(t, "skip list: %zu documents\n", s->given.n_documents);
}

const char *stream_describe(struct stream *s, struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    describe_sources(s, &t);
    describe_edits(s, &t);
    return t.data;
}
