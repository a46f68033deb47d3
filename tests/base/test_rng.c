#include "base/rng.h"

#include <math.h>

#include "tests/check.h"

// Known answers of Random123 (kat_vectors, philox4x32 10).
static void test_known_answers(void)
{
    static const struct {
        uint64_t hi, lo, key;
        uint32_t out[4];
    } cases[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {UINT64_C(0x0370734413198a2e),
         UINT64_C(0x85a308d3243f6a88),
         UINT64_C(0x299f31d0a4093822),
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t out[4];
        rng_block(cases[i].key, cases[i].hi, cases[i].lo, out);
        CHECK(memcmp(out, cases[i].out, sizeof out) == 0);
        CHECK(rng_u64(cases[i].key, cases[i].hi, cases[i].lo) == ((uint64_t)out[1] << 32 | out[0]));
    }
}

static void check_bijection(uint64_t key, uint64_t n)
{
    unsigned char *seen = calloc(n, 1);
    CHECK(seen != NULL);
    for (uint64_t x = 0; x < n; x++) {
        uint64_t y = rng_permute(key, n, x);
        CHECK(y < n && !seen[y]);
        seen[y] = 1;
    }
    free(seen);
}

static void test_permute(uint64_t seed)
{
    for (uint64_t n = 1; n <= 130; n++)
        check_bijection(rng_key(seed, "permute"), n);
    for (int bits = 8; bits <= 16; bits++)
        for (uint64_t n = (UINT64_C(1) << bits) - 1; n <= (UINT64_C(1) << bits) + 1; n++)
            check_bijection(seed + n, n);
    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t n = rng_u64(seed, 1, i) | 1, x = rng_u64(seed, 2, i) % n;
        CHECK(rng_permute(seed, n, x) < n);
    }
}

// A permutation that is worth its name moves neighbours apart and differs between keys.
static void test_permute_mixes(uint64_t seed)
{
    enum { N = 10000 };
    int neighbours = 0, same = 0;
    double distance = 0; // on average a third of n, when every bit is mixed into every other
    for (uint64_t x = 0; x + 1 < N; x++) {
        neighbours += rng_permute(seed, N, x) + 1 == rng_permute(seed, N, x + 1);
        same += rng_permute(seed, N, x) == rng_permute(seed + 1, N, x);
        distance += fabs((double)rng_permute(seed, N, x) - (double)x) / N;
    }
    CHECK(neighbours < 20 && same < 20);
    CHECK(fabs(distance / N - 1.0 / 3) < 0.02);
}

static void test_uniform(uint64_t seed)
{
    enum { N = 100000 };
    double sum = 0, squares = 0;
    for (uint64_t i = 0; i < N; i++) {
        double u = (double)rng_uniform(seed, 0, i);
        CHECK(u >= 0 && u < 1);
        sum += u;
        squares += u * u;
    }
    CHECK(fabs(sum / N - 0.5) < 0.006 && fabs(squares / N - 1.0 / 3) < 0.006);
}

static void test_normal_moments(uint64_t seed)
{
    enum { N = 100000 };
    double moments[5] = {0};
    for (uint64_t i = 0; i < N; i++) {
        double x = (double)rng_normal(seed, 3, i), power = 1;
        for (int k = 0; k < 5; k++, power *= x)
            moments[k] += power / N;
    }
    CHECK(fabs(moments[1]) < 0.02 && fabs(moments[2] - 1) < 0.03);
    CHECK(fabs(moments[3]) < 0.08 && fabs(moments[4] - 3) < 0.2);
}

// Against libm, which may differ in the last bit of f64: to f32 that is next to nothing.
static void test_normal_against_libm(uint64_t seed)
{
    for (uint64_t i = 0; i < 20000; i++) {
        uint32_t word[4];
        rng_block(seed, 4, i, word);
        uint64_t a = ((uint64_t)word[1] << 32 | word[0]) >> 12;
        uint64_t b = ((uint64_t)word[3] << 32 | word[2]) >> 12;
        double u = ((double)a + 0.5) * 0x1p-52, v = ((double)b + 0.5) * 0x1p-52;
        double expected = sqrt(-2 * log(u)) * cos(2 * 3.14159265358979323846 * v);
        CHECK(fabs((double)rng_normal(seed, 4, i) - expected) <= 1e-14 + fabs(expected) * 6.1e-8);
    }
}

static void test_key(void)
{
    CHECK(rng_key(1, "a") != rng_key(1, "b") && rng_key(1, "a") != rng_key(2, "a"));
    CHECK(rng_key(7, "dropout") == rng_key(7, "dropout"));
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    test_known_answers();
    test_permute(seed);
    test_permute_mixes(seed);
    test_uniform(seed);
    test_normal_moments(seed);
    test_normal_against_libm(seed);
    test_key();
    return 0;
}
