// ranks: 2 3
// Binding over real ranks: shares of what the launcher gave all of them, or what it gave each; and
// a table that is the same on every rank.

#include <sched.h>

#include "tests/check.h"
#include "topology/place.h"

static struct fabric *f;
static int rank, size;
static cpu_set_t all;

static void confine(int first_cpu, int n_cpus)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int cpu = 0, seen = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &all)) continue;
        if (seen >= first_cpu && seen < first_cpu + n_cpus) CPU_SET(cpu, &set);
        seen++;
    }
    CHECK(sched_setaffinity(0, sizeof set, &set) == 0);
}

static struct place_map bind_ranks(struct arena *a)
{
    struct place_map map;
    CHECK_OK(place_bind_ranks(f, a, &map));
    CHECK_EQ(map.places[rank].local_rank, rank);
    CHECK_EQ(map.places[rank].local_size, size);
    char mine[2048] = "", others[3][2048];
    snprintf(mine, sizeof mine, "%s", place_table(map.places, map.hosts, (size_t)size, a));
    CHECK_OK(fabric_all_gather(f, mine, sizeof mine, others));
    for (int r = 0; r < size; r++)
        CHECK_TEXT(mine, others[r]);
    if (rank == 0) printf("%s", mine);
    return map;
}

static void check_shares(struct arena *a)
{
    confine(0, CPU_SETSIZE);
    struct place expected;
    CHECK_OK(place_compute(NULL, rank, size, &expected));
    const struct place_map map = bind_ranks(a);
    CHECK_EQ(map.places[rank].bound, expected.bound);
    CHECK_TEXT(map.places[rank].cores, expected.cores);
    CHECK_TEXT(map.places[rank].why_not, expected.why_not);
}

// Each rank on a CPU of its own, as mpirun --bind-to core does: nobody may be moved or squeezed.
static void check_splits(struct arena *a)
{
    confine(rank, 1);
    const struct place_map map = bind_ranks(a);
    CHECK(map.places[rank].bound);
    CHECK_EQ(map.places[rank].n_cores, 1);
    CHECK_TEXT(map.places[rank].why_not, "by the launcher");
    for (int r = 1; r < size; r++)
        CHECK(strcmp(map.places[r].cores, map.places[r - 1].cores) != 0);
}

static void check_overlaps(struct arena *a)
{
    confine(0, rank == 0 ? CPU_SETSIZE : 1);
    const struct place_map map = bind_ranks(a);
    CHECK(!map.places[rank].bound);
    CHECK_TEXT(map.places[rank].why_not, "the launcher's cores overlap");
}

int main(void)
{
    struct arena a;
    arena_init(&a, "fabric");
    CHECK_OK(fabric_open_mpi(NULL, &a, &f));
    rank = fabric_rank(f);
    size = fabric_size(f);
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0);
    check_shares(&a);
    if (CPU_COUNT(&all) >= size) check_splits(&a);
    if (CPU_COUNT(&all) >= 2) check_overlaps(&a);
    fabric_close(f);
    arena_fini(&a);
    return 0;
}
