#include "datad/stream.h"

#include <string.h>

#include "datad/field.h"
#include "datad/stream_state.h"

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void put_hash(struct field_writer *w, struct hash128 h)
{
    field_put(w, h.lo, 8);
    field_put(w, h.hi, 8);
}

static struct hash128 hash_datasets(const struct stream_rule *rule, bool only_weighted,
                                    struct arena *a)
{
    uint8_t *data = ARENA_ARRAY(a, uint8_t, rule->n_sources * 16);
    struct field_writer w = {data};
    for (size_t i = 0; i < rule->n_sources; i++)
        if (!only_weighted || rule->sources[i].weight > 0)
            put_hash(&w, source_content(&rule->sources[i]));
    return hash_xxh3_128(data, (size_t)(w.at - data));
}

/// Names everything that decides which tokens a position holds, but edits. A source without weight
/// decides nothing.
static struct hash128 hash_base(const struct stream_rule *rule,
                                const struct stream_request *request, struct arena *a)
{
    uint8_t *data = ARENA_ARRAY(a, uint8_t, 72 + 8 * rule->n_sources);
    struct field_writer w = {data};
    put_hash(&w, hash_datasets(rule, true, a));
    for (size_t i = 0; i < rule->n_sources; i++)
        if (rule->sources[i].weight > 0) field_put(&w, bits_of(rule->sources[i].weight), 8);
    field_put(&w, bits_of(rule->validation), 8);
    field_put(&w, rule->sequential, 8);
    field_put(&w, rule->sequential ? 0 : rule->window_bins, 8);
    field_put(&w, request->split, 8);
    field_put(&w, request->T, 8);
    field_put(&w, request->split == SPLIT_TRAIN && !rule->sequential ? request->seed : 0, 8);
    if (rule->packing != PACK_CONCAT) field_put(&w, rule->packing, 8);
    return hash_xxh3_128(data, (size_t)(w.at - data));
}

/// The edits of a stream; validation has none.
static enum err build_edits(const struct stream_rule *rule, const struct stream_request *request,
                            struct arena *a, struct edits **out)
{
    const struct edits_given none = {0};
    const struct edits_given *given = request->split == SPLIT_TRAIN ? &rule->edits : &none;
    return edits_build(given, rule->sources, rule->n_sources, request->T,
                       hash_base(rule, request, a), a, out);
}

enum err stream_rule_history(const struct stream_rule *rule, const struct stream_request *request,
                             uint64_t n_rows, struct hash128 *out)
{
    struct arena a;
    struct edits *edits;
    arena_init(&a, "history");
    const enum err e = build_edits(rule, request, &a, &edits);
    if (e == OK) *out = edits_history(edits, n_rows);
    arena_fini(&a);
    return e;
}

// Its share would go to the other sources without a word.
static enum err check_filter(const struct stream *s, size_t i)
{
    const struct stream_part *p = &s->parts[i];
    if (p->source->read_keep == NULL || s->request.split != SPLIT_TRAIN) return OK;
    if (p->bins.n_bins == 0 || p->n_documents > 0) return OK;
    return fail(ERR_CONFIG, "source %s: its filter lets no document through", p->source->name);
}

static enum err fill_info(const struct stream_rule *rule, struct stream *s, struct arena *a)
{
    const char *split = split_name(s->request.split);
    struct stream_info *info = &s->info;
    for (size_t i = 0; i < rule->n_sources; i++) {
        TRY(check_filter(s, i));
        info->n_rows += s->parts[i].n_rows;
        info->n_tokens += s->parts[i].n_tokens;
    }
    if (info->n_rows == 0)
        return fail(ERR_CONFIG,
                    "the %s split is empty: of %zu sources none has bins for it (validation %g)",
                    split, rule->n_sources, rule->validation);
    if (info->n_tokens < s->request.T)
        return fail(ERR_CONFIG, "a sequence of %llu is longer than the %llu tokens of the %s split",
                    (unsigned long long)s->request.T, (unsigned long long)info->n_tokens, split);
    info->vocabulary = rule->sources[0].vocabulary;
    info->end_of_text = rule->sources[0].end_of_text;
    info->dataset_hash = hash_datasets(rule, false, a);
    info->stream_hash = edits_history(s->edits, UINT64_MAX);
    return OK;
}

/// Weights are shares of tokens: a source whose rows hold less is drawn more often. A source
/// without rows in this split has no weight in it.
static enum err weights_of_rows(const struct stream *s, uint64_t row, const double *by_token,
                                struct arena *a, const double **out)
{
    double *weights = ARENA_ARRAY(a, double, s->n_sources);
    bool any = false;
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct stream_part *p = &s->parts[i];
        if (p->n_rows > 0) weights[i] = by_token[i] * ((double)p->n_rows / (double)p->n_tokens);
        any = any || weights[i] > 0;
    }
    *out = weights;
    if (any) return OK;
    return fail(ERR_CONFIG, "mixture from row %llu: no source with weight has rows in the %s split",
                (unsigned long long)row, split_name(s->request.split));
}

/// Segments of the stream's rows: from the start, and from each change on. Of changes that begin at
/// the same row the last one holds.
static enum err build_mixture(struct stream *s, struct arena *a)
{
    struct mixture_segment *segments = ARENA_ARRAY(a, struct mixture_segment, s->n_changes + 1);
    size_t n = 0;
    for (size_t i = 0; i <= s->n_changes; i++) {
        const uint64_t row = i == 0 ? 0 : edits_change_row(s->edits, i - 1);
        const uint64_t from = i == 0 ? 0 : edits_shift(s->edits, row);
        if (n > 0 && segments[n - 1].first_position == from) n--;
        const double *weights;
        TRY(weights_of_rows(s, row, s->weights[i], a, &weights));
        segments[n++] = (struct mixture_segment){.first_position = from, .weights = weights};
    }
    return mixture_build(segments, n, s->n_sources, a, &s->mixture);
}

static void take_weights(const struct stream_rule *rule, struct stream *s, struct arena *a)
{
    double *base = ARENA_ARRAY(a, double, rule->n_sources);
    s->weights = ARENA_ARRAY(a, const double *, s->n_changes + 1);
    for (size_t i = 0; i < rule->n_sources; i++)
        base[i] = rule->sources[i].weight;
    s->weights[0] = base;
    for (size_t i = 0; i < s->n_changes; i++)
        s->weights[i + 1] = s->given.changes[i].weights;
}

static enum err build(const struct stream_rule *rule, struct stream *s, struct arena *a)
{
    for (size_t i = 0; i < rule->n_sources; i++)
        TRY(stream_part_build(rule, &s->request, &rule->sources[i], a, &s->parts[i]));
    if (s->request.split == SPLIT_TRAIN) s->given = rule->edits;
    s->n_changes = s->given.n_changes;
    TRY(build_edits(rule, &s->request, a, &s->edits));
    TRY(fill_info(rule, s, a));
    take_weights(rule, s, a);
    TRY(build_mixture(s, a));
    return plans_open(s->bins, s->request.T, s->packing, a, &s->plans);
}

enum err stream_open(const struct stream_rule *rule, const struct stream_request *request,
                     struct bins *bins, struct arena *a, struct stream **out)
{
    ASSERT(rule->n_sources >= 1 && rule->n_sources <= MIXTURE_SOURCES && rule->window_bins >= 1);
    if (request->T == 0 || request->T > STREAM_T_LIMIT)
        return fail(ERR_CONFIG, "a sequence of %llu tokens: 1 to %d are possible",
                    (unsigned long long)request->T, STREAM_T_LIMIT);
    struct stream *s = ARENA_NEW(a, struct stream);
    s->request = *request;
    s->packing = rule->packing;
    s->images = rule->images;
    s->bins = bins;
    s->n_sources = rule->n_sources;
    s->parts = ARENA_ARRAY(a, struct stream_part, rule->n_sources);
    TRY(build(rule, s, a));
    s->since_tokens = ARENA_ARRAY(a, uint64_t, rule->n_sources);
    s->since_change = SIZE_MAX;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return OK;
}

void stream_close(struct stream *s)
{
    plans_close(s->plans);
    pthread_mutex_destroy(&s->lock);
}

const struct stream_info *stream_info(const struct stream *s)
{
    return &s->info;
}

const struct stream_request *stream_request(const struct stream *s)
{
    return &s->request;
}

const struct images_rule *stream_images_rule(const struct stream *s)
{
    return &s->images;
}

struct hash128 stream_history(const struct stream *s, uint64_t n_rows)
{
    return edits_history(s->edits, n_rows);
}
