// The mixture's closed form against counting, over several mixtures and segments.

#include "datad/mixture.h"

#include <math.h>

#include "base/rng.h"
#include "tests/check.h"

enum { POSITIONS = 20000 };

/// Walks from position 0: indices of a source are 0, 1, 2, ... and counts agree; within segment 0
/// the realised share is the weight.
static void check_walk(const struct mixture_segment *segments, size_t n_segments, size_t n_sources)
{
    struct arena a;
    struct mixture *m;
    arena_init(&a, "test");
    CHECK_OK(mixture_build(segments, n_segments, n_sources, &a, &m));
    uint64_t counts[MIXTURE_SOURCES] = {0};
    double sum = 0;
    for (size_t s = 0; s < n_sources; s++)
        sum += segments[0].weights[s];
    const uint64_t first_segment = n_segments > 1 ? segments[1].first_position : POSITIONS;
    for (uint64_t p = 0; p < POSITIONS; p++) {
        size_t source;
        uint64_t index;
        for (size_t s = 0; s < n_sources; s++)
            CHECK_EQ(mixture_count(m, s, p), counts[s]);
        mixture_find(m, p, &source, &index);
        CHECK(source < n_sources);
        CHECK_EQ(index, counts[source]);
        counts[source]++;
        for (size_t s = 0; p < first_segment && s < n_sources; s++) {
            const double ideal = (double)(p + 1) * segments[0].weights[s] / sum;
            CHECK(fabs((double)counts[s] - ideal) <= 0.5 * (double)n_sources + 0.01);
        }
    }
    arena_fini(&a);
}

static void check_random(uint64_t seed)
{
    const uint64_t key = rng_key(seed, "mixtures");
    for (uint64_t i = 0; i < 20; i++) {
        double first[8], second[8], third[8];
        const size_t n_sources = 1 + rng_u64(key, i, 0) % 8;
        for (size_t s = 0; s < n_sources; s++) {
            first[s] = (double)(rng_u64(key, i, 1 + s) % 100);
            second[s] = (double)rng_uniform(key, i, 100 + s);
            third[s] = (double)(s + 1);
        }
        first[n_sources - 1] += 1;
        const uint64_t middle = 1 + rng_u64(key, i, 200) % (POSITIONS / 2);
        const struct mixture_segment segments[] = {
            {0, first}, {middle, second}, {middle + 1 + POSITIONS / 4, third}};
        check_walk(segments, 1, n_sources);
        check_walk(segments, 3, n_sources);
    }
}

/// Positions far out: the closed form has no loop over positions and no overflow.
static void check_far(void)
{
    struct arena a;
    struct mixture *m;
    arena_init(&a, "test");
    const double weights[] = {0.7, 0.2, 0.1};
    const struct mixture_segment whole = {0, weights};
    CHECK_OK(mixture_build(&whole, 1, 3, &a, &m));
    const uint64_t far = UINT64_C(1) << 62;
    uint64_t before[3];
    for (size_t s = 0; s < 3; s++) {
        before[s] = mixture_count(m, s, far);
        CHECK(fabs((double)before[s] / (double)far - weights[s]) < 1e-9);
    }
    CHECK(before[0] + before[1] + before[2] == far);
    for (uint64_t p = far; p < far + 1000; p++) {
        size_t source;
        uint64_t index;
        mixture_find(m, p, &source, &index);
        CHECK(index == before[source]++);
    }
    arena_fini(&a);
}

static void check_errors(void)
{
    struct arena a;
    struct mixture *m;
    arena_init(&a, "test");
    const double none[] = {0, 0}, negative[] = {1, -1}, infinite[] = {1, (double)INFINITY};
    CHECK_ERR(mixture_build(&(struct mixture_segment){0, none}, 1, 2, &a, &m), ERR_CONFIG);
    CHECK_ERR(mixture_build(&(struct mixture_segment){0, negative}, 1, 2, &a, &m), ERR_CONFIG);
    CHECK_ERR(mixture_build(&(struct mixture_segment){0, infinite}, 1, 2, &a, &m), ERR_CONFIG);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    check_random(check_seed(argc, argv));
    check_far();
    check_errors();
    return 0;
}
