// ranks: 1 2 4
// Clusters against brute force: random graphs, long chains, one huge cluster; with a
// bound on memory so small that everything spills; the same on any number of ranks.

#include "base/arena.h"
#include "base/file.h"
#include "base/rng.h"
#include "shard/dedup/duplicates.h"
#include "tests/check.h"

enum { PARTS = 7 };

struct graph {
    size_t n_documents, n_keys; // keys a document
    uint64_t *numbers;          // [n_documents], ascending
    uint64_t *keys;             // [n_documents][n_keys]
    size_t *keepers;            // [n_documents]: index, by brute force
};

static struct graph new_graph(struct arena *a, size_t n_documents, size_t n_keys)
{
    struct graph g = {n_documents, n_keys, ARENA_ARRAY(a, uint64_t, n_documents),
                      ARENA_ARRAY(a, uint64_t, n_documents * n_keys),
                      ARENA_ARRAY(a, size_t, n_documents)};
    const size_t per_part = n_documents / PARTS + 1;
    for (size_t i = 0; i < n_documents; i++)
        g.numbers[i] = (uint64_t)(i / per_part) << 32 | i % per_part;
    return g;
}

// Least label over shared keys until nothing changes: O(documents^2) a pass, no cleverness.
static void brute_force(struct graph *g)
{
    for (size_t i = 0; i < g->n_documents; i++)
        g->keepers[i] = i;
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t i = 0; i < g->n_documents * g->n_keys; i++)
            for (size_t j = 0; j < g->n_documents * g->n_keys; j++) {
                if (g->keys[i] != g->keys[j]) continue;
                if (g->keepers[i / g->n_keys] >= g->keepers[j / g->n_keys]) continue;
                g->keepers[j / g->n_keys] = g->keepers[i / g->n_keys];
                changed = true;
            }
    }
}

struct place {
    struct fabric *f;
    uint64_t seq;
    const char *folder;
};

static uint64_t check_graph(struct place *p, const struct graph *g, size_t memory_bytes)
{
    struct duplicates *d = NULL;
    CHECK_OK(
        duplicates_open(&(struct duplicates_options){p->f, &p->seq, p->folder, memory_bytes}, &d));
    for (size_t i = 0; i < g->n_documents; i++) {
        const size_t at = g->n_documents - 1 - i; // the order of adding does not matter
        if ((int)((g->numbers[at] >> 32) % (uint64_t)fabric_size(p->f)) != fabric_rank(p->f))
            continue;
        CHECK_OK(duplicates_add(d, g->numbers[at], g->keys + at * g->n_keys, g->n_keys));
    }
    CHECK_OK(duplicates_resolve(d, OK));
    uint64_t n_dropped = 0;
    for (size_t i = 0; i < g->n_documents; i++)
        n_dropped += g->keepers[i] != i;
    CHECK_EQ(duplicates_count(d).n_dropped, n_dropped);
    for (size_t i = 0; i < g->n_documents; i++) {
        if ((int)((g->numbers[i] >> 32) % (uint64_t)fabric_size(p->f)) != fabric_rank(p->f))
            continue;
        if (g->keepers[i] == i) continue;
        struct duplicate next;
        bool more;
        CHECK_OK(duplicates_next(d, &next, &more));
        CHECK(more);
        CHECK_EQ(next.document, g->numbers[i]);
        CHECK_EQ(next.keeper, g->numbers[g->keepers[i]]);
    }
    struct duplicate next;
    bool more;
    CHECK_OK(duplicates_next(d, &next, &more));
    CHECK(!more);
    const uint64_t n_rounds = duplicates_count(d).n_rounds;
    duplicates_close(d);
    return n_rounds;
}

static void check_random(struct place *p, uint64_t seed)
{
    const uint64_t key = rng_key(seed, "graph");
    for (uint64_t round = 0; round < 12; round++) {
        struct arena a;
        arena_init(&a, "graph");
        const size_t n_keys = 1 + round % 4;
        struct graph g = new_graph(&a, 300, n_keys);
        const uint64_t n_values = 100 + 120 * round;
        for (size_t i = 0; i < g.n_documents * n_keys; i++)
            g.keys[i] = rng_u64(key, round, i) % n_values;
        brute_force(&g);
        const uint64_t n_rounds = check_graph(p, &g, 1 << 20);
        CHECK_EQ(check_graph(p, &g, duplicates_memory_least(fabric_size(p->f))), n_rounds);
        arena_fini(&a);
    }
}

static void check_chain(struct place *p, uint64_t seed)
{
    enum { LENGTH = 10000 };
    struct arena a;
    arena_init(&a, "chain");
    struct graph g = new_graph(&a, LENGTH, 2);
    for (size_t i = 0; i < LENGTH; i++) {
        const size_t at = rng_permute(rng_key(seed, "chain"), LENGTH, i);
        g.keys[2 * at] = i;
        g.keys[2 * at + 1] = i + 1;
    }
    const uint64_t n_rounds = check_graph(p, &g, 1 << 20);
    CHECK_EQ(check_graph(p, &g, 1 << 15), n_rounds);
    CHECK(n_rounds <= 20);
    if (fabric_rank(p->f) == 0)
        printf("chain of %d: %llu rounds\n", LENGTH, (unsigned long long)n_rounds);
    arena_fini(&a);
}

static void check_one_cluster(struct place *p)
{
    struct arena a;
    arena_init(&a, "cluster");
    struct graph g = new_graph(&a, 5000, 1);
    check_graph(p, &g, 1 << 15);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    struct place p = {.seq = 100, .folder = "."};
    if (fabric_launched())
        CHECK_OK(fabric_open_mpi(NULL, &a, &p.f));
    else
        CHECK_OK(fabric_open_alone(&a, &p.f));
    check_random(&p, seed);
    check_chain(&p, seed);
    check_one_cluster(&p);
    fabric_close(p.f);
    arena_fini(&a);
    return 0;
}
