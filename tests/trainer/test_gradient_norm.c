// The norm is the same bits however blocks are spread over ranks, and the right number; clipping
// scales to the limit and refuses what is not finite.
#include "trainer/optim/gradient_norm.h"

#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "tests/check.h"
#include "trainer/optim/block.h"

enum { N = 37 * BLOCK_ELEMS + 1001, N_BLOCKS = 38, MAX_NODES = N_BLOCKS * TREE_COVER_LIMIT };

// The norm of ranks that own the ranges between cuts.
static double norm_of(const float *gradient, const uint64_t *cuts, size_t n_ranks,
                      struct pool *pool)
{
    static struct gradient_norm_node nodes[MAX_NODES];
    size_t n_nodes = 0;
    for (size_t rank = 0; rank < n_ranks; rank++) {
        double sums[N_BLOCKS];
        const struct range owned = {cuts[rank], cuts[rank + 1]}, at = block_elems(N, owned);
        gradient_norm_blocks(gradient + at.first, at.last - at.first, sums, pool);
        n_nodes += gradient_norm_fold(owned.first, sums, owned.last - owned.first, nodes + n_nodes);
    }
    return gradient_norm_total(nodes, n_nodes);
}

static void check_cuts(const float *gradient, uint64_t seed, struct pool *pool)
{
    const uint64_t whole[] = {0, N_BLOCKS};
    const double norm = norm_of(gradient, whole, 1, pool);
    long double square = 0;
    for (size_t i = 0; i < N; i++)
        square += (long double)gradient[i] * (long double)gradient[i];
    CHECK(fabs(norm - (double)sqrtl(square)) <= 1e-14 * norm);
    for (uint64_t trial = 0; trial < 200; trial++) {
        const size_t n_ranks = 1 + rng_u64(seed, trial, 0) % 9;
        uint64_t cuts[10] = {0};
        for (size_t i = 1; i < n_ranks; i++) {
            const uint64_t left = N_BLOCKS - cuts[i - 1];
            cuts[i] = cuts[i - 1] + rng_u64(seed, trial, i) % (left + 1); // empty ones too
        }
        cuts[n_ranks] = N_BLOCKS;
        CHECK(norm_of(gradient, cuts, n_ranks, pool) == norm);
    }
}

// The tree by definition: a left half of the largest power of two below the count.
static double tree(const double *sums, size_t n)
{
    if (n == 1) return sums[0];
    size_t half = 1;
    while (2 * half < n)
        half *= 2;
    return tree(sums, half) + tree(sums + half, n - half);
}

// Sums of very different sizes, so that every order rounds differently.
static void check_order(uint64_t seed)
{
    enum { LIMIT = 100 };
    for (uint64_t trial = 0; trial < 2000; trial++) {
        struct gradient_norm_node nodes[2 * TREE_COVER_LIMIT];
        double sums[LIMIT];
        const size_t n = 1 + rng_u64(seed, trial, LIMIT) % LIMIT;
        const size_t cut = rng_u64(seed, trial, LIMIT + 1) % (n + 1);
        for (size_t i = 0; i < n; i++) {
            const uint64_t bits = rng_u64(seed, trial, i);
            sums[i] = ldexp((double)(bits >> 12) + 0.1, -(int)(bits % 20));
        }
        const size_t n_left = gradient_norm_fold(0, sums, cut, nodes);
        const size_t n_right = gradient_norm_fold(cut, sums + cut, n - cut, nodes + n_left);
        CHECK(gradient_norm_total(nodes, n_left + n_right) == sqrt(tree(sums, n)));
        for (size_t i = 0; i < n_left + n_right; i++)
            CHECK(nodes[i].sum == tree(sums + nodes[i].node.first, nodes[i].node.size));
    }
}

static void check_scale(void)
{
    float scale = -1;
    CHECK_OK(gradient_norm_scale(2, 1, &scale));
    CHECK(scale == 0.5f);
    CHECK_OK(gradient_norm_scale(0.5, 1, &scale));
    CHECK(scale == 1.0f);
    CHECK_OK(gradient_norm_scale(1e9, 0, &scale));
    CHECK(scale == 1.0f);
    CHECK_OK(gradient_norm_scale(0, 1, &scale));
    CHECK(scale == 1.0f);
    scale = -1;
    CHECK_ERR(gradient_norm_scale((double)NAN, 1, &scale), ERR_DIVERGED);
    CHECK_ERR(gradient_norm_scale((double)INFINITY, 0, &scale), ERR_DIVERGED);
    CHECK_LINE("gradient norm is inf");
    CHECK(scale == -1.0f);
}

int main(int argc, char **argv)
{
    static float gradient[N];
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    struct pool *pool;
    arena_init(&a, "test_gradient_norm");
    CHECK_OK(pool_open(&a, 2, &pool));
    for (size_t i = 0; i < N; i++)
        gradient[i] = rng_normal(seed, 0, i);
    check_cuts(gradient, seed, pool);
    check_order(seed);
    check_scale();
    CHECK(gradient_norm_total(NULL, 0) == 0);
    gradient[N / 2] = NAN;
    CHECK(isnan(norm_of(gradient, (uint64_t[]){0, 5, N_BLOCKS}, 2, pool)));
    pool_close(pool);
    arena_fini(&a);
    return 0;
}
