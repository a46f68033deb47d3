#include "datad/stream.h"

#include <pthread.h>
#include <string.h>

#include "base/rng.h"
#include "base/span.h"
#include "datad/field.h"
#include "datad/mixture.h"
#include "datad/pack.h"
#include "datad/row_order.h"

// Two order tables a source, for the epoch that begins while the last one still has requests under
// way.
enum { TABLES = 2, SUMS = 64 };

struct part {
    struct split_bins bins;
    uint32_t *rows_of_bin; // [bins.n_bins]
    uint64_t n_rows;
    struct row_order_rule rule;
    struct row_order_table tables[TABLES]; // epoch e at e % TABLES
};

struct sum {
    struct range positions;
    uint64_t loss_tokens;
};

struct stream {
    struct stream_request request;
    struct stream_info info;
    struct bins *bins;
    struct mixture *mixture;
    struct part *parts;   // [n_sources]
    pthread_mutex_t lock; // guards the tables of parts, sums and next_sum
    struct sum sums[SUMS];
    size_t next_sum;
};

static void build_part(const struct stream_rule *rule, const struct stream_request *request,
                       const struct source *source, struct arena *a, struct part *p)
{
    split_build(source, request->split, rule->validation, a, &p->bins);
    p->rows_of_bin = ARENA_ARRAY(a, uint32_t, p->bins.n_bins);
    for (size_t i = 0; i < p->bins.n_bins; i++) {
        p->rows_of_bin[i] =
            (uint32_t)pack_rows(source_bin(source, p->bins.bins[i]).n_tokens, request->T);
        p->n_rows += p->rows_of_bin[i];
    }
    const uint64_t seed = request->split == SPLIT_TRAIN ? request->seed : 0;
    const uint64_t key = rng_key(seed, split_name(request->split));
    p->rule = (struct row_order_rule){.key = rng_u64(key, source->hash.hi, source->hash.lo),
                                      .window_bins = rule->window_bins,
                                      .sequential = rule->sequential};
    for (size_t i = 0; i < TABLES; i++) {
        p->tables[i].epoch = UINT64_MAX;
        p->tables[i].bins = ARENA_ARRAY(a, uint32_t, p->bins.n_bins);
        p->tables[i].first_row = ARENA_ARRAY(a, uint64_t, p->bins.n_bins + 1);
    }
}

/// One segment: weights do not change over the run yet. A source without rows in this split has no
/// weight in it.
static enum err build_mixture(const struct stream_rule *rule, const struct part *parts,
                              struct arena *a, struct mixture **out)
{
    double *weights = ARENA_ARRAY(a, double, rule->n_sources);
    for (size_t i = 0; i < rule->n_sources; i++)
        weights[i] = parts[i].n_rows > 0 ? rule->sources[i].weight : 0;
    const struct mixture_segment whole = {.first_position = 0, .weights = weights};
    return mixture_build(&whole, 1, rule->n_sources, a, out);
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static struct hash128 hash_datasets(const struct stream_rule *rule, struct arena *a)
{
    uint8_t *data = ARENA_ARRAY(a, uint8_t, rule->n_sources * 16);
    struct field_writer w = {data};
    for (size_t i = 0; i < rule->n_sources; i++) {
        field_put(&w, rule->sources[i].hash.lo, 8);
        field_put(&w, rule->sources[i].hash.hi, 8);
    }
    return hash_xxh3_128(data, (size_t)(w.at - data));
}

/// Names everything that decides which tokens a position holds.
static struct hash128 hash_stream(const struct stream_rule *rule,
                                  const struct stream_request *request, struct hash128 datasets,
                                  struct arena *a)
{
    uint8_t *data = ARENA_ARRAY(a, uint8_t, 64 + 8 * rule->n_sources);
    struct field_writer w = {data};
    field_put(&w, datasets.lo, 8);
    field_put(&w, datasets.hi, 8);
    for (size_t i = 0; i < rule->n_sources; i++)
        field_put(&w, bits_of(rule->sources[i].weight), 8);
    field_put(&w, bits_of(rule->validation), 8);
    field_put(&w, rule->sequential, 8);
    field_put(&w, rule->sequential ? 0 : rule->window_bins, 8);
    field_put(&w, request->split, 8);
    field_put(&w, request->T, 8);
    field_put(&w, request->split == SPLIT_TRAIN && !rule->sequential ? request->seed : 0, 8);
    return hash_xxh3_128(data, (size_t)(w.at - data));
}

static enum err fill_info(const struct stream_rule *rule, struct stream *s, struct arena *a)
{
    const char *split = split_name(s->request.split);
    struct stream_info *info = &s->info;
    for (size_t i = 0; i < rule->n_sources; i++) {
        info->n_rows += s->parts[i].n_rows;
        info->n_tokens += s->parts[i].bins.n_tokens;
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
    info->dataset_hash = hash_datasets(rule, a);
    info->stream_hash = hash_stream(rule, &s->request, info->dataset_hash, a);
    return OK;
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
    s->bins = bins;
    s->parts = ARENA_ARRAY(a, struct part, rule->n_sources);
    for (size_t i = 0; i < rule->n_sources; i++)
        build_part(rule, request, &rule->sources[i], a, &s->parts[i]);
    TRY(fill_info(rule, s, a));
    TRY(build_mixture(rule, s->parts, a, &s->mixture));
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return OK;
}

void stream_close(struct stream *s)
{
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

/// With the lock.
static const struct row_order_table *table_of(struct part *p, uint64_t epoch)
{
    struct row_order_table *t = &p->tables[epoch % TABLES];
    if (t->epoch != epoch) row_order_build(t, &p->rule, p->rows_of_bin, p->bins.n_bins, epoch);
    return t;
}

void stream_find(struct stream *s, uint64_t position, struct stream_place *out)
{
    uint64_t index, row;
    size_t source;
    uint32_t bin;
    mixture_find(s->mixture, position, &source, &index);
    struct part *p = &s->parts[source];
    pthread_mutex_lock(&s->lock);
    row_order_find(table_of(p, index / p->n_rows), index % p->n_rows, &bin, &row);
    pthread_mutex_unlock(&s->lock);
    *out = (struct stream_place){.source = source, .bin = p->bins.bins[bin], .row = row};
}

enum err stream_fill(struct stream *s, uint64_t position, const struct pack_row *out,
                     uint64_t *loss_tokens)
{
    struct stream_place place;
    struct bins_hold hold;
    stream_find(s, position, &place);
    TRY(bins_acquire(s->bins, place.source, place.bin, true, &hold));
    pack_fill(&hold.bin, s->request.T, place.row, out);
    *loss_tokens = pack_loss_tokens(&hold.bin, s->request.T, place.row);
    bins_release(s->bins, &hold);
    return OK;
}

static enum err add_loss_tokens(struct stream *s, uint64_t position, uint64_t *sum)
{
    struct stream_place place;
    struct bins_hold hold;
    stream_find(s, position, &place);
    TRY(bins_acquire(s->bins, place.source, place.bin, false, &hold));
    *sum += pack_loss_tokens(&hold.bin, s->request.T, place.row);
    bins_release(s->bins, &hold);
    return OK;
}

static bool find_sum(struct stream *s, struct range positions, uint64_t *out)
{
    bool found = false;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < SUMS && !found; i++) {
        const struct sum *sum = &s->sums[i];
        found = sum->positions.first == positions.first && sum->positions.last == positions.last;
        if (found) *out = sum->loss_tokens;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void keep_sum(struct stream *s, struct range positions, uint64_t loss_tokens)
{
    pthread_mutex_lock(&s->lock);
    s->sums[s->next_sum] = (struct sum){.positions = positions, .loss_tokens = loss_tokens};
    s->next_sum = (s->next_sum + 1) % SUMS;
    pthread_mutex_unlock(&s->lock);
}

enum err stream_loss_tokens(struct stream *s, struct range positions, uint64_t *out)
{
    uint64_t sum = 0;
    if (!find_sum(s, positions, &sum)) {
        for (uint64_t p = positions.first; p < positions.last; p++)
            TRY(add_loss_tokens(s, p, &sum));
        keep_sum(s, positions, sum);
    }
    *out = sum;
    return OK;
}
