#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "base/err.h"
#include "base/hash.h"

static const double TURN = 6.28318530717958647692; // 2 pi

uint64_t rng_key(uint64_t seed, const char *name)
{
    return hash_xxh3(name, strlen(name), seed);
}

void rng_block(uint64_t key, uint64_t counter_hi, uint64_t counter_lo, uint32_t out[4])
{
    uint32_t c0 = (uint32_t)counter_lo, c1 = (uint32_t)(counter_lo >> 32);
    uint32_t c2 = (uint32_t)counter_hi, c3 = (uint32_t)(counter_hi >> 32);
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = UINT64_C(0xD2511F53) * c0;
        uint64_t product1 = UINT64_C(0xCD9E8D57) * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)product0;
        k0 += 0x9E3779B9;
        k1 += 0xBB67AE85;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint64_t rng_u64(uint64_t key, uint64_t counter_hi, uint64_t counter_lo)
{
    uint32_t word[4];
    rng_block(key, counter_hi, counter_lo, word);
    return (uint64_t)word[1] << 32 | word[0];
}

float rng_uniform(uint64_t key, uint64_t counter_hi, uint64_t counter_lo)
{
    uint32_t word[4];
    rng_block(key, counter_hi, counter_lo, word);
    return (float)(word[0] >> 8) * 0x1p-24F;
}

// (0, 1) with 52 bits: never 0, never 1.
static double open_unit(uint32_t lo, uint32_t hi)
{
    uint64_t bits = ((uint64_t)hi << 32 | lo) >> 12;
    return ((double)bits + 0.5) * 0x1p-52;
}

float rng_normal(uint64_t key, uint64_t counter_hi, uint64_t counter_lo)
{
    uint32_t word[4];
    rng_block(key, counter_hi, counter_lo, word);
    double radius = sqrt(-2 * dmath_log(open_unit(word[0], word[1])));
    return (float)(radius * dmath_cos(TURN * open_unit(word[2], word[3])));
}

// A balanced Feistel network on 2 * half_bits bits is a bijection of [0, 4^half_bits), whatever the
// round function is. A value outside [0, n) is sent through again until it falls inside (cycle
// walking); the domain is less than 4 n, so that is less than 4 rounds on average.
enum { FEISTEL_ROUNDS = 8 };

static uint64_t feistel_round(uint64_t key, int round, uint64_t half)
{
    uint64_t z = key + half + (uint64_t)(round + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9); // finalizer of splitmix64
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int feistel_half_bits(uint64_t n)
{
    int bits = n <= 2 ? 1 : 64 - __builtin_clzll(n - 1);
    return (bits + 1) / 2;
}

uint64_t rng_permute(uint64_t key, uint64_t n, uint64_t x)
{
    ASSERT(x < n);
    const int half_bits = feistel_half_bits(n);
    const uint64_t mask = (UINT64_C(1) << half_bits) - 1;
    do {
        uint64_t left = x >> half_bits, right = x & mask;
        for (int round = 0; round < FEISTEL_ROUNDS; round++) {
            uint64_t next = left ^ (feistel_round(key, round, right) & mask);
            left = right;
            right = next;
        }
        x = left << half_bits | right;
    } while (x >= n);
    return x;
}
