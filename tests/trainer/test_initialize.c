// Initial values do not depend on how blocks are spread, differ by seed and name, and have the
// distribution asked for.
#include "trainer/optim/initialize.h"

#include <math.h>
#include <string.h>

#include "tests/check.h"
#include "trainer/optim/block.h"

enum { N = 6 * BLOCK_ELEMS + 123, N_BLOCKS = 7 };

static struct parameter make(const char *name, enum initializer init)
{
    struct parameter p = {.n_elems = N, .init = init, .init_std = 0.02f};
    strncpy(p.name, name, sizeof p.name - 1);
    return p;
}

static void check_cuts(const struct parameter *p, uint64_t seed, const float *whole)
{
    static float part[N];
    for (uint64_t first = 0; first <= N_BLOCKS; first++)
        for (uint64_t last = first; last <= N_BLOCKS; last++) {
            const struct range elems = block_elems(N, (struct range){first, last});
            initialize_blocks(p, seed, (struct range){first, last}, part);
            CHECK(memcmp(part, whole + elems.first, (elems.last - elems.first) * sizeof *part) ==
                  0);
        }
}

// Mean, deviation and kurtosis of N normal numbers, within five standard errors.
static void check_normal(const float *x, double std)
{
    double mean = 0, square = 0, fourth = 0;
    for (size_t i = 0; i < N; i++) {
        const double z = (double)x[i] / std;
        mean += z / N;
        square += z * z / N;
        fourth += z * z * z * z / N;
    }
    CHECK(fabs(mean) < 5 / sqrt(N));
    CHECK(fabs(square - 1) < 5 * sqrt(2.0 / N));
    CHECK(fabs(fourth - 3) < 5 * sqrt(96.0 / N));
}

static size_t n_equal(const float *a, const float *b)
{
    size_t n = 0;
    for (size_t i = 0; i < N; i++)
        n += a[i] == b[i];
    return n;
}

int main(int argc, char **argv)
{
    static float x[N], other[N];
    const uint64_t seed = check_seed(argc, argv);
    const struct range all = {0, N_BLOCKS};
    const struct parameter p = make("layers.0.attention.q.weight", INIT_NORMAL);
    initialize_blocks(&p, seed, all, x);
    check_normal(x, 0.02);
    check_cuts(&p, seed, x);
    const struct parameter q = make("layers.1.attention.q.weight", INIT_NORMAL);
    initialize_blocks(&q, seed, all, other);
    CHECK(n_equal(x, other) < 10);
    initialize_blocks(&p, seed + 1, all, other);
    CHECK(n_equal(x, other) < 10);
    const struct parameter ones = make("norm.gain", INIT_ONES), zeros = make("bias", INIT_ZEROS);
    initialize_blocks(&ones, seed, all, other);
    for (size_t i = 0; i < N; i++)
        CHECK(other[i] == 1.0f);
    initialize_blocks(&zeros, seed, all, other);
    for (size_t i = 0; i < N; i++)
        CHECK(other[i] == 0.0f);
    return 0;
}
