// Lanes to ranks and rounds: each lane once, shares that differ by one at most, turns that lie one
// after another, and an owner that keeps a binary counter's vectors, not one for each rank.

#include "tests/check.h"
#include "trainer/plan/lanes.h"

enum { MOST_LANES = 40 };

// Rounds, then ranks, give the lanes in order.
static void check_order(const struct lanes *l)
{
    uint64_t next = 0;
    for (uint64_t round = 0; round < l->n_rounds; round++)
        for (int rank = 0; rank < l->n_ranks; rank++) {
            struct range lanes = lanes_of_round(l, rank, round);
            CHECK(lanes.first == next && lanes.last - lanes.first <= l->lockstep);
            next = lanes.last;
        }
    CHECK_EQ(next, l->n_lanes);
}

static void check_turns(const struct lanes *l)
{
    uint64_t next = 0, most = 0, least = l->n_lanes;
    for (int rank = 0; rank < l->n_ranks; rank++) {
        struct range turns = lanes_turns_of_rank(l, rank);
        CHECK_EQ(turns.first, next);
        for (uint64_t round = 0; round < l->n_rounds; round++) {
            struct range lanes = lanes_of_round(l, rank, round);
            for (uint64_t lane = lanes.first; lane < lanes.last; lane++, next++)
                CHECK_EQ(lanes_taken(l, rank, next - turns.first), lane);
            CHECK_EQ(lanes_turns_of_round(l, rank, round).last, next);
        }
        CHECK_EQ(turns.last, next);
        uint64_t n = turns.last - turns.first;
        most = n > most ? n : most;
        least = n < least ? n : least;
    }
    CHECK(next == l->n_lanes && most - least <= 1);
}

static uint64_t log2_up(uint64_t n)
{
    uint64_t log = 0;
    while (1ull << log < n)
        log++;
    return log;
}

static void check_plan(int n_ranks, uint64_t n_lanes, uint64_t lockstep)
{
    struct arena a;
    arena_init(&a, "lanes");
    struct lane_plan *p = lanes_plan(&a, n_ranks, n_lanes, lockstep);
    check_order(&p->lanes);
    check_turns(&p->lanes);
    CHECK(p->n_slots <= log2_up(n_lanes) + 1);
    arena_fini(&a);
}

int main(void)
{
    for (uint64_t n_lanes = 1; n_lanes <= MOST_LANES; n_lanes++)
        for (int n_ranks = 1; n_ranks <= (int)n_lanes; n_ranks++)
            for (uint64_t lockstep = 0; lockstep <= 5; lockstep++)
                check_plan(n_ranks, n_lanes, lockstep);
    check_plan(512, 1024, 1);
    check_plan(512, 1024, 2);
    check_plan(3, 6, 9); // ranks without lanes in a round
    check_plan(9, 4, 1);
    return 0;
}
