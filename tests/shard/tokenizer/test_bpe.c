// Merging against the plain definition on random and adversarial merges and bytes, and the work and
// memory of the worst cases, counted.
#include "shard/tokenizer/bpe.h"

#include <stdbool.h>

#include "base/rng.h"
#include "tests/check.h"

enum { LIMIT_BYTES = 600, LIMIT_TRAINED = 100 };

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

// Merges in any order: parts may be made by later merges, several merges may make one token, also a
// part of their own.
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
        if (pair_table_find(&b->joins, parts[0], parts[1]) != PAIR_TABLE_NONE) continue;
        uint32_t id = (uint32_t)(256 + rng_u64(key, i, 2) % (n_ids - 256));
        if (rng_u64(key, i, 3) % 4 == 0) id = parts[rng_u64(key, i, 4) % 2];
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

// The most frequent pair of data (of letters a to d and ids from 256 on), the least on a tie; false
// if none comes twice.
static bool frequent_pair(const uint32_t *ids, size_t n, uint32_t *left, uint32_t *right)
{
    static uint32_t counts[LIMIT_TRAINED][LIMIT_TRAINED];
    memset(counts, 0, sizeof counts);
    uint32_t most = 1;
    for (size_t i = 0; i + 1 < n; i++)
        counts[ids[i]][ids[i + 1]]++;
    for (uint32_t i = 0; i < LIMIT_TRAINED; i++)
        for (uint32_t k = 0; k < LIMIT_TRAINED; k++)
            if (counts[i][k] > most) {
                most = counts[i][k];
                *left = i;
                *right = k;
            }
    return most > 1;
}

// What a training on data finds, or that the other way round, so that what a merge gives has merges
// of lower rank. Letters are ids 0 to 3.
static void trained_model(struct bpe *b, const uint8_t *data, bool decreasing)
{
    uint32_t byte_ids[256], ids[LIMIT_BYTES], n_merges = 0;
    struct bpe_merge merges[LIMIT_TRAINED];
    for (uint32_t i = 0; i < 256; i++)
        byte_ids[i] = (i - 'a') % 256;
    CHECK_OK(bpe_open(b, byte_ids));
    size_t n = LIMIT_BYTES;
    for (size_t i = 0; i < n; i++)
        ids[i] = byte_ids[data[i]];
    for (uint32_t left, right; n_merges < LIMIT_TRAINED - 4; n_merges++) {
        if (!frequent_pair(ids, n, &left, &right)) break;
        merges[n_merges] = (struct bpe_merge){left, right, 4 + n_merges};
        size_t n_left = 0;
        for (size_t i = 0; i < n; i++) {
            bool join = i + 1 < n && ids[i] == left && ids[i + 1] == right;
            ids[n_left++] = join ? 4 + n_merges : ids[i];
            i += join;
        }
        n = n_left;
    }
    for (uint32_t i = 0; i < n_merges; i++)
        CHECK_OK(bpe_add(b, merges[decreasing ? n_merges - 1 - i : i]));
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

// b, c and d become x by merges 0 to 2; then x+x and its followers: x comes up in three passes, so
// that the list of x+a, whose places come from all of them, is not in order.
static void passes_model(struct bpe *b)
{
    uint32_t byte_ids[256];
    for (uint32_t i = 0; i < 256; i++)
        byte_ids[i] = i;
    CHECK_OK(bpe_open(b, byte_ids));
    const struct bpe_merge merges[] = {{'b', 'b', 'x'}, {'c', 'c', 'x'}, {'d', 'd', 'x'},
                                       {'x', 'x', 256}, {'x', 'a', 257}, {257, 'a', 'd'},
                                       {'a', 'x', 258}, {257, 257, 'b'}};
    for (size_t i = 0; i < sizeof merges / sizeof *merges; i++)
        CHECK_OK(bpe_add(b, merges[i]));
}

enum model {
    MODEL_DOUBLING,
    MODEL_TRAINED,
    MODEL_DECREASING,
    MODEL_RANDOM,
    MODEL_PASSES,
    N_MODELS
};
enum text { TEXT_RUN, TEXT_PERIODIC, TEXT_FIBONACCI, TEXT_PAIRS, TEXT_RANDOM, N_TEXTS };

static void model_make(enum model model, uint64_t key, const uint8_t *data, struct bpe *b)
{
    switch (model) {
    case MODEL_DOUBLING:
        doubling_model(b, 5);
        return;
    case MODEL_TRAINED:
        trained_model(b, data, false);
        return;
    case MODEL_DECREASING:
        trained_model(b, data, true);
        return;
    case MODEL_RANDOM:
        random_model(b, key, 4, 12);
        return;
    case MODEL_PASSES:
        passes_model(b);
        return;
    case N_MODELS:
        break;
    }
    ASSERT(false);
}

static void text_make(enum text text, uint64_t key, uint8_t *data, size_t n)
{
    size_t period = 2 + key % 6, last = 0, next = 1; // of the Fibonacci word: lengths of its parts
    for (size_t i = 0; i < n; i++) {
        uint64_t random = rng_u64(key, 7, text == TEXT_PAIRS ? i / 2 : i) % 4;
        switch (text) {
        case TEXT_RUN:
            data[i] = 'a';
            break;
        case TEXT_PERIODIC:
            data[i] = i < period ? (uint8_t)('a' + random) : data[i - period];
            break;
        case TEXT_FIBONACCI:
            if (i >= 2 && i == last + next) {
                last = next;
                next = i;
            }
            data[i] = i < 2 ? (uint8_t)('a' + i) : data[i - next];
            break;
        case TEXT_PAIRS:
        case TEXT_RANDOM:
            data[i] = (uint8_t)('a' + random);
            break;
        case N_TEXTS:
            ASSERT(false);
        }
    }
}

static void check_adversarial(uint64_t seed)
{
    struct bpe_scratch scratch = {0};
    uint8_t data[LIMIT_BYTES];
    uint32_t ids[LIMIT_BYTES], expected[LIMIT_BYTES];
    for (uint64_t round = 0; round < 6 * N_MODELS * N_TEXTS; round++) {
        uint64_t key = rng_key(seed + round, "bpe adversarial");
        struct bpe b;
        text_make((enum text)(round / N_MODELS % N_TEXTS), key, data, LIMIT_BYTES);
        model_make((enum model)(round % N_MODELS), key, data, &b);
        size_t n = LIMIT_BYTES - key % 300, n_ids;
        CHECK_OK(bpe_encode(&b, &scratch, (struct span){data, n}, ids, &n_ids));
        CHECK_EQ(n_ids, reference_encode(&b, (struct span){data, n}, expected));
        CHECK(memcmp(ids, expected, n_ids * sizeof *ids) == 0);
        bpe_close(&b);
    }
    bpe_scratch_close(&scratch);
}

// Steps a byte of one piece of n bytes, through a scratch of its own, whose memory is checked.
static double steps_of(const struct bpe *b, const uint8_t *data, size_t n)
{
    struct bpe_scratch scratch = {0};
    uint32_t *ids = ARENA_ARRAY(&a, uint32_t, n);
    size_t n_ids;
    CHECK_OK(bpe_encode(b, &scratch, (struct span){data, n}, ids, &n_ids));
    double limit = 1.5 * (24.2 * (double)n + 4.2 * (double)b->n_merges) + 1000;
    CHECK((double)bpe_scratch_bytes(&scratch) <= limit);
    double steps = (double)scratch.n_steps / (double)n;
    bpe_scratch_close(&scratch);
    return steps;
}

// Linear: steps a byte are the same from 4 KiB to 1 MiB.
static void check_steps(uint64_t seed)
{
    static const char *const models[] = {"doubling", "trained", "decreasing", "random", "passes"};
    static const char *const texts[] = {"run", "periodic", "fibonacci", "pairs", "random"};
    size_t limit = (size_t)1 << 20;
    uint8_t *data = ARENA_ARRAY(&a, uint8_t, limit);
    for (unsigned i = 0; i < N_MODELS * N_TEXTS; i++) {
        struct bpe b;
        uint64_t key = rng_key(seed + i, "bpe steps");
        text_make((enum text)(i / N_MODELS), key, data, limit);
        model_make((enum model)(i % N_MODELS), key, data, &b);
        printf("%s model, %s text: steps a byte", models[i % N_MODELS], texts[i / N_MODELS]);
        double first = 0;
        for (size_t n = 4096; n <= limit; n *= 16) {
            double steps = steps_of(&b, data, n);
            if (n == 4096) first = steps;
            printf(" %.2f", steps);
            CHECK(steps < 1.1 * first && steps > 0.9 * first && steps < 50);
        }
        printf("\n");
        bpe_close(&b);
    }
}

// A tree of bits against a plain array.
static void check_bit_tree(uint64_t seed)
{
    struct bit_tree t = {0};
    uint64_t key = rng_key(seed, "bit tree");
    static const size_t limits[] = {1, 64, 65, 4096, 4097, 300000};
    for (size_t k = 0; k < sizeof limits / sizeof *limits; k++) {
        uint8_t *in = ARENA_ARRAY(&a, uint8_t, limits[k]);
        CHECK_OK(bit_tree_resize(&t, limits[k], bit_tree_levels(limits[k]) + k % 2));
        for (uint64_t i = 0; i < 2000; i++) {
            size_t at = rng_u64(key, k, i) % limits[k];
            bit_tree_insert(&t, at);
            in[at] = 1;
            if (i % 3 != 0) continue;
            size_t least = 0;
            while (in[least] == 0)
                least++;
            CHECK_EQ(bit_tree_take(&t), least);
            in[least] = 0;
        }
        for (size_t at = 0; at < limits[k]; at++)
            if (in[at] != 0) CHECK_EQ(bit_tree_take(&t), at);
        CHECK_EQ(bit_tree_take(&t), BIT_TREE_NONE);
    }
    bit_tree_close(&t);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    arena_init(&a, "test");
    check_random(seed);
    check_adversarial(seed);
    check_bit_tree(seed);
    check_steps(seed);
    arena_fini(&a);
    return 0;
}
