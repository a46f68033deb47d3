// The simulated twin: clocks against examples computed by hand, and what it must refuse.

#include "tests/check.h"
#include "topology/fabric.h"

static struct arena arena;
static struct fabric_sim *net;

static void open_net(int n_ranks, double latency_s, double bytes_per_s)
{
    arena_reset(&arena);
    CHECK_OK(
        fabric_sim_open(&arena, n_ranks, (struct fabric_sim_link){latency_s, bytes_per_s}, &net));
}

static struct fabric_ticket start(int rank, uint64_t seq, enum fabric_direction direction, int peer,
                                  size_t n_bytes)
{
    struct fabric_ticket t = {0};
    const struct fabric_message m = {peer, direction, NULL, n_bytes};
    CHECK_OK(fabric_start(fabric_sim_rank(net, rank), seq, "op", &m, 1, &t));
    return t;
}

static void wait_until(int rank, struct fabric_ticket t, double clock_s)
{
    CHECK(fabric_test(fabric_sim_rank(net, rank), &t));
    CHECK_EQ(t.id, 0);
    const double actual_s = fabric_sim_clock_s(net, rank);
    if (actual_s != clock_s)
        check_failed(__FILE__, __LINE__, "rank %d is at %g s, expected %g s", rank, actual_s,
                     clock_s);
}

// The picture at the top of fabric_sim.c: send posted at 1.0, receive at 2.0, 8 bytes at 16 B/s.
static void check_one_message(void)
{
    open_net(2, 0.125, 16);
    fabric_sim_compute(net, 0, 1);
    struct fabric_ticket send = start(0, 0, FABRIC_SEND, 1, 8);
    CHECK(!fabric_test(fabric_sim_rank(net, 0), &send));
    fabric_sim_compute(net, 1, 2);
    struct fabric_ticket receive = start(1, 0, FABRIC_RECV, 0, 8);
    wait_until(0, send, 2.5);
    wait_until(1, receive, 2.625);
}

// Compute that outlasts the message hides it whole.
static void check_overlap(void)
{
    open_net(2, 0, 16);
    struct fabric_ticket send = start(0, 0, FABRIC_SEND, 1, 16);
    struct fabric_ticket receive = start(1, 0, FABRIC_RECV, 0, 16);
    fabric_sim_compute(net, 0, 4);
    wait_until(0, send, 4);
    wait_until(1, receive, 1);
}

// Rank 0 sends to 1 and 2: its way out serves one after the other, 1 s each.
static void check_way_out(void)
{
    open_net(3, 0, 16);
    struct fabric_ticket out1 = start(0, 0, FABRIC_SEND, 1, 16);
    struct fabric_ticket out2 = start(0, 1, FABRIC_SEND, 2, 16);
    wait_until(1, start(1, 0, FABRIC_RECV, 0, 16), 1);
    wait_until(2, start(2, 1, FABRIC_RECV, 0, 16), 2);
    wait_until(0, out1, 1);
    wait_until(0, out2, 2);
}

// Ranks 1 and 2 send to 0: its way in does the same; its way out is free meanwhile.
static void check_way_in(void)
{
    open_net(3, 0, 16);
    struct fabric_ticket in1 = start(0, 0, FABRIC_RECV, 1, 16);
    struct fabric_ticket in2 = start(0, 1, FABRIC_RECV, 2, 16);
    struct fabric_ticket out = start(0, 2, FABRIC_SEND, 2, 16);
    struct fabric_ticket send1 = start(1, 0, FABRIC_SEND, 0, 16);
    struct fabric_ticket send2 = start(2, 1, FABRIC_SEND, 0, 16);
    wait_until(2, start(2, 2, FABRIC_RECV, 0, 16), 1);
    wait_until(1, send1, 1);
    wait_until(2, send2, 2);
    wait_until(0, out, 1);
    wait_until(0, in1, 1);
    wait_until(0, in2, 2);
    CHECK_OK(fabric_sim_check_drained(net));
}

// One seq, one pair, two messages: the first send meets the first receive.
static void check_order(void)
{
    open_net(2, 0, 1e9);
    int sent[2] = {11, 22}, received[2] = {0, 0};
    const struct fabric_message sends[] = {{1, FABRIC_SEND, &sent[0], 4},
                                           {1, FABRIC_SEND, &sent[1], 4}};
    const struct fabric_message receives[] = {{0, FABRIC_RECV, &received[0], 4},
                                              {0, FABRIC_RECV, &received[1], 4}};
    struct fabric_ticket a, b;
    CHECK_OK(fabric_start(fabric_sim_rank(net, 1), 5, "receives", receives, 2, &b));
    CHECK_OK(fabric_start(fabric_sim_rank(net, 0), 5, "sends", sends, 2, &a));
    CHECK_OK(fabric_wait(fabric_sim_rank(net, 0), &a));
    CHECK_OK(fabric_wait(fabric_sim_rank(net, 1), &b));
    CHECK_EQ(received[0], 11);
    CHECK_EQ(received[1], 22);
}

static void check_self_and_empty(void)
{
    open_net(2, 1, 16);
    int sent = 33, received = 0;
    const struct fabric_message messages[] = {
        {0, FABRIC_RECV, &received, 4}, {1, FABRIC_SEND, NULL, 0}, {0, FABRIC_SEND, &sent, 4}};
    struct fabric_ticket t;
    CHECK_OK(fabric_start(fabric_sim_rank(net, 0), 0, "self", messages, 3, &t));
    wait_until(0, t, 0);
    CHECK_EQ(received, 33);
    CHECK_OK(fabric_sim_check_drained(net));
}

static void check_refusals(void)
{
    struct fabric_ticket t;
    open_net(2, 0, 16);
    start(0, 9, FABRIC_SEND, 1, 8);
    const struct fabric_message wrong = {0, FABRIC_RECV, NULL, 12};
    CHECK_ERR(fabric_start(fabric_sim_rank(net, 1), 9, "gather", &wrong, 1, &t), ERR_INVARIANT);
    CHECK_LINE("seq 9: rank 0 sends 8 bytes in op where rank 1 expects 12 in gather");
    CHECK_ERR(fabric_start(fabric_sim_rank(net, 1), 10, "next", NULL, 0, &t), ERR_INVARIANT);

    open_net(3, 0, 16);
    start(2, 4, FABRIC_RECV, 1, 8);
    t = start(0, 3, FABRIC_SEND, 2, 24);
    CHECK_ERR(fabric_sim_check_drained(net), ERR_INVARIANT);
    CHECK_LINE("2 messages unmatched; the first: seq 3, rank 0 sends 24 bytes to rank 2 in op");
    CHECK_ERR(fabric_wait(fabric_sim_rank(net, 0), &t), ERR_INVARIANT);
    CHECK_LINE("op seq 3 would block on the simulated fabric: 24 bytes still missing, to rank 2");
    const struct fabric_message again = {1, FABRIC_SEND, NULL, 8};
    CHECK_ERR(fabric_start(fabric_sim_rank(net, 0), 3, "again", &again, 1, &t), ERR_INVARIANT);
    CHECK_LINE("again: seq 3 is still under way as op");
    const struct fabric_message half = {0, FABRIC_SEND, NULL, 8};
    CHECK_ERR(fabric_start(fabric_sim_rank(net, 0), 6, "half", &half, 1, &t), ERR_INVARIANT);
    CHECK_LINE("half seq 6: a send of 8 bytes with this rank itself has no partner");

    CHECK_ERR(fabric_sim_open(&arena, 0, (struct fabric_sim_link){0, 1}, &net), ERR_USAGE);
    CHECK_ERR(fabric_sim_open(&arena, 1, (struct fabric_sim_link){0, 0}, &net), ERR_USAGE);
}

// 256 ranks, every pair in both directions, receives and sends posted ranks apart.
static void check_many(void)
{
    enum { RANKS = 256 };
    open_net(RANKS, 0, 1);
    static struct fabric_message messages[2 * RANKS];
    static struct fabric_ticket tickets[RANKS];
    for (int r = 0; r < RANKS; r++) {
        size_t n = 0;
        for (int k = 1; k < RANKS; k++) {
            messages[n++] = (struct fabric_message){(r + k) % RANKS, FABRIC_SEND, NULL, 1};
            messages[n++] = (struct fabric_message){(r + RANKS - k) % RANKS, FABRIC_RECV, NULL, 1};
        }
        CHECK_OK(fabric_start(fabric_sim_rank(net, r), 0, "all", messages, n, &tickets[r]));
    }
    for (int r = 0; r < RANKS; r++)
        CHECK_OK(fabric_wait(fabric_sim_rank(net, r), &tickets[r]));
    CHECK_OK(fabric_sim_check_drained(net));
    CHECK(fabric_sim_clock_s(net, RANKS - 1) >= RANKS - 1); // 255 bytes through a 1 B/s way in
}

int main(void)
{
    arena_init(&arena, "net");
    check_one_message();
    check_overlap();
    check_way_out();
    check_way_in();
    check_order();
    check_self_and_empty();
    check_refusals();
    check_many();
    arena_fini(&arena);
    return 0;
}
