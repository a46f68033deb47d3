// Replays the corpora of the fuzz targets of shard/read, and seeded mutations of each file of them:
// bytes changed, cut out, doubled. Nothing crashes or hangs; a sanitizer tells the rest.

#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/shard/read/read_devour.h"

enum { MUTATIONS = 150 };

// One change of n bytes at most 2 * n large; the new length.
static size_t mutate(uint64_t key, uint64_t number, uint8_t *bytes, size_t n)
{
    const uint64_t r = rng_u64(key, number, 0), s = rng_u64(key, number, 1);
    const size_t at = r % n, n_piece = 1 + s % 64 % (n - at);
    switch (s >> 60 & 3) {
    case 0:
        memmove(bytes + at, bytes + at + n_piece, n - at - n_piece);
        return n - n_piece;
    case 1:
        memmove(bytes + at + n_piece, bytes + at, n - at);
        return n + n_piece;
    default:
        for (uint64_t i = 0; i < 1 + (s >> 32) % 4; i++)
            bytes[rng_u64(key, number, 2 + i) % n] = (uint8_t)rng_u64(key, number, 10 + i);
        return n;
    }
}

static void replay(const char *target, const char *folder, uint64_t seed, struct arena *a)
{
    struct file_list list;
    CHECK_OK(file_list(folder, a, &list));
    CHECK(list.n_names > 3);
    for (size_t i = 0; i < list.n_names; i++) {
        struct span bytes;
        CHECK_OK(file_read(arena_printf(a, "%s/%s", folder, list.names[i]), 1 << 20, a, &bytes));
        devour(target, bytes.data, bytes.n_bytes);
        uint8_t *copy = arena_alloc(a, 2 * bytes.n_bytes, 8);
        for (uint64_t k = 0; k < MUTATIONS; k++) {
            memcpy(copy, bytes.data, bytes.n_bytes);
            devour(target, copy, mutate(rng_key(seed, list.names[i]), k, copy, bytes.n_bytes));
        }
    }
}

int main(int argc, char **argv)
{
    static const char *const targets[] = {"warc", "tar", "jsonl", "pretokenized"};
    const uint64_t seed = check_seed(argc, argv);
    const char *source = getenv("WEFT_SOURCE");
    if (!source) CHECK_SKIP("WEFT_SOURCE is not set: where is tests/data?");
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct arena a;
        arena_init(&a, "test");
        replay(targets[i], arena_printf(&a, "%s/tests/data/read_corpus/%s", source, targets[i]),
               seed, &a);
        arena_fini(&a);
    }
    return 0;
}
