// Gather and reduce over 1..16 ranks with unequal and empty ranges, on the simulated twin with real
// bytes: what arrives equals the direct computation bit for bit, and no message is left over.

#include "tests/topology/exchange.h"

static void run(uint64_t seed, int n_ranks, size_t n_lanes, size_t n_elems)
{
    struct arena a;
    arena_init(&a, "exchange");
    struct fabric_sim *net = NULL;
    CHECK_OK(fabric_sim_open(&a, n_ranks, (struct fabric_sim_link){1e-6, 1e9}, &net));
    const struct exchange x = exchange_build(&a, seed, n_ranks, n_lanes, n_elems);
    struct exchange_rank *ranks = ARENA_ARRAY(&a, struct exchange_rank, (size_t)n_ranks);
    struct fabric_ticket *tickets = ARENA_ARRAY(&a, struct fabric_ticket, 2 * (size_t)n_ranks);
    for (int r = 0; r < n_ranks; r++) {
        struct fabric *f = fabric_sim_rank(net, r);
        ranks[r] = exchange_begin(&x, r, &a);
        // Both under way at once, started in another order on odd ranks: seq keeps them apart.
        for (int i = 0; i < 2; i++) {
            if ((i + r) % 2 == 0)
                CHECK_OK(fabric_start(f, 7, "gather", ranks[r].gather, ranks[r].n_gather,
                                      &tickets[2 * r]));
            else
                CHECK_OK(fabric_start(f, 8, "reduce", ranks[r].reduce, ranks[r].n_reduce,
                                      &tickets[2 * r + 1]));
        }
    }
    for (int r = 0; r < n_ranks; r++) {
        CHECK(fabric_test(fabric_sim_rank(net, r), &tickets[2 * r]));
        CHECK_OK(fabric_wait(fabric_sim_rank(net, r), &tickets[2 * r + 1]));
        exchange_check(&x, r, &ranks[r]);
    }
    CHECK_OK(fabric_sim_check_drained(net));
    arena_fini(&a);
}

// The same lists with NULL data, as the walker starts them: equal counts, peers and sizes.
static void check_null(uint64_t seed)
{
    struct arena a;
    arena_init(&a, "null");
    const struct exchange x = exchange_build(&a, seed, 5, 8, 100);
    for (int r = 0; r < 5; r++) {
        const struct exchange_rank e = exchange_begin(&x, r, &a);
        struct fabric_message bare[2 * 5];
        CHECK_EQ(schedule_gather((struct schedule_ranks){5, r}, x.owned, NULL, bare), e.n_gather);
        for (size_t i = 0; i < e.n_gather; i++) {
            CHECK_EQ(bare[i].peer, e.gather[i].peer);
            CHECK_EQ(bare[i].n_bytes, e.gather[i].n_bytes);
            CHECK(bare[i].direction == e.gather[i].direction && bare[i].data == NULL);
        }
    }
    arena_fini(&a);
}

static void check_small(int n_ranks, int root)
{
    struct arena a;
    arena_init(&a, "small");
    struct fabric_sim *net = NULL;
    CHECK_OK(fabric_sim_open(&a, n_ranks, (struct fabric_sim_link){0, 1e9}, &net));
    uint32_t all[16][16] = {{0}}, word[16] = {0};
    struct fabric_ticket gather[16], broadcast[16];
    struct fabric_message messages[32];
    for (int r = 0; r < n_ranks; r++) {
        const struct schedule_ranks who = {n_ranks, r};
        struct fabric *f = fabric_sim_rank(net, r);
        all[r][r] = word[r] = 100u + (uint32_t)r;
        size_t n = schedule_all_gather(who, 4, (unsigned char *)all[r], messages);
        CHECK_OK(fabric_start(f, 0, "all-gather", messages, n, &gather[r]));
        n = schedule_broadcast(who, root, 4, (unsigned char *)&word[r], messages);
        CHECK_OK(fabric_start(f, 1, "broadcast", messages, n, &broadcast[r]));
    }
    for (int r = 0; r < n_ranks; r++) {
        CHECK_OK(fabric_wait(fabric_sim_rank(net, r), &gather[r]));
        CHECK_OK(fabric_wait(fabric_sim_rank(net, r), &broadcast[r]));
        CHECK_EQ(word[r], 100 + root);
        for (int s = 0; s < n_ranks; s++)
            CHECK_EQ(all[r][s], 100 + s);
    }
    CHECK_OK(fabric_sim_check_drained(net));
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    for (int n_ranks = 1; n_ranks <= 16; n_ranks++) {
        run(seed, n_ranks, 8, 97);
        run(seed + 1, n_ranks, 16, 333);
        run(seed + 2, n_ranks, 13, 5); // fewer elements than ranks
        check_small(n_ranks, n_ranks / 2);
    }
    check_null(seed);
    return 0;
}
