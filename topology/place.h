#pragma once
// Binding: each rank of a node gets its share of cores and the memory of their NUMA node, before first touch.

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"

struct place {
    int local_rank, local_size;
    size_t
        n_cores;   // cores of this rank's share (>= 1; shared when there are more ranks than cores)
    int numa_node; // OS index; -1 if the share spans several
    char cores[128]; // "0-3"
    char numa[32];
    unsigned long memory_bytes; // of the NUMA node(s)
    int bound; // 0 when binding was refused or not sensible (more ranks than cores)
    char why_not[96];
};

/// Pure: the share of local_rank among local_size ranks on the machine described by an hwloc synthetic string or XML file (NULL =
/// this machine). Cores are dealt in contiguous runs that do not straddle a NUMA node when they can avoid it. Local.
enum err place_compute(const char *synthetic, int local_rank, int local_size,
                       struct place *out) MUST_CHECK;
/// Computes the share on this machine, respecting the process's allowed cpuset, and binds this process's threads and memory policy to it.
enum err place_bind(int local_rank, int local_size, struct place *out) MUST_CHECK;
/// One line a rank, aligned, as printed at start: "rank host cores numa memory bound".
char *place_table(const struct place *places, const char *const *hosts, size_t n_ranks,
                  struct arena *a);
