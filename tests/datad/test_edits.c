// Edits of a run: rows before them are what they were, ranges left out shift the rest, documents
// left out leave holes and nothing else, weights hold from their row on; and the history hash
// changes exactly when an edit begins in the rows that it names.

#include "datad/edits.h"

#include <math.h>

#include "base/rng.h"
#include "datad/batch.h"
#include "datad/service.h"
#include "tests/datad/ordered.h"

enum { ROWS = 1500, FROM = 400 };

static const double other_weights[ORDERED_SOURCES] = {0, 5, 1}, third[ORDERED_SOURCES] = {1, 0, 0};

static struct ordered_options options_of(struct edits_given edits)
{
    return (struct ordered_options){
        .packing = PACK_BEST_FIT, .loss = true, .weights = {3, 1, 1.5}, .edits = edits};
}

static bool same_hash(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/// Rows of a and b at the same place are the same.
static bool same_row(struct ordered *a, uint64_t x, struct ordered *b, uint64_t y)
{
    struct ordered_row p, q;
    ordered_fill(a, x, &p);
    ordered_fill(b, y, &q);
    return ordered_same(&p, &q);
}

static void check_changes(uint64_t seed)
{
    const struct edits_change changes[] = {{FROM * ORDERED_T - 7, other_weights},
                                           {2 * FROM * ORDERED_T, third}};
    const struct ordered_options plain = options_of((struct edits_given){0}),
                                 edited = options_of(
                                     (struct edits_given){.changes = changes, .n_changes = 2});
    struct ordered a, b;
    struct stream_share before[ORDERED_SOURCES], after[ORDERED_SOURCES], last[ORDERED_SOURCES],
        end[ORDERED_SOURCES];
    ordered_begin(&a, seed, &plain);
    ordered_begin(&b, seed, &edited);
    for (uint64_t i = 0; i < FROM; i++)
        CHECK(same_row(&a, i, &b, i));
    stream_report(b.stream, FROM, before);
    stream_report(b.stream, 2 * FROM, after);
    stream_report(b.stream, 2 * FROM - 1, last);
    stream_report(b.stream, ROWS, end);
    double sum = 0;
    for (size_t i = 0; i < ORDERED_SOURCES; i++)
        sum += (double)(after[i].n_tokens - before[i].n_tokens);
    for (size_t i = 0; i < ORDERED_SOURCES; i++) {
        const double share = (double)(after[i].n_tokens - before[i].n_tokens) / sum;
        CHECK(fabs(share - other_weights[i] / 6) < 0.02);
        CHECK(fabs(last[i].realised - share) < 0.02);
        CHECK(fabs(end[i].realised - third[i]) < 1e-12);
        CHECK(fabs(before[i].wanted - other_weights[i] / 6) < 1e-12);
        CHECK(fabs(after[i].wanted - third[i]) < 1e-12);
        CHECK_EQ(end[i].n_rows - after[i].n_rows, i == 0 ? ROWS - 2 * FROM : 0);
    }
    ordered_end(&a);
    ordered_end(&b);
}

static void check_skips(uint64_t seed)
{
    const struct edits_skip skips[] = {{FROM * ORDERED_T, 10 * ORDERED_T},
                                       {FROM * ORDERED_T, 3 * ORDERED_T},
                                       {2 * FROM * ORDERED_T, 1}};
    const struct ordered_options plain = options_of((struct edits_given){0}),
                                 edited =
                                     options_of((struct edits_given){.skips = skips, .n_skips = 3});
    struct ordered a, b;
    ordered_begin(&a, seed, &plain);
    ordered_begin(&b, seed, &edited);
    for (uint64_t i = 0; i < ROWS; i++) {
        const uint64_t gap = i < FROM ? 0 : i < 2 * FROM ? 13 : 14;
        CHECK(same_row(&a, i + gap, &b, i));
    }
    ordered_end(&a);
    ordered_end(&b);
}

/// A range left out is drawn by the weights before the change that begins behind it.
static void check_change_behind_skip(uint64_t seed)
{
    const struct edits_skip skip = {FROM * ORDERED_T, 50 * ORDERED_T};
    const struct edits_change change = {FROM * ORDERED_T, third};
    const struct edits_change later = {(FROM + 50) * ORDERED_T, third};
    const struct ordered_options both = options_of(
        (struct edits_given){.skips = &skip, .n_skips = 1, .changes = &change, .n_changes = 1});
    const struct ordered_options shifted =
        options_of((struct edits_given){.changes = &later, .n_changes = 1});
    struct ordered a, b;
    ordered_begin(&a, seed, &both);
    ordered_begin(&b, seed, &shifted);
    for (uint64_t i = FROM; i < 2 * FROM; i++)
        CHECK(same_row(&a, i, &b, i + 50));
    ordered_end(&a);
    ordered_end(&b);
}

/// Row i of b is row i of a but for pieces of documents left out, which are padding.
static void check_holes(struct ordered *a, struct ordered *b, uint64_t i, uint64_t *n_holes)
{
    struct arena arena;
    struct stream_document *documents;
    struct ordered_row p, q;
    size_t n;
    uint64_t sum = 0;
    arena_init(&arena, "row");
    ordered_fill(a, i, &p);
    ordered_fill(b, i, &q);
    CHECK_OK(stream_documents(b->stream, i, &arena, &documents, &n));
    for (size_t k = 0; k < n; k++) {
        const struct stream_document *d = &documents[k];
        const bool wanted = i >= FROM && d->source == 0 && d->document % 5 == 0;
        CHECK_EQ(d->skipped, wanted);
        *n_holes += wanted;
        for (uint64_t t = d->at; wanted && t < d->at + d->n_tokens; t++) {
            p.loss_tokens -= p.mask[t] > 0;
            p.tokens[t] = p.targets[t] = p.positions[t] = 0;
            p.mask[t] = 0;
            p.document_start[t] = (int32_t)t;
        }
    }
    CHECK(ordered_same(&p, &q));
    CHECK_OK(stream_loss_tokens(b->stream, (struct range){i, i + 1}, &sum));
    CHECK_EQ(sum, q.loss_tokens);
    arena_fini(&arena);
}

static void check_documents(uint64_t seed)
{
    struct ordered a, b;
    const struct ordered_options plain = options_of((struct edits_given){0});
    ordered_begin(&a, seed, &plain);
    const struct made *web = a.sources[0].context;
    const struct made_bin *last = &web->bins[web->n_bins - 1];
    const uint64_t n_documents = last->first_document + last->n_documents;
    struct edits_document *list = ARENA_ARRAY(&a.arena, struct edits_document, n_documents);
    size_t n = 0;
    for (uint64_t d = n_documents - n_documents % 5; d > 0; d -= 5) // in any order, some twice
        list[n++] = (struct edits_document){a.sources[0].hash, d % n_documents, FROM * ORDERED_T};
    list[n++] = (struct edits_document){a.sources[0].hash, 0, FROM * ORDERED_T};
    list[n++] = (struct edits_document){a.sources[0].hash, 0, 9 * FROM * ORDERED_T};
    list[n++] = (struct edits_document){{1, 2}, 3, 0}; // of a dataset that is not here
    const struct ordered_options edited =
        options_of((struct edits_given){.documents = list, .n_documents = n});
    ordered_begin(&b, seed, &edited);
    uint64_t n_holes = 0;
    for (uint64_t i = 0; i < ROWS; i++)
        check_holes(&a, &b, i, &n_holes);
    CHECK(n_holes > 100);
    ordered_end(&b);
    ordered_end(&a);
}

static void check_history(uint64_t seed)
{
    const struct edits_change changes[] = {{FROM * ORDERED_T, other_weights},
                                           {2 * FROM * ORDERED_T, third}};
    const struct edits_skip skip = {FROM * ORDERED_T + 1, 100};
    const struct ordered_options options[] = {
        options_of((struct edits_given){0}),
        options_of((struct edits_given){.changes = changes, .n_changes = 1}),
        options_of((struct edits_given){.changes = changes, .n_changes = 2}),
        options_of((struct edits_given){
            .changes = changes, .n_changes = 2, .skips = &skip, .n_skips = 1})};
    static const uint64_t first_difference[4][4] = {{UINT64_MAX, FROM + 1, FROM + 1, FROM + 1},
                                                    {FROM + 1, UINT64_MAX, 2 * FROM + 1, FROM + 2},
                                                    {FROM + 1, 2 * FROM + 1, UINT64_MAX, FROM + 2},
                                                    {FROM + 1, FROM + 2, FROM + 2, UINT64_MAX}};
    struct ordered s[4];
    for (size_t i = 0; i < 4; i++)
        ordered_begin(&s[i], seed, &options[i]);
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 4; k++)
            for (uint64_t n = 0; n < ROWS; n++)
                CHECK_EQ(same_hash(stream_history(s[i].stream, n), stream_history(s[k].stream, n)),
                         n < first_difference[i][k]);
    for (size_t i = 0; i < 4; i++)
        ordered_end(&s[i]);
}

/// A source without weight is as if it were not there, until it has some.
static void check_new_source(uint64_t seed)
{
    const struct edits_change change = {FROM * ORDERED_T, (const double[]){1, 1, 1}};
    struct ordered_options with =
        options_of((struct edits_given){.changes = &change, .n_changes = 1});
    with.weights[2] = 0;
    struct ordered a, b;
    ordered_begin(&a, seed, &with);
    struct ordered_options without = options_of((struct edits_given){0});
    without.weights[2] = 0;
    ordered_make(&b, seed, &without);
    b.rule.n_sources = 2;
    const struct stream_request request = {SPLIT_TRAIN, ORDERED_T, seed};
    CHECK_OK(stream_open(&b.rule, &request, b.bins, &b.arena, &b.stream));
    for (uint64_t i = 0; i < FROM; i++)
        CHECK(same_row(&a, i, &b, i));
    CHECK(same_hash(stream_history(a.stream, FROM), stream_history(b.stream, FROM)));
    CHECK(!same_hash(stream_history(a.stream, FROM + 1), stream_history(b.stream, FROM + 1)));
    ordered_end(&a);
    ordered_end(&b);
}

static void check_refused(uint64_t seed, struct edits_given edits, const char *line)
{
    struct ordered s;
    const struct ordered_options o = options_of(edits);
    ordered_make(&s, seed, &o);
    const struct stream_request request = {SPLIT_TRAIN, ORDERED_T, seed};
    CHECK_ERR(stream_open(&s.rule, &request, s.bins, &s.arena, &s.stream), ERR_CONFIG);
    CHECK_LINE(line);
    bins_close(s.bins);
    arena_fini(&s.arena);
}

static void check_refusals(uint64_t seed)
{
    const struct edits_change changes[] = {{64, third}, {64, other_weights}};
    const struct edits_skip skips[] = {{64, 1}, {63, 1}};
    check_refused(seed, (struct edits_given){.changes = changes, .n_changes = 2},
                  "mixture: change 1 begins at token 64, not after the one before it");
    check_refused(seed, (struct edits_given){.skips = skips, .n_skips = 2},
                  "skip: range 1 begins at token 63, before the one before it");
}

static void run_nothing(void *job)
{
    (void)job;
}

/// A running datad takes edits that begin behind what clients have asked for, and no others.
static void check_reload(uint64_t seed)
{
    const struct edits_change change = {FROM * ORDERED_T, other_weights};
    struct ordered s;
    struct service *service;
    struct stream *stream;
    const struct ordered_options o = options_of((struct edits_given){0});
    ordered_begin(&s, seed, &o);
    const struct service_options options = {
        .rule = s.rule, .prefetch = 1, .n_workers = 1, .cache_bytes = 1 << 16};
    const struct stream_request request = {SPLIT_TRAIN, ORDERED_T, seed};
    CHECK_OK(service_open(&options, run_nothing, &s.arena, &service));
    CHECK_OK(service_borrow(service, &request, &stream));
    struct stream_rule next = s.rule;
    next.edits = (struct edits_given){.changes = &change, .n_changes = 1};
    service_reach(service, stream, FROM);
    service_reach(service, stream, FROM - 100);
    CHECK_OK(service_check_next(service, &next));
    service_reach(service, stream, FROM + 1);
    CHECK_OK(service_check_next(service, &s.rule));
    CHECK_ERR(service_check_next(service, &next), ERR_CONFIG);
    CHECK_LINE("it changes rows that clients have asked for: of the train stream of T 32 edits may "
               "begin from token 12832 on");
    service_return(service, stream);
    CHECK_OK(service_check_next(service, &next));
    service_close(service);
    ordered_end(&s);
}

// A step of 24 rows by lanes of any size: same rows, same counts, same history, in any order.

enum { STEP_ROWS = 24, STEPS = 40 };

struct step_sums {
    uint64_t hash, loss_tokens;
    struct hash128 history;
};

static void sum_step(struct ordered *s, uint64_t lane_rows, uint64_t step, struct step_sums *out)
{
    static _Alignas(64) uint8_t slot[1 << 15];
    const struct batch_shape shape = {.T = ORDERED_T,
                                      .lane_rows = lane_rows,
                                      .step_lanes = STEP_ROWS / lane_rows,
                                      .first_step = 2,
                                      .first_row = 11};
    struct batch_layout layout;
    struct batch_header h;
    uint64_t sum = 0;
    *out = (struct step_sums){0};
    CHECK_OK(batch_layout_build(&shape, "", &layout));
    CHECK(layout.slot_bytes <= sizeof slot);
    for (uint64_t lane = 0; lane < shape.step_lanes; lane++) {
        batch_assemble(s->stream, &shape, &layout, step, lane, slot);
        CHECK_OK(batch_header_decode(slot, &h));
        CHECK_EQ(h.err, OK);
        const struct pack_row rows = batch_rows(&layout, slot);
        for (uint64_t row = 0; row < lane_rows; row++) {
            const struct pack_row r = pack_row_behind(&rows, row * ORDERED_T);
            const void *arrays[] = {r.tokens, r.targets, r.mask, r.positions, r.document_start};
            for (size_t i = 0; i < 5; i++)
                out->hash = hash_xxh3(arrays[i], ORDERED_T * 4, out->hash);
        }
        sum += h.loss_tokens;
        out->loss_tokens = h.step_loss_tokens;
        out->history = h.history;
    }
    CHECK_EQ(sum, out->loss_tokens);
}

static void check_lanes(uint64_t seed)
{
    const struct edits_change changes[] = {{FROM * ORDERED_T, other_weights},
                                           {2 * FROM * ORDERED_T, third}};
    const struct edits_skip skip = {600 * ORDERED_T, 100};
    const struct ordered_options o = options_of(
        (struct edits_given){.changes = changes, .n_changes = 2, .skips = &skip, .n_skips = 1});
    static const uint64_t lane_rows[] = {3, 4, 8, 24, 1};
    static struct step_sums expected[STEPS + 2];
    for (size_t k = 0; k < 5; k++) {
        struct ordered s;
        ordered_begin(&s, seed, &o);
        for (uint64_t i = 0; i < STEPS; i++) {
            struct step_sums got;
            const uint64_t step = 2 + i * 7 % STEPS; // any order
            sum_step(&s, lane_rows[k], step, &got);
            if (k == 0) expected[step] = got;
            CHECK(got.hash == expected[step].hash);
            CHECK_EQ(got.loss_tokens, expected[step].loss_tokens);
            CHECK(same_hash(got.history, expected[step].history));
            CHECK(same_hash(got.history, stream_history(s.stream, 11 + (step - 1) * STEP_ROWS)));
        }
        ordered_end(&s);
    }
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    check_changes(seed);
    check_skips(seed);
    check_change_behind_skip(seed);
    check_documents(seed);
    check_history(seed);
    check_new_source(seed);
    check_refusals(seed);
    check_lanes(seed);
    check_reload(seed);
    return 0;
}
