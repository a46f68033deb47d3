// ranks: 1 2 3 4 8
// The MPI fabric: the exchanges of test_schedule over real ranks, byte for byte what the simulated
// twin gives; errors shared by all; a deadline that names who is missing. With an argument it dies
// in one way, for test_fabric_death.sh.

#include <signal.h>
#include <unistd.h>

#include "tests/topology/exchange.h"

static const uint64_t SHORT_NS = 50 * 1000 * 1000; // a wait that must fail takes this long

static struct fabric *f;
static int rank, size;

static struct exchange_rank simulated(const struct exchange *x, struct arena *a)
{
    struct fabric_sim *net = NULL;
    struct exchange_rank mine = {0};
    CHECK_OK(fabric_sim_open(a, size, (struct fabric_sim_link){0, 1e9}, &net));
    struct fabric_ticket t;
    for (int r = 0; r < size; r++) {
        const struct exchange_rank e = exchange_begin(x, r, a);
        CHECK_OK(fabric_start(fabric_sim_rank(net, r), 1, "gather", e.gather, e.n_gather, &t));
        CHECK_OK(fabric_start(fabric_sim_rank(net, r), 2, "reduce", e.reduce, e.n_reduce, &t));
        if (r == rank) mine = e;
    }
    CHECK_OK(fabric_sim_check_drained(net));
    return mine;
}

static void check_exchange(uint64_t seed, size_t n_lanes, size_t n_elems)
{
    struct arena a;
    arena_init(&a, "exchange");
    const struct exchange x = exchange_build(&a, seed, size, n_lanes, n_elems);
    struct exchange_rank e = exchange_begin(&x, rank, &a);
    struct fabric_ticket gather, reduce;
    static uint64_t seq = 1ull << 40; // far above any tag
    // Started in another order on odd ranks: seq keeps them apart.
    if (rank % 2 == 0) CHECK_OK(fabric_start(f, seq, "gather", e.gather, e.n_gather, &gather));
    CHECK_OK(fabric_start(f, seq + 1, "reduce", e.reduce, e.n_reduce, &reduce));
    if (rank % 2 == 1) CHECK_OK(fabric_start(f, seq, "gather", e.gather, e.n_gather, &gather));
    seq += 2;
    CHECK_OK(fabric_wait(f, &reduce));
    while (!fabric_test(f, &gather))
        fabric_poll(f);
    CHECK_EQ(gather.id, 0);
    exchange_check(&x, rank, &e);
    const struct exchange_rank twin = simulated(&x, &a);
    CHECK(memcmp(e.vector, twin.vector, n_elems * sizeof(float)) == 0);
    CHECK(memcmp(e.received, twin.received, exchange_total_covers(&x) * n_elems * sizeof(float)) ==
          0);
    arena_fini(&a);
}

static void check_nodes(void)
{
    CHECK_EQ(fabric_n_nodes(f), 1);
    CHECK_EQ(fabric_node(f), 0);
    CHECK_EQ(fabric_local_rank(f), rank);
    CHECK_EQ(fabric_local_size(f), size);
    for (int r = 0; r < size; r++) {
        CHECK_EQ(fabric_node_of(f, r), 0);
        CHECK_EQ(fabric_local_rank_of(f, r), r);
    }
    CHECK(size == 1 || fabric_launched());
}

static void check_agree(void)
{
    CHECK_OK(fabric_agree(f, OK));
    const int last = size - 1;
    CHECK_ERR(fabric_agree(f, rank == last ? fail(ERR_DATA, "bad row %d", last) : OK), ERR_DATA);
    char line[64];
    if (rank == last)
        snprintf(line, sizeof line, "bad row %d", last);
    else
        snprintf(line, sizeof line, "rank %d: bad row %d", last, last);
    CHECK_LINE(line);
    // Two failures: the lowest rank's wins everywhere, on the other failing rank too.
    const enum err mine = rank == 0      ? fail(ERR_IO, "no disk")
                          : rank == last ? fail(ERR_DATA, "bad row")
                                         : OK;
    CHECK_ERR(fabric_agree(f, mine), ERR_IO);
    CHECK_LINE(rank == 0 ? "no disk" : "rank 0: no disk");
    CHECK_OK(fabric_agree(f, OK));
}

static void check_all_gather(void)
{
    int all[64] = {0};
    for (int round = 0; round < 20; round++) {
        const int mine = 1000 * round + rank;
        CHECK_OK(fabric_all_gather(f, &mine, sizeof mine, all));
        for (int r = 0; r < size; r++)
            CHECK_EQ(all[r], 1000 * round + r);
    }
}

// The last rank does not post; rank 0 must say so, in time. Then it posts, and the same wait
// succeeds.
static void check_deadline(void)
{
    const int last = size - 1;
    int word = rank == last ? 77 : 0, early = 0, all[64];
    struct fabric_ticket t = {0}, ahead = {0};
    const struct fabric_message receive = {last, FABRIC_RECV, &word, sizeof word};
    const struct fabric_message send = {0, FABRIC_SEND, &word, sizeof word};
    const struct fabric_message receive_early = {last, FABRIC_RECV, &early, sizeof early};
    if (rank == last) CHECK_OK(fabric_start(f, 9, "reduce unit 9", &send, 1, &ahead));
    CHECK_OK(fabric_all_gather(f, &word, sizeof word, all));
    if (rank == 0) {
        CHECK_OK(fabric_start(f, 3, "gather unit 3", &receive, 1, &t));
        fabric_set_deadline(f, SHORT_NS);
        CHECK_ERR(fabric_wait(f, &t), ERR_HANG);
        char line[128];
        snprintf(
            line, sizeof line,
            "gather unit 3 seq 3 has no end after 0.05 s: 4 bytes still missing, from rank %d; "
            "rank %d has sent seq 9",
            last, last);
        CHECK_LINE(line);
        CHECK_ERR(fabric_start(f, 3, "again", &receive, 1, &(struct fabric_ticket){0}),
                  ERR_INVARIANT);
        CHECK_LINE("again: seq 3 is still under way as gather unit 3");
        fabric_set_deadline(f, 1000 * SHORT_NS);
        CHECK_OK(fabric_start(f, 9, "reduce unit 9", &receive_early, 1, &ahead));
    }
    CHECK_OK(fabric_all_gather(f, &word, sizeof word, all));
    if (rank == last) CHECK_OK(fabric_start(f, 3, "gather unit 3", &send, 1, &t));
    CHECK_OK(fabric_wait(f, &t));
    CHECK_OK(fabric_wait(f, &ahead));
    CHECK_EQ(early, rank == 0 ? 77 : 0);
    CHECK_EQ(word, rank == 0 || rank == last ? 77 : 0);
}

// Every rank but the last starts an operation in which the last one never does its part; the last
// rank knows when all have. Then it starts one that nobody answers.
static enum err wait_for_never(struct fabric_ticket *t)
{
    static int words[64], mine, never;
    struct fabric_message messages[64];
    const int last = size - 1;
    if (rank != last) {
        messages[0] = (struct fabric_message){last, FABRIC_SEND, &mine, sizeof mine};
        messages[1] = (struct fabric_message){last, FABRIC_RECV, &never, sizeof never};
        return fabric_start(f, 2, "never", messages, 2, t);
    }
    for (int r = 0; r < last; r++)
        messages[r] = (struct fabric_message){r, FABRIC_RECV, &words[r], sizeof words[r]};
    TRY(fabric_start(f, 2, "never", messages, (size_t)last, t));
    TRY(fabric_wait(f, t));
    messages[0] = (struct fabric_message){0, FABRIC_RECV, &never, sizeof never};
    return fabric_start(f, 3, "alone", messages, 1, t);
}

// Rank 0 expects more than the last rank sends.
static enum err disagree(void)
{
    static int words[2];
    struct fabric_ticket t;
    const int last = size - 1;
    const struct fabric_message wrong = rank == 0
                                            ? (struct fabric_message){last, FABRIC_RECV, words, 8}
                                            : (struct fabric_message){0, FABRIC_SEND, words, 4};
    TRY(fabric_start(f, 1, "gather unit 1", &wrong, rank == 0 || rank == last, &t));
    return fabric_wait(f, &t);
}

static void die_last(const char *how)
{
    if (strcmp(how, "kill") == 0) kill(getpid(), SIGKILL);
    if (strcmp(how, "abort") == 0) fabric_abort(f, fail(ERR_DIVERGED, "loss is not a number"), 12);
    printf("ready\n");
    fflush(stdout);
}

// Ways to die: every other rank is in a wait that only the job's end can end, or is told before it.
static void die(const char *how)
{
    struct fabric_ticket t = {0};
    const int last = size - 1;
    enum err e = strcmp(how, "size") == 0 ? disagree() : OK;
    if (rank == 0 && strcmp(how, "hang") == 0) fabric_set_deadline(f, SHORT_NS);
    if (e == OK) e = wait_for_never(&t);
    if (rank == last && e == OK) die_last(how);
    if (e == OK) e = fabric_wait(f, &t);
    if (strcmp(how, "abort") == 0) { // the abort word, from the last rank
        CHECK(e == ERR_DIVERGED);
        CHECK_LINE("rank 2 step 12: loss is not a number");
        printf("told\n");
    }
    fabric_abort(f, e, 12);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "fabric");
    // Pieces of 1,000 bytes: messages are cut as those above 1 GiB are.
    CHECK_OK(fabric_open_mpi(&(struct fabric_options){.piece_bytes = 1000}, &a, &f));
    rank = fabric_rank(f);
    size = fabric_size(f);
    if (argc == 2) die(argv[1]);
    check_nodes();
    check_exchange(seed, 8, 97);
    check_exchange(seed + 1, 16, 5);
    check_exchange(seed + 2, 8, 5001);
    check_all_gather();
    check_agree();
    if (size > 1) check_deadline();
    fabric_close(f);
    arena_fini(&a);
    return 0;
}
