// The stream's order: every row of every source exactly once an epoch, realised mixture weights,
// windows, splits, and that it depends on nothing but (datasets, mixture, seed, T).

#include "datad/row_order.h"

#include <math.h>

#include "datad/stream.h"
#include "tests/check.h"
#include "tests/datad/made.h"

enum { SOURCES = 3, T = 32, WINDOW = 3 };

struct setting {
    struct arena arena;
    struct source sources[SOURCES];
    struct stream_rule rule;
    struct bins *bins;
    struct stream *stream;
};

static void begin(struct setting *s, uint64_t seed, const double *weights, bool sequential,
                  const struct stream_request *request)
{
    static const char *const names[SOURCES] = {"web", "books", "code"};
    static const uint64_t n_bins[SOURCES] = {23, 5, 11};
    arena_init(&s->arena, "test");
    for (size_t i = 0; i < SOURCES; i++)
        s->sources[i] = made_source(names[i], weights[i], seed, n_bins[i], 600, &s->arena);
    s->rule = (struct stream_rule){.sources = s->sources,
                                   .n_sources = SOURCES,
                                   .validation = 0.1,
                                   .sequential = sequential,
                                   .window_bins = WINDOW};
    const struct bins_options o = {s->sources, SOURCES, 1, WINDOW, 1 << 20};
    CHECK_OK(bins_open(&o, &s->arena, &s->bins));
    CHECK_OK(stream_open(&s->rule, request, s->bins, &s->arena, &s->stream));
}

static void end(struct setting *s)
{
    stream_close(s->stream);
    bins_close(s->bins);
    arena_fini(&s->arena);
}

/// Rows of a source in the split, and how often each is seen.
struct seen {
    uint8_t *times[SOURCES];
    uint64_t *first_row[SOURCES]; // of a bin
    uint64_t n_rows[SOURCES];     // of the split
    struct split_bins split[SOURCES];
};

static void begin_seen(struct setting *s, enum split split, struct seen *seen)
{
    for (size_t i = 0; i < SOURCES; i++) {
        const struct source *source = &s->sources[i];
        uint64_t n = 0;
        seen->n_rows[i] = 0;
        seen->first_row[i] = ARENA_ARRAY(&s->arena, uint64_t, source->n_bins + 1);
        for (uint64_t b = 0; b < source->n_bins; b++) {
            seen->first_row[i][b] = n;
            n += pack_rows(source_bin(source, b).n_tokens, T);
        }
        seen->times[i] = ARENA_ARRAY(&s->arena, uint8_t, n);
        split_build(source, split, s->rule.validation, &s->arena, &seen->split[i]);
        for (size_t k = 0; k < seen->split[i].n_bins; k++)
            seen->n_rows[i] += pack_rows(source_bin(source, seen->split[i].bins[k]).n_tokens, T);
    }
}

static bool in_split(const struct split_bins *split, uint32_t bin)
{
    for (size_t i = 0; i < split->n_bins; i++)
        if (split->bins[i] == bin) return true;
    return false;
}

/// Walks the stream until each source with weight has had three epochs: an epoch's rows come once
/// each before any comes twice.
static void check_epochs(struct setting *s, enum split split, const double *weights)
{
    struct seen seen;
    uint64_t counts[SOURCES] = {0}, position = 0;
    begin_seen(s, split, &seen);
    CHECK_EQ(stream_info(s->stream)->n_rows, seen.n_rows[0] + seen.n_rows[1] + seen.n_rows[2]);
    for (bool more = true; more; position++) {
        struct stream_place p;
        stream_find(s->stream, position, &p);
        CHECK(p.source < SOURCES && weights[p.source] > 0);
        CHECK(in_split(&seen.split[p.source], p.bin));
        CHECK(p.row < pack_rows(source_bin(&s->sources[p.source], p.bin).n_tokens, T));
        uint8_t *times = &seen.times[p.source][seen.first_row[p.source][p.bin] + p.row];
        CHECK_EQ(*times, counts[p.source] / seen.n_rows[p.source]);
        ++*times;
        counts[p.source]++;
        more = false;
        for (size_t i = 0; i < SOURCES; i++)
            more = more || (weights[i] > 0 && counts[i] < 3 * seen.n_rows[i]);
    }
    struct stream_share shares[SOURCES];
    double sum = 0;
    for (size_t i = 0; i < SOURCES; i++)
        sum += weights[i];
    stream_report(s->stream, position, shares);
    for (size_t i = 0; i < SOURCES; i++) {
        CHECK_EQ(shares[i].n_rows, counts[i]);
        CHECK(fabs(shares[i].wanted - weights[i] / sum) < 1e-12);
        CHECK(fabs(shares[i].realised - shares[i].wanted) < 0.004 + 2.0 / (double)position);
    }
}

static void check_mixture(uint64_t seed, double web, double books, double code, bool sequential)
{
    const double weights[SOURCES] = {web, books, code};
    for (enum split split = SPLIT_TRAIN; split < SPLIT_N; split++) {
        struct setting s;
        begin(&s, seed, weights, sequential, &(struct stream_request){split, T, seed});
        check_epochs(&s, split, weights);
        end(&s);
    }
}

/// Whether two streams of one rule agree in their first positions.
static bool agree(uint64_t seed, bool sequential, const struct stream_request *x,
                  const struct stream_request *y)
{
    const double weights[SOURCES] = {2, 1, 1};
    struct setting a, b;
    bool same = true;
    begin(&a, seed, weights, sequential, x);
    begin(&b, seed, weights, sequential, y);
    for (uint64_t i = 200; i-- > 0;) { // one of them backwards: order of asking does not matter
        struct stream_place p, q;
        stream_find(a.stream, 199 - i, &p);
        stream_find(a.stream, i * 1000, &p);
        stream_find(a.stream, i, &p);
        stream_find(b.stream, i, &q);
        same = same && p.source == q.source && p.bin == q.bin && p.row == q.row;
    }
    const struct hash128 h = stream_info(a.stream)->stream_hash,
                         k = stream_info(b.stream)->stream_hash;
    CHECK_EQ(same, h.lo == k.lo && h.hi == k.hi);
    end(&a);
    end(&b);
    return same;
}

static void check_dependence(uint64_t seed)
{
    const struct stream_request train = {SPLIT_TRAIN, T, 1}, other_seed = {SPLIT_TRAIN, T, 2};
    const struct stream_request validation = {SPLIT_VALIDATION, T, 1},
                                same_validation = {SPLIT_VALIDATION, T, 2};
    CHECK(agree(seed, false, &train, &train));
    CHECK(!agree(seed, false, &train, &other_seed));
    CHECK(agree(seed, false, &validation, &same_validation));
    CHECK(agree(seed, true, &train, &other_seed));
    CHECK(!agree(seed, true, &train, &validation));
}

/// At any time one source reads from one window of bins.
static void check_windows(uint64_t seed)
{
    uint32_t rows_of_bin[29];
    uint64_t n_rows = 0;
    for (size_t i = 0; i < 29; i++)
        n_rows += rows_of_bin[i] = (uint32_t)(1 + rng_u64(seed, i, 0) % 40);
    struct arena a;
    arena_init(&a, "test");
    const struct row_order_rule rule = {.key = seed, .window_bins = 4};
    struct row_order_table t = {.bins = ARENA_ARRAY(&a, uint32_t, 29),
                                .first_row = ARENA_ARRAY(&a, uint64_t, 30)};
    row_order_build(&t, &rule, rows_of_bin, 29, 7);
    uint64_t in_order = 0;
    uint64_t last = 0;
    for (uint64_t i = 0; i < n_rows; i++) {
        uint32_t bin;
        uint64_t row, at = 0;
        row_order_find(&t, i, &bin, &row);
        while (t.bins[at] != bin)
            at++;
        CHECK_EQ(at / 4, last / 4 == at / 4 ? last / 4 : last / 4 + 1);
        in_order += at == last;
        last = at;
    }
    CHECK(in_order < n_rows / 2); // rows of a window are mixed
    struct row_order_table next = {.bins = ARENA_ARRAY(&a, uint32_t, 29),
                                   .first_row = ARENA_ARRAY(&a, uint64_t, 30)};
    row_order_build(&next, &rule, rows_of_bin, 29, 8);
    size_t n_same = 0;
    for (size_t i = 0; i < 29; i++)
        n_same += t.bins[i] == next.bins[i];
    CHECK(n_same < 15); // another epoch, another order
    arena_fini(&a);
}

/// Rows of a window come in another order in another window and another epoch.
static void check_window_keys(uint64_t seed)
{
    const uint32_t rows_of_bin[2] = {100, 100};
    uint32_t bins[2], bin;
    uint64_t first_row[3], row[3][100];
    const struct row_order_rule rule = {.key = seed, .window_bins = 1};
    struct row_order_table t = {.bins = bins, .first_row = first_row};
    for (uint64_t i = 0; i < 3; i++) { // windows 0 and 1 of epoch 0, window 0 of epoch 1
        row_order_build(&t, &rule, rows_of_bin, 2, i / 2);
        for (uint64_t k = 0; k < 100; k++)
            row_order_find(&t, i % 2 * 100 + k, &bin, &row[i][k]);
    }
    CHECK(memcmp(row[0], row[1], sizeof row[0]) != 0);
    CHECK(memcmp(row[0], row[2], sizeof row[0]) != 0);
}

static void check_splits(uint64_t seed)
{
    struct arena a;
    arena_init(&a, "test");
    const uint64_t n_bins[] = {1, 2, 3, 100};
    const double fractions[] = {0, 0.001, 0.1, 0.9, 1};
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < 5; k++) {
            const struct source s = made_source("split", 1, seed, n_bins[i], 100, &a);
            struct split_bins train, validation;
            split_build(&s, SPLIT_TRAIN, fractions[k], &a, &train);
            split_build(&s, SPLIT_VALIDATION, fractions[k], &a, &validation);
            CHECK_EQ(train.n_bins + validation.n_bins, n_bins[i]);
            for (size_t b = 0; b < train.n_bins; b++)
                CHECK(!in_split(&validation, train.bins[b]));
            CHECK(train.n_bins >= 1);
            CHECK_EQ(validation.n_bins > 0, fractions[k] > 0 && n_bins[i] > 1);
            const double share =
                (double)validation.n_tokens / (double)(validation.n_tokens + train.n_tokens);
            CHECK(validation.n_bins + 1 == n_bins[i] || share >= fractions[k] || n_bins[i] == 1);
        }
    arena_fini(&a);
}

static void check_errors(uint64_t seed)
{
    struct arena a;
    arena_init(&a, "test");
    struct source s = made_source("one", 1, seed, 1, 100, &a);
    const struct stream_rule rule = {
        .sources = &s, .n_sources = 1, .validation = 0.01, .window_bins = WINDOW};
    struct stream *stream;
    CHECK_ERR(
        stream_open(&rule, &(struct stream_request){SPLIT_VALIDATION, 8, 1}, NULL, &a, &stream),
        ERR_CONFIG);
    CHECK_LINE(
        "the validation split is empty: of 1 sources none has bins for it (validation 0.01)");
    CHECK_ERR(stream_open(&rule, &(struct stream_request){SPLIT_TRAIN, 4096, 1}, NULL, &a, &stream),
              ERR_CONFIG);
    CHECK(strstr(err_line(), "a sequence of 4096 is longer than the ") == err_line());
    CHECK_ERR(stream_open(&rule, &(struct stream_request){SPLIT_TRAIN, 0, 1}, NULL, &a, &stream),
              ERR_CONFIG);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    check_mixture(seed, 1, 1, 1, false);
    check_mixture(seed, 0.7, 0.2, 0.1, false);
    check_mixture(seed, 10, 0, 1, false);
    check_mixture(seed, 3, 2, 1, true);
    check_dependence(seed);
    check_windows(seed);
    check_window_keys(seed);
    check_splits(seed);
    check_errors(seed);
    return 0;
}
