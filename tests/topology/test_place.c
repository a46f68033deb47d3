// Placement on described machines: tables against tests/data/place_*.txt (`--bless` rewrites them),
// rules that hold for every machine and rank count, and a real binding of this process.

#include <numaif.h>
#include <sched.h>

#include "base/file.h"
#include "tests/check.h"
#include "topology/deal.h"
#include "topology/place.h"

static bool bless;

static const char *data_path(const char *name, const char *suffix, struct arena *a)
{
    const char *source = getenv("WEFT_SOURCE");
    return arena_printf(a, "%s/tests/data/%s%s", source == NULL ? "." : source, name, suffix);
}

static char *tables(const char *machine, const int *n_ranks, size_t n_counts, struct arena *a)
{
    char *text = arena_strdup(a, "");
    for (size_t i = 0; i < n_counts; i++) {
        const size_t n = (size_t)n_ranks[i];
        struct place *places = ARENA_ARRAY(a, struct place, n);
        const char **hosts = ARENA_ARRAY(a, const char *, n);
        for (size_t r = 0; r < n; r++) {
            CHECK_OK(place_compute(machine, (int)r, (int)n, &places[r]));
            hosts[r] = r % 2 == 0 ? "node1" : "n2";
        }
        text =
            arena_printf(a, "%sranks %d\n%s", text, n_ranks[i], place_table(places, hosts, n, a));
    }
    return text;
}

static void golden(const char *name, const char *machine, const int *n_ranks, size_t n_counts)
{
    struct arena a;
    arena_init(&a, "golden");
    const char *path = data_path(name, ".txt", &a);
    const char *text = tables(machine, n_ranks, n_counts, &a);
    struct span expected;
    if (bless) {
        CHECK_OK(file_replace(path, text, strlen(text)));
    } else {
        CHECK_OK(file_read(path, 1 << 20, &a, &expected));
        if (strcmp((const char *)expected.data, text) != 0)
            printf("%s differs; review and rewrite with --bless. Now:\n%s", path, text);
        CHECK(strcmp((const char *)expected.data, text) == 0);
    }
    arena_fini(&a);
}

static void check_golden(void)
{
    struct arena a;
    arena_init(&a, "paths");
    golden("place_laptop", "numa:1 core:2 pu:1", (const int[]){1, 2, 3}, 3);
    golden("place_nps4", "pack:2 numa:4(memory=64GiB) core:6 pu:2",
           (const int[]){1, 2, 3, 5, 8, 16, 20}, 7);
    // Linux numbers the second threads of all cores after the first ones.
    golden("place_threads", "pack:2 numa:1 core:4 pu:2(indexes=2*8:1*2)", (const int[]){2, 4}, 2);
    golden("place_unequal", data_path("machine_unequal", ".xml", &a), (const int[]){1, 2, 3, 5}, 4);
    arena_fini(&a);
}

// For random machines: runs are in order, apart, not empty, as many as ranks; none straddles nodes
// when there are at least as many ranks as nodes; and the smallest could not be larger (checked by
// trying every way to split).
static size_t best_smallest(const size_t *node_cores, size_t n_nodes, size_t n_ranks)
{
    for (size_t smallest = 64; smallest > 0; smallest--) {
        size_t room = 0;
        for (size_t i = 0; i < n_nodes; i++)
            room += node_cores[i] / smallest;
        if (room >= n_ranks) return smallest;
    }
    return 0;
}

static bool straddles(const size_t *node_cores, size_t n_nodes, struct range run)
{
    size_t first = 0;
    for (size_t i = 0; i < n_nodes; first += node_cores[i++])
        if (run.first >= first && run.last <= first + node_cores[i]) return false;
    return true;
}

static void check_deal(const size_t *node_cores, size_t n_nodes, size_t n_ranks, struct arena *a)
{
    size_t end = 0, smallest = SIZE_MAX;
    for (size_t r = 0; r < n_ranks; r++) {
        const struct range run = deal_cores(node_cores, n_nodes, r, n_ranks, a);
        CHECK(run.first >= end && run.last > run.first);
        CHECK(n_ranks < n_nodes || !straddles(node_cores, n_nodes, run));
        if (run.last - run.first < smallest) smallest = run.last - run.first;
        end = run.last;
    }
    if (n_ranks >= n_nodes) CHECK_EQ(smallest, best_smallest(node_cores, n_nodes, n_ranks));
}

static void check_rules(uint64_t seed)
{
    struct arena a;
    arena_init(&a, "deal");
    uint64_t state = seed;
    for (int round = 0; round < 200; round++) {
        size_t node_cores[8], n_nodes = 1 + (state >> 20) % 8, n_cores = 0;
        for (size_t i = 0; i < n_nodes; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            n_cores += node_cores[i] = 1 + (state >> 33) % 16;
        }
        for (size_t n_ranks = 1; n_ranks <= n_cores; n_ranks++)
            check_deal(node_cores, n_nodes, n_ranks, &a);
        arena_reset(&a);
    }
    arena_fini(&a);
}

static void check_refusals(void)
{
    struct place p;
    CHECK_ERR(place_compute("pack:2 cores:x", 0, 1, &p), ERR_USAGE);
    CHECK_LINE("machine 'pack:2 cores:x': not an hwloc synthetic description");
    CHECK_ERR(place_compute("/nowhere/machine.xml", 0, 1, &p), ERR_USAGE);
    CHECK_LINE("machine file /nowhere/machine.xml: No such file or directory");
}

// The memory policy of this thread prefers exactly the place's node, without killing when it is
// full.
static void check_memory_policy(const struct place *p)
{
    int mode = MPOL_DEFAULT;
    unsigned long nodes[16] = {0};
    if (p->why_not[0] != '\0' || p->numa_node < 0 || p->numa_node >= 64) {
        printf("memory policy not tested: %s\n", p->why_not);
        return;
    }
    CHECK(get_mempolicy(&mode, nodes, sizeof nodes * 8, NULL, 0) == 0);
    CHECK(mode != MPOL_DEFAULT && mode != MPOL_BIND);
    CHECK(nodes[0] == 1ul << p->numa_node);
}

// This process really runs on the cores that the place names, and the rank after it elsewhere.
static void check_bind(void)
{
    cpu_set_t before, first, second, both;
    CHECK(sched_getaffinity(0, sizeof before, &before) == 0);
    if (CPU_COUNT(&before) < 2) {
        printf("binding not tested: one CPU\n");
        return;
    }
    struct place expected, p;
    CHECK_OK(place_compute(NULL, 1, 2, &expected));
    CHECK_OK(place_bind(1, 2, &p));
    CHECK(p.bound);
    check_memory_policy(&p);
    CHECK_TEXT(p.cores, expected.cores);
    CHECK(sched_getaffinity(0, sizeof second, &second) == 0);
    CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
    CHECK_OK(place_bind(0, 2, &p));
    CHECK(sched_getaffinity(0, sizeof first, &first) == 0);
    CPU_AND(&both, &first, &second);
    CHECK_EQ(CPU_COUNT(&both), 0);
    CHECK(CPU_COUNT(&first) >= 1 && CPU_COUNT(&second) >= 1);

    // Now on half of the machine: the share is dealt from what the process has left.
    CHECK_OK(place_bind(0, CPU_COUNT(&first) + 1, &p));
    CHECK(!p.bound);
    CHECK(sched_setaffinity(0, sizeof before, &before) == 0);
}

int main(int argc, char **argv)
{
    bless = argc > 1 && strcmp(argv[1], "--bless") == 0;
    const uint64_t seed = check_seed(argc, argv);
    check_golden();
    check_rules(seed);
    check_refusals();
    check_bind();
    return 0;
}
