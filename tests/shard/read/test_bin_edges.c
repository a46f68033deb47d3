// Edges of bins: percentiles against sorting, exact while all values are kept and close to it
// beyond; files read back to the same bits, and refused when they are something else.

#include "shard/read/bin_edges.h"

#include <math.h>

#include "tests/shard/format/corpus.h"

static double value_of(uint64_t key, uint64_t step, uint32_t dimension)
{
    const double u = (double)(rng_u64(key, step, dimension) >> 11) * 0x1p-53;
    return dimension == 0 ? u : dimension == 1 ? pow(u, 3) * 1e6 - 5 : floor(u * 3);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double exact(uint64_t key, uint64_t n, uint32_t dimension, double fraction, struct arena *a)
{
    double *values = ARENA_ARRAY(a, double, n);
    for (uint64_t i = 0; i < n; i++)
        values[i] = value_of(key, i, dimension);
    qsort(values, n, sizeof *values, compare);
    const double at = fraction * (double)(n - 1);
    const uint64_t below = (uint64_t)at;
    const double above = values[below + (below + 1 < n)];
    return values[below] + (at - (double)below) * (above - values[below]);
}

static struct bin_edges pass(uint64_t key, uint64_t n, struct arena *a)
{
    struct bin_edges edges;
    struct bin_edges_pass *p = bin_edges_pass_open(a);
    for (uint64_t i = 0; i < n; i++) {
        const double values[] = {value_of(key, i, 0), value_of(key, i, 1), value_of(key, i, 2)};
        CHECK_OK(bin_edges_pass_add(p, 1, 2, values));
    }
    CHECK_ERR(bin_edges_pass_add(p, 2, 1, (double[]){0, 0, 0}), ERR_DATA);
    CHECK_OK(bin_edges_pass_end(p, a, &edges));
    bin_edges_pass_close(p);
    return edges;
}

static void test_percentiles(uint64_t key, struct arena *a)
{
    static const uint64_t sizes[] = {1, 2, 100, 5000, BIN_EDGES_SAMPLE, 2 * BIN_EDGES_SAMPLE};
    for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
        const struct bin_edges edges = pass(key, sizes[k], a), again = pass(key, sizes[k], a);
        for (uint32_t d = 0; d < 3; d++) {
            const double low = exact(key, sizes[k], d, 0.01, a);
            const double high = exact(key, sizes[k], d, 0.99, a);
            const double close = sizes[k] > BIN_EDGES_SAMPLE ? 0.002 * (high - low) : 0;
            CHECK(fabs(edges.low[d] - low) <= close && fabs(edges.high[d] - high) <= close);
            CHECK(memcmp(&edges.low[d], &again.low[d], 8) == 0);
        }
    }
}

static void test_bins(void)
{
    CHECK_EQ(bin_edges_bin(0, 1, -5), 0);
    CHECK_EQ(bin_edges_bin(0, 1, 0), 0);
    CHECK_EQ(bin_edges_bin(0, 1, 0.9999999999999999), 255);
    CHECK_EQ(bin_edges_bin(0, 1, 7), 255);
    CHECK_EQ(bin_edges_bin(0, 256, 77.5), 77);
    CHECK_EQ(bin_edges_bin(3, 3, 3), 0);
    CHECK_EQ(bin_edges_bin(3, 3, 4), 255);
    CHECK_EQ(bin_edges_bin(-1.7e308, 1.7e308, 1e308), 203); // the width overflows
}

static void check_refused(const char *path, const char *text, struct arena *a)
{
    struct bin_edges edges;
    CHECK_OK(file_replace(path, text, strlen(text)));
    CHECK_ERR(bin_edges_read(path, a, &edges), ERR_DATA);
}

static void test_files(uint64_t key, struct arena *a)
{
    const char *path = arena_printf(a, "%s/edges.json", corpus_folder(a, "bins"));
    const struct bin_edges edges = pass(key, 1000, a);
    struct bin_edges again;
    CHECK_OK(bin_edges_write(&edges, path));
    CHECK_OK(bin_edges_read(path, a, &again));
    CHECK_EQ(again.n_observation, 1);
    CHECK_EQ(again.n_action, 2);
    CHECK(memcmp(again.low, edges.low, 3 * sizeof *again.low) == 0);
    CHECK(memcmp(again.high, edges.high, 3 * sizeof *again.high) == 0);
    static const char head[] = "{\"format\": \"weft bin edges\", \"version\": 1, \"bins\": 256, ";
    check_refused(path, "", a);
    check_refused(path, "[]", a);
    check_refused(path, "{\"format\": \"weft dataset\"}", a);
    check_refused(path, arena_printf(a, "%s\"action\": []}", head), a);
    check_refused(path, arena_printf(a, "%s\"observation\": [[1]], \"action\": []}", head), a);
    check_refused(path, arena_printf(a, "%s\"observation\": [[2, 1]], \"action\": []}", head), a);
    check_refused(path, arena_printf(a, "%s\"observation\": [], \"action\": [[0, \"1\"]]}", head),
                  a);
    check_refused(path, arena_printf(a, "%s\"observation\": [3], \"action\": [[0, 1]]}", head), a);
    corpus_clean(a);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "bins");
    struct arena a;
    arena_init(&a, "test");
    test_percentiles(key, &a);
    test_bins();
    test_files(key, &a);
    arena_fini(&a);
    return 0;
}
