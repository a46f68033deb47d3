// Merging against the plain definition on random merges and bytes, and the work of the worst cases
// in steps.
#include "shard/tokenizer/bpe.h"

#include <stdbool.h>

#include "base/rng.h"
#include "tests/check.h"

enum { LIMIT_BYTES = 600 };

static struct arena a;

// Joins the first pair of lowest rank until none has a rank, looking at every pair and every merge
// each time.
static size_t reference_encode(const struct bpe *b, struct span piece, uint32_t *ids)
{
    size_t n = piece.n_bytes;
    for (size_t i = 0; i < n; i++)
        ids[i] = b->byte_ids[piece.data[i]];
    for (;;) {
        size_t best_rank = b->n_merges, best = 0;
        for (size_t i = 0; i + 1 < n; i++)
            for (size_t rank = 0; rank < best_rank; rank++)
                if (b->merges[rank].left == ids[i] && b->merges[rank].right == ids[i + 1]) {
                    best_rank = rank;
                    best = i;
                }
        if (best_rank == b->n_merges) return n;
        ids[best] = b->merges[best_rank].id;
        n--;
        for (size_t i = best + 1; i < n; i++)
            ids[i] = ids[i + 1];
    }
}

// Merges in any order: parts may be made by later merges, several merges may make one token.
static void random_model(struct bpe *b, uint64_t key, uint64_t n_letters, uint64_t n_merges)
{
    uint32_t byte_ids[256];
    for (uint32_t i = 0; i < 256; i++)
        byte_ids[i] = (uint32_t)rng_permute(key, 256, i);
    CHECK_OK(bpe_open(b, byte_ids));
    uint64_t n_ids = 256 + n_merges;
    for (uint64_t i = 0; i < n_merges; i++) {
        uint32_t parts[2];
        for (uint64_t k = 0; k < 2; k++) {
            uint64_t r = rng_u64(key, i, k) % (n_letters + n_merges);
            parts[k] = r < n_letters ? byte_ids['a' + r] : (uint32_t)(256 + r - n_letters);
        }
        if (pair_table_find(&b->ranks, parts[0], parts[1]) != PAIR_TABLE_NONE) continue;
        uint32_t id = (uint32_t)(256 + rng_u64(key, i, 2) % (n_ids - 256));
        CHECK_OK(bpe_add(b, (struct bpe_merge){parts[0], parts[1], id}));
    }
    const struct bpe_merge again = b->merges[0];
    CHECK_ERR(bpe_add(b, again), ERR_DATA);
}

static void check_random(uint64_t seed)
{
    struct bpe_scratch scratch = {0};
    for (uint64_t round = 0; round < 400; round++) {
        uint64_t key = rng_key(seed + round, "bpe");
        uint64_t n_letters = 1 + rng_u64(key, 1, 0) % 6;
        uint64_t n_merges = 1 + rng_u64(key, 1, 1) % (round % 4 == 0 ? 60 : 12);
        struct bpe b;
        random_model(&b, rng_u64(key, 1, 2), n_letters, n_merges);
        for (uint64_t k = 0; k < 12; k++) {
            uint8_t data[LIMIT_BYTES];
            uint32_t ids[LIMIT_BYTES], expected[LIMIT_BYTES];
            // Around the border between the two ways as well as far on both sides of it.
            size_t limit = k < 4 ? 20 : k < 9 ? 130 : LIMIT_BYTES;
            size_t n = 1 + rng_u64(key, 2, k) % limit, n_ids;
            for (size_t i = 0; i < n; i++)
                data[i] = (uint8_t)('a' + rng_u64(key, 3 + k, i) % n_letters);
            CHECK_OK(bpe_encode(&b, &scratch, (struct span){data, n}, ids, &n_ids));
            size_t n_expected = reference_encode(&b, (struct span){data, n}, expected);
            CHECK_EQ(n_ids, n_expected);
            CHECK(memcmp(ids, expected, n_ids * sizeof *ids) == 0);
        }
        bpe_close(&b);
    }
    bpe_scratch_close(&scratch);
}

// a+a, aa+aa, ...: tokens of 2, 4, 8, ... up to 2^n_doublings letters.
static void doubling_model(struct bpe *b, uint32_t n_doublings)
{
    uint32_t byte_ids[256];
    for (uint32_t i = 0; i < 256; i++)
        byte_ids[i] = i;
    CHECK_OK(bpe_open(b, byte_ids));
    for (uint32_t i = 0; i < n_doublings; i++) {
        uint32_t part = i == 0 ? 'a' : 255 + i;
        CHECK_OK(bpe_add(b, (struct bpe_merge){part, part, 256 + i}));
    }
}

static double log2_of(size_t n)
{
    double bits = 0;
    for (; n > 1; n /= 2)
        bits++;
    return bits;
}

// The steps for a run of one letter grow like n log n (and at most half the short way's 64 a byte):
// a quadratic way would take 5 * 10^11 for the longest.
static void check_steps(void)
{
    struct bpe b;
    doubling_model(&b, 5);
    for (size_t n = 1; n <= (size_t)1 << 20; n *= 4) {
        uint8_t *data = ARENA_ARRAY(&a, uint8_t, n);
        uint32_t *ids = ARENA_ARRAY(&a, uint32_t, n);
        memset(data, 'a', n);
        struct bpe_scratch scratch = {0};
        size_t n_ids;
        CHECK_OK(bpe_encode(&b, &scratch, (struct span){data, n}, ids, &n_ids));
        CHECK_EQ(n_ids, n >= 32 ? n / 32 : 1);
        printf("run of %zu: %llu steps\n", n, (unsigned long long)scratch.n_steps);
        CHECK((double)scratch.n_steps <= (double)n * (32 + 4 * log2_of(n)));
        bpe_scratch_close(&scratch);
    }
    bpe_close(&b);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    arena_init(&a, "test");
    check_random(seed);
    check_steps();
    arena_fini(&a);
    return 0;
}
