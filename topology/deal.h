#pragma once
// Dealing ranks to cores as arithmetic: cores stand in one row, NUMA node by NUMA node; each rank
// gets a run of it.
//
//     2 nodes of 6 cores, 4 ranks:  |012 345|678 9ab|
//                         3 ranks:  |012 345|6789ab|
//                         1 rank:   |0123456789ab|

#include <stddef.h>

#include "base/arena.h"
#include "base/span.h"

/// Cores of rank among n_ranks on nodes with node_cores[n_nodes] cores; 1 <= n_ranks <= sum of
/// node_cores. Never empty; no core is dealt twice; a run straddles nodes only when there are fewer
/// ranks than nodes. a is for scratch. Can't fail.
struct range deal_cores(const size_t *node_cores, size_t n_nodes, size_t rank, size_t n_ranks,
                        struct arena *a);
