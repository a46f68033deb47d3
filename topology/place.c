#include "topology/place.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "topology/deal.h"
#include "topology/machine.h"

enum { CPU_LIMIT = 8192, HOST_BYTES = 64 };

// CPUs and memory of a share, owned by hwloc.
struct share {
    hwloc_bitmap_t cpus, nodes;
};

static enum err share_open(struct share *s)
{
    *s = (struct share){hwloc_bitmap_alloc(), hwloc_bitmap_alloc()};
    if (s->cpus != NULL && s->nodes != NULL) return OK;
    hwloc_bitmap_free(s->cpus);
    hwloc_bitmap_free(s->nodes);
    return fail(ERR_MEMORY, "hwloc bitmap");
}

static void share_close(struct share *s)
{
    hwloc_bitmap_free(s->cpus);
    hwloc_bitmap_free(s->nodes);
}

// A list that does not fit ends in "..." in place of a number cut in two.
static void print_list(hwloc_const_bitmap_t set, char *out, size_t n_bytes)
{
    const int n = hwloc_bitmap_list_snprintf(out, n_bytes, set);
    if (n >= 0 && (size_t)n < n_bytes) return;
    snprintf(out + n_bytes - 4, 4, "...");
}

// Cores [first, last) of the row, with the nodes that they touch.
static void describe(const struct machine *m, struct range cores, struct share *s,
                     struct place *out)
{
    size_t first = 0;
    out->n_cores = cores.last - cores.first;
    out->memory_bytes = 0;
    for (size_t i = cores.first; i < cores.last; i++)
        hwloc_bitmap_or(s->cpus, s->cpus, m->cores[i]->cpuset);
    for (size_t i = 0; i < m->n_nodes; first += m->nodes[i++].n_cores) {
        if (cores.last <= first || first + m->nodes[i].n_cores <= cores.first) continue;
        hwloc_bitmap_set(s->nodes, (unsigned)m->nodes[i].os_index);
        out->memory_bytes += m->nodes[i].memory_bytes;
    }
    const bool one = hwloc_bitmap_weight(s->nodes) == 1;
    out->numa_node = one ? hwloc_bitmap_first(s->nodes) : -1;
    print_list(s->cpus, out->cores, sizeof out->cores);
    print_list(s->nodes, out->numa, sizeof out->numa);
}

static void compute(struct machine *m, int local_rank, int local_size, struct share *s,
                    struct place *out)
{
    *out = (struct place){.local_rank = local_rank, .local_size = local_size, .bound = 1};
    if ((size_t)local_size > m->n_cores) {
        describe(m, (struct range){0, m->n_cores}, s, out);
        out->n_cores = 1;
        out->bound = 0;
        snprintf(out->why_not, sizeof out->why_not, "%d ranks on %zu core%s", local_size,
                 m->n_cores, m->n_cores == 1 ? "" : "s");
        return;
    }
    size_t *node_cores = ARENA_ARRAY(&m->arena, size_t, m->n_nodes);
    for (size_t i = 0; i < m->n_nodes; i++)
        node_cores[i] = m->nodes[i].n_cores;
    describe(m,
             deal_cores(node_cores, m->n_nodes, (size_t)local_rank, (size_t)local_size, &m->arena),
             s, out);
}

enum err place_compute(const char *machine, int local_rank, int local_size, struct place *out)
{
    ASSERT(local_rank >= 0 && local_rank < local_size);
    struct machine m;
    struct share s;
    TRY(machine_open(machine, &m));
    enum err e = share_open(&s);
    if (e == OK) {
        compute(&m, local_rank, local_size, &s, out);
        share_close(&s);
    }
    machine_close(&m);
    return e;
}

// Without STRICT, hwloc's BIND prefers these nodes and falls back when they are full: a rank that
// is a little too big runs slower instead of being killed.
static void bind_to(const struct machine *m, const struct share *s, struct place *out)
{
    if (!hwloc_topology_is_thissystem(m->topology)) {
        out->bound = 0;
        snprintf(out->why_not, sizeof out->why_not, "hwloc describes another machine");
        return;
    }
    if (hwloc_set_cpubind(m->topology, s->cpus, HWLOC_CPUBIND_PROCESS) != 0) {
        out->bound = 0;
        snprintf(out->why_not, sizeof out->why_not, "cores: %s", strerror(errno));
        return;
    }
    if (hwloc_set_membind(m->topology, s->nodes, HWLOC_MEMBIND_BIND,
                          HWLOC_MEMBIND_THREAD | HWLOC_MEMBIND_BYNODESET) != 0)
        snprintf(out->why_not, sizeof out->why_not, "cores only; memory: %s", strerror(errno));
}

static enum err bind_share(int local_rank, int local_size, struct place *out)
{
    struct machine m;
    struct share s;
    TRY(machine_open(NULL, &m));
    enum err e = share_open(&s);
    if (e == OK) {
        compute(&m, local_rank, local_size, &s, out);
        if (out->bound) bind_to(&m, &s, out);
        share_close(&s);
    }
    machine_close(&m);
    return e;
}

enum err place_bind(int local_rank, int local_size, struct place *out)
{
    ASSERT(local_rank >= 0 && local_rank < local_size);
    struct place p;
    TRY(bind_share(local_rank, local_size, &p));
    *out = p;
    return OK;
}

// What each rank tells the others before it binds: the CPUs that its launcher left it.
struct cpu_mask {
    unsigned long words[CPU_LIMIT / 8 / sizeof(unsigned long)];
};

enum launcher { LAUNCHER_SHARES, LAUNCHER_SPLITS, LAUNCHER_OVERLAPS };

static bool intersect(const struct cpu_mask *a, const struct cpu_mask *b)
{
    for (size_t i = 0; i < sizeof a->words / sizeof *a->words; i++)
        if ((a->words[i] & b->words[i]) != 0) return true;
    return false;
}

// Among the ranks of this node: one set for all, sets of their own, or neither.
static enum launcher judge(const struct fabric *f, const struct cpu_mask *masks)
{
    bool all_same = true, all_apart = true;
    for (int r = 0; r < fabric_size(f); r++) {
        for (int s = 0; s < r; s++) {
            if (fabric_node_of(f, r) != fabric_node(f) || fabric_node_of(f, s) != fabric_node(f))
                continue;
            if (memcmp(&masks[r], &masks[s], sizeof *masks) != 0) all_same = false;
            if (intersect(&masks[r], &masks[s])) all_apart = false;
        }
    }
    return all_same ? LAUNCHER_SHARES : all_apart ? LAUNCHER_SPLITS : LAUNCHER_OVERLAPS;
}

static enum err read_mask(struct cpu_mask *out)
{
    if (sched_getaffinity(0, sizeof *out, (cpu_set_t *)out->words) == 0) return OK;
    return fail(ERR_IO, "sched_getaffinity: %s", strerror(errno));
}

static enum err ask_launcher(struct fabric *f, struct arena *a, enum launcher *out)
{
    struct cpu_mask mine = {{0}};
    TRY(fabric_agree(f, read_mask(&mine)));
    struct cpu_mask *masks = ARENA_ARRAY(a, struct cpu_mask, (size_t)fabric_size(f));
    TRY(fabric_all_gather(f, &mine, sizeof mine, masks));
    *out = judge(f, masks);
    return OK;
}

// The CPUs of this process as the launcher left them.
static enum err keep(const struct fabric *f, enum launcher launcher, struct place *out)
{
    TRY(bind_share(0, 1, out));
    out->local_rank = fabric_local_rank(f);
    out->local_size = fabric_local_size(f);
    if (launcher == LAUNCHER_OVERLAPS) out->bound = 0;
    if (out->why_not[0] == '\0')
        snprintf(out->why_not, sizeof out->why_not, "%s",
                 out->bound ? "by the launcher" : "the launcher's cores overlap");
    return OK;
}

static enum err bind_rank(struct fabric *f, enum launcher launcher, struct place *out)
{
    if (launcher != LAUNCHER_SHARES) return keep(f, launcher, out);
    return place_bind(fabric_local_rank(f), fabric_local_size(f), out);
}

enum err place_bind_ranks(struct fabric *f, struct arena *a, struct place_map *out)
{
    const size_t size = (size_t)fabric_size(f);
    enum launcher launcher = LAUNCHER_SHARES;
    TRY(ask_launcher(f, a, &launcher));
    struct place mine = {0};
    TRY(fabric_agree(f, bind_rank(f, launcher, &mine)));
    char host[HOST_BYTES] = "?";
    if (gethostname(host, sizeof host - 1) != 0) snprintf(host, sizeof host, "?");
    char(*hosts)[HOST_BYTES] = (char(*)[HOST_BYTES])ARENA_ARRAY(a, char, size *HOST_BYTES);
    struct place_map map = {ARENA_ARRAY(a, struct place, size), ARENA_ARRAY(a, const char *, size)};
    TRY(fabric_all_gather(f, &mine, sizeof mine, map.places));
    TRY(fabric_all_gather(f, host, sizeof host, hosts));
    for (size_t r = 0; r < size; r++)
        map.hosts[r] = hosts[r];
    *out = map;
    return OK;
}
