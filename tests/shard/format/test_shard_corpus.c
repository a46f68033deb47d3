// Replays the corpus of the fuzz targets, and seeded mutations of each file of it. A name says what
// is expected: good-* verify, anything else is refused.

#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/shard/format/shard_devour.h"

enum { MUTATIONS = 1500 };

static void mutate(uint64_t key, uint64_t number, uint8_t *bytes, size_t n_bytes)
{
    static const uint8_t extremes[] = {0, 1, 0x7f, 0x80, 0xff};
    const uint64_t n = 1 + rng_u64(key, number, 0) % 4;
    for (uint64_t i = 1; i <= n; i++) {
        const uint64_t r = rng_u64(key, number, i);
        bytes[r % n_bytes] = r >> 60 < 8 ? extremes[(r >> 32) % 5] : (uint8_t)(r >> 40);
    }
}

// Each single bit of a shard of a real dataset.
static void flip_every_bit(const char *name, uint8_t *bytes, size_t n_bytes)
{
    for (size_t i = 0; i < n_bytes * 8; i++) {
        struct arena a;
        arena_init(&a, "flip");
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        if (devour_open((struct span){bytes, n_bytes}, &a) == OK)
            check_failed(__FILE__, __LINE__, "%s: bit %zu was missed", name, i);
        bytes[i / 8] ^= (uint8_t)(1 << i % 8);
        arena_fini(&a);
    }
}

static void replay(const char *name, struct span bytes, uint64_t key)
{
    struct arena a;
    arena_init(&a, "replay");
    const enum err e = devour_open(bytes, &a);
    if (strncmp(name, "good-", 5) == 0)
        CHECK_OK(e);
    else if (e == OK)
        check_failed(__FILE__, __LINE__, "%s was accepted", name);
    devour(bytes.data, bytes.n_bytes);
    uint8_t *copy = arena_alloc(&a, bytes.n_bytes, 8);
    memcpy(copy, bytes.data, bytes.n_bytes);
    if (e == OK) flip_every_bit(name, copy, bytes.n_bytes);
    for (uint64_t i = 0; i < MUTATIONS && bytes.n_bytes; i++) {
        memcpy(copy, bytes.data, bytes.n_bytes);
        mutate(key, i, copy, bytes.n_bytes);
        devour(copy, bytes.n_bytes);
    }
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    const char *source = getenv("WEFT_SOURCE");
    if (!source) CHECK_SKIP("WEFT_SOURCE is not set: where is tests/data?");
    struct arena a;
    struct file_list list;
    arena_init(&a, "test");
    const char *folder = arena_printf(&a, "%s/tests/data/shard_corpus", source);
    CHECK_OK(file_list(folder, &a, &list));
    CHECK(list.n_names >= 4);
    for (size_t i = 0; i < list.n_names; i++) {
        struct span bytes;
        CHECK_OK(file_read(arena_printf(&a, "%s/%s", folder, list.names[i]), 1 << 20, &a, &bytes));
        replay(list.names[i], bytes, rng_key(seed, list.names[i]));
    }
    printf("%zu files, %d mutations of each\n", list.n_names, MUTATIONS);
    arena_fini(&a);
    return 0;
}
