// ranks: 1 3
// The first item of each key stays, in the global order, against a plain search.

#include "base/arena.h"
#include "base/rng.h"
#include "shard/dedup/repeats.h"
#include "tests/check.h"

enum { N_DOCUMENTS = 400, N_ITEMS = 5, PARTS = 6 };

static uint64_t number_of(size_t i)
{
    return (uint64_t)(i * PARTS / N_DOCUMENTS) << 32 | i;
}

static size_t first_with(const uint64_t *keys, uint64_t key)
{
    size_t i = 0;
    while (keys[i] != key)
        i++;
    return i;
}

static void check(struct fabric *f, uint64_t *seq, const uint64_t *keys, size_t memory_bytes)
{
    const uint64_t n_ranks = (uint64_t)fabric_size(f), rank = (uint64_t)fabric_rank(f);
    struct repeats *r = NULL;
    CHECK_OK(repeats_open(&(struct duplicates_options){f, seq, ".", memory_bytes}, &r));
    for (size_t i = N_DOCUMENTS * N_ITEMS; i-- > 0;) {
        const uint64_t number = number_of(i / N_ITEMS);
        if ((number >> 32) % n_ranks == rank)
            CHECK_OK(repeats_add(r, number, (uint32_t)(i % N_ITEMS), keys[i]));
    }
    CHECK_OK(repeats_resolve(r, OK));
    struct repeat next = {0};
    bool more;
    uint64_t n_dropped = 0;
    for (size_t i = 0; i < N_DOCUMENTS * N_ITEMS; i++) {
        const size_t first = first_with(keys, keys[i]);
        const uint64_t number = number_of(i / N_ITEMS);
        n_dropped += first != i;
        if (first == i || (number >> 32) % n_ranks != rank) continue;
        CHECK_OK(repeats_next(r, &next, &more));
        CHECK(more);
        CHECK_EQ(next.document, number);
        CHECK_EQ(next.item, i % N_ITEMS);
        CHECK_EQ(next.first, number_of(first / N_ITEMS));
    }
    CHECK_OK(repeats_next(r, &next, &more));
    CHECK(!more);
    CHECK_EQ(repeats_n_dropped(r), n_dropped);
    repeats_close(r);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "repeats");
    struct arena a;
    arena_init(&a, "test");
    struct fabric *f = NULL;
    uint64_t seq = 7;
    if (fabric_launched())
        CHECK_OK(fabric_open_mpi(NULL, &a, &f));
    else
        CHECK_OK(fabric_open_alone(&a, &f));
    uint64_t *keys = ARENA_ARRAY(&a, uint64_t, N_DOCUMENTS * N_ITEMS);
    static const uint64_t RANGES[] = {1, 10, 700, 5000, UINT64_MAX};
    for (size_t range = 0; range < sizeof RANGES / sizeof *RANGES; range++) {
        for (size_t i = 0; i < N_DOCUMENTS * N_ITEMS; i++)
            keys[i] = rng_u64(key, range, i) % RANGES[range];
        check(f, &seq, keys, 1 << 20);
        check(f, &seq, keys, repeats_memory_least(fabric_size(f)));
    }
    fabric_close(f);
    arena_fini(&a);
    return 0;
}
