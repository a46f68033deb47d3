// Replays the seeds of fuzz_tokenizer_load and seeded mutations of each. --write FOLDER puts the
// seeds there, for the fuzzer.
#include "base/file.h"
#include "base/rng.h"
#include "tests/shard/tokenizer/made_tokenizer.h"
#include "tests/shard/tokenizer/tokenizer_devour.h"

enum { MUTATIONS = 400 };

// Bytes changed, or a stretch left out or doubled.
static size_t mutate(uint64_t key, uint64_t number, uint8_t *bytes, size_t n)
{
    const uint64_t kind = rng_u64(key, number, 0);
    size_t at = rng_u64(key, number, 1) % n, length = 1 + rng_u64(key, number, 2) % 40;
    if (length > n - at) length = n - at;
    if (kind % 4 == 0) {
        memmove(bytes + at, bytes + at + length, n - at - length);
        return n - length;
    }
    for (uint64_t i = 0; i < 1 + kind % 3; i++)
        bytes[rng_u64(key, number, 3 + i) % n] = (uint8_t)(rng_u64(key, number, 10 + i) >> 32);
    return n;
}

static void replay(struct span seed, uint64_t key)
{
    struct arena a;
    arena_init(&a, "replay");
    CHECK_OK(devour(seed, true));
    size_t n_good = 0;
    for (uint64_t i = 0; i < MUTATIONS; i++) {
        uint8_t *copy = arena_alloc(&a, seed.n_bytes, 8);
        memcpy(copy, seed.data, seed.n_bytes);
        size_t n = mutate(key, i, copy, seed.n_bytes);
        n_good += devour((struct span){copy, n}, i % 16 == 0) == OK;
    }
    printf("%zu of %d mutations of %zu bytes load\n", n_good, MUTATIONS, seed.n_bytes);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    struct arena a;
    struct span seeds[8];
    arena_init(&a, "seeds");
    size_t n = made_seeds(seeds, &a);
    if (argc == 3 && strcmp(argv[1], "--write") == 0) {
        for (size_t i = 0; i < n; i++)
            CHECK_OK(file_replace(arena_printf(&a, "%s/seed-%zu", argv[2], i), seeds[i].data,
                                  seeds[i].n_bytes));
    } else {
        const uint64_t seed = check_seed(argc, argv);
        for (size_t i = 0; i < n; i++)
            replay(seeds[i], rng_key(seed + i, "tokenizer corpus"));
    }
    arena_fini(&a);
    return 0;
}
