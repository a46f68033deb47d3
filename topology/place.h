#pragma once
// Binding: each rank of a node gets its share of cores and the memory of their NUMA node, before
// first touch.
//
//     TRY(place_bind_ranks(f, a, &map));            once, before the slab is touched
//     fputs(place_table(map.places, map.hosts, n_ranks, a), stdout);

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "topology/fabric.h"

struct place {
    int local_rank, local_size;
    size_t n_cores;  // of this rank's share (>= 1; shared when there are more ranks than cores)
    int numa_node;   // OS index; -1 if the share spans several
    char cores[128]; // CPU numbers of the operating system, all threads of each core: "0-3,64-67"
    char numa[32];   // OS indices
    unsigned long memory_bytes; // of the NUMA node(s)
    int bound;        // 0 when binding was refused or not sensible (more ranks than cores)
    char why_not[96]; // why not bound, or what else there is to know; may be empty
};

/// The share of local_rank among local_size ranks on the machine described by an hwloc synthetic
/// string or XML file (NULL = this machine, of which the CPUs that this process may use). Cores are
/// dealt in contiguous runs that do not straddle a NUMA node when they can avoid it: with at least
/// as many ranks as nodes, ranks go to nodes so that the smallest share is largest; with fewer,
/// each gets whole nodes. Local. Errors: ERR_USAGE (hwloc cannot read the machine), ERR_IO (nor
/// this one).
enum err place_compute(const char *machine, int local_rank, int local_size,
                       struct place *out) MUST_CHECK;
/// Computes the share on this machine, respecting the process's allowed cpuset, and binds this
/// process's threads and memory policy to it. A refusal is no error: bound and why_not say so. Call
/// it before memory is touched and threads are made. Local. Errors: ERR_IO.
enum err place_bind(int local_rank, int local_size, struct place *out) MUST_CHECK;

struct place_map {
    struct place *places; // [size]
    const char **hosts;   // [size]
};
/// place_bind on every rank, then everyone's place and host name, in a. Where the launcher gave the
/// ranks of a node disjoint cores already, they keep them. Collective. Errors: ERR_IO, of any rank;
/// ERR_HANG.
enum err place_bind_ranks(struct fabric *f, struct arena *a, struct place_map *out) MUST_CHECK;

/// One line a rank, aligned, as printed at start: "rank host cores numa memory bound".
char *place_table(const struct place *places, const char *const *hosts, size_t n_ranks,
                  struct arena *a);
