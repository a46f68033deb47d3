// The hash does not depend on the cut, and sees a flipped bit, swapped blocks and moved tensors.
#include "trainer/optim/state_hash.h"

#include <string.h>

#include "base/rng.h"
#include "tests/check.h"
#include "trainer/optim/block.h"

enum { N = 5 * BLOCK_ELEMS + 99, N_BLOCKS = 6, FIRST = 1000 };

static uint64_t hash_parts(const float *x, const uint64_t *cuts, size_t n_parts)
{
    uint64_t sum = 0;
    for (size_t i = n_parts; i-- > 0;) {
        const struct range at = block_elems(N, (struct range){cuts[i], cuts[i + 1]});
        sum += state_hash_blocks(x + at.first, at.last - at.first, FIRST + cuts[i]);
    }
    return sum;
}

static void check_flips(float *x, uint64_t seed, uint64_t want)
{
    for (uint64_t trial = 0; trial < 500; trial++) {
        unsigned char *byte = (unsigned char *)x + rng_u64(seed, 1, trial) % (N * sizeof *x);
        const unsigned char bit = (unsigned char)(1u << trial % 8);
        *byte ^= bit;
        CHECK(state_hash_blocks(x, N, FIRST) != want);
        *byte ^= bit;
    }
    CHECK(state_hash_blocks(x, N, FIRST) == want);
}

static void check_swaps(float *x, uint64_t want)
{
    static float block[BLOCK_ELEMS];
    for (size_t i = 0; i < N_BLOCKS - 2; i++) {
        float *left = x + i * BLOCK_ELEMS, *right = left + BLOCK_ELEMS;
        memcpy(block, left, sizeof block);
        memcpy(left, right, sizeof block);
        memcpy(right, block, sizeof block);
        CHECK(state_hash_blocks(x, N, FIRST) != want);
        memcpy(right, left, sizeof block);
        memcpy(left, block, sizeof block);
    }
    CHECK(state_hash_blocks(x, N, FIRST) == want);
}

int main(int argc, char **argv)
{
    static float x[N];
    const uint64_t seed = check_seed(argc, argv);
    for (size_t i = 0; i < N; i++)
        x[i] = rng_normal(seed, 0, i);
    const uint64_t want = state_hash_blocks(x, N, FIRST);
    CHECK(hash_parts(x, (uint64_t[]){0, 6}, 1) == want);
    CHECK(hash_parts(x, (uint64_t[]){0, 1, 1, 4, 6}, 4) == want);
    CHECK(hash_parts(x, (uint64_t[]){0, 1, 2, 3, 4, 5, 6}, 6) == want);
    CHECK(state_hash_blocks(x, N, FIRST + 1) != want);
    CHECK(state_hash_blocks(x, 0, FIRST) == 0);
    check_flips(x, seed, want);
    check_swaps(x, want);
    return 0;
}
