// A fabric of one rank, and the parts of the core that need no peer: options from the environment,
// nodes from leaders.

#include "tests/check.h"
#include "topology/fabric_core.h"

static void check_alone(void)
{
    struct arena a;
    arena_init(&a, "alone");
    struct fabric *f = NULL;
    CHECK_OK(fabric_open_alone(&a, &f));
    CHECK_EQ(fabric_size(f), 1);
    CHECK_EQ(fabric_rank(f), 0);
    CHECK_EQ(fabric_local_size(f), 1);
    CHECK_EQ(fabric_n_nodes(f), 1);
    int sent[2] = {5, 6}, received[2] = {0, 0}, word = 9, all[1] = {0};
    const struct fabric_message messages[] = {{0, FABRIC_RECV, &received[0], 4},
                                              {0, FABRIC_SEND, &sent[0], 4},
                                              {0, FABRIC_SEND, &sent[1], 4},
                                              {0, FABRIC_RECV, &received[1], 4}};
    struct fabric_ticket t;
    CHECK_OK(fabric_start(f, 0, "self", messages, 4, &t));
    CHECK_ERR(fabric_start(f, 0, "again", messages, 4, &t), ERR_INVARIANT);
    CHECK_OK(fabric_wait(f, &t));
    CHECK_EQ(t.id, 0);
    CHECK_EQ(received[0], 5);
    CHECK_EQ(received[1], 6);
    CHECK_OK(fabric_all_gather(f, &word, sizeof word, all));
    CHECK_EQ(all[0], 9);
    CHECK_OK(fabric_agree(f, OK));
    CHECK_ERR(fabric_agree(f, fail(ERR_IO, "no disk")), ERR_IO);
    CHECK_LINE("no disk");
    fabric_close(f);
    arena_fini(&a);
}

static void check_many_operations(void)
{
    struct arena a;
    arena_init(&a, "many");
    struct fabric *f = NULL;
    struct fabric_ticket tickets[FABRIC_OPERATION_LIMIT + 1];
    CHECK_OK(fabric_open_alone(&a, &f));
    for (uint64_t i = 0; i < FABRIC_OPERATION_LIMIT; i++)
        CHECK_OK(fabric_start(f, i, "empty", NULL, 0, &tickets[i]));
    CHECK_ERR(fabric_start(f, 1000, "one more", NULL, 0, &tickets[FABRIC_OPERATION_LIMIT]),
              ERR_INVARIANT);
    CHECK_LINE("one more seq 1000: 128 operations are under way already");
    CHECK(fabric_test(f, &tickets[77]));
    CHECK_OK(fabric_start(f, 1000, "one more", NULL, 0, &tickets[77]));
    arena_fini(&a);
}

static void check_deadline_option(void)
{
    uint64_t ns = 0;
    unsetenv("WEFT_DEADLINE_S");
    CHECK_OK(fabric_core_deadline(NULL, &ns));
    CHECK_EQ(ns, 60000000000);
    CHECK_OK(fabric_core_deadline(&(struct fabric_options){.deadline_ns = 7}, &ns));
    CHECK_EQ(ns, 7);
    CHECK(setenv("WEFT_DEADLINE_S", "2.5", 1) == 0);
    CHECK_OK(fabric_core_deadline(&(struct fabric_options){.deadline_ns = 7}, &ns));
    CHECK_EQ(ns, 2500000000);
    const char *const bad[] = {"0", "-1", "1x", "nan", "1e7", " 1", "0x10"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(setenv("WEFT_DEADLINE_S", bad[i], 1) == 0);
        CHECK_ERR(fabric_core_deadline(NULL, &ns), ERR_USAGE);
    }
    unsetenv("WEFT_DEADLINE_S");
}

// Seven ranks dealt to three nodes out of order: nodes are counted by their lowest rank.
static void check_nodes(void)
{
    static const int leaders[] = {0, 1, 0, 3, 1, 0, 3};
    static const int node_of[] = {0, 1, 0, 2, 1, 0, 2};
    static const int local_rank_of[] = {0, 0, 1, 0, 1, 2, 1};
    struct arena a;
    arena_init(&a, "nodes");
    struct fabric_sim *net = NULL;
    CHECK_OK(fabric_sim_open(&a, 7, (struct fabric_sim_link){0, 1}, &net));
    struct fabric *f = fabric_sim_rank(net, 5);
    CHECK_EQ(fabric_n_nodes(f), 7);
    fabric_core_nodes(f, leaders);
    CHECK_EQ(fabric_n_nodes(f), 3);
    CHECK_EQ(fabric_local_size(f), 3);
    CHECK_EQ(fabric_local_rank(f), 2);
    CHECK_EQ(fabric_node(f), 0);
    for (int r = 0; r < 7; r++) {
        CHECK_EQ(fabric_node_of(f, r), node_of[r]);
        CHECK_EQ(fabric_local_rank_of(f, r), local_rank_of[r]);
    }
    arena_fini(&a);
}

int main(void)
{
    check_alone();
    check_many_operations();
    check_deadline_option();
    check_nodes();
    return 0;
}
