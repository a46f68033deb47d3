#pragma once
// Who owns which blocks. A block is 4,096 consecutive elements of one parameter (the last one
// short): the atom of ownership, checksum and norm. A unit's parameters lie one after another in
// its *unit space* (elements), each starting at a multiple of 16 elements; a segment, what a rank
// owns of a unit, is a contiguous range of its blocks and so a contiguous range of unit space.
//
//   unit space   | q.weight 3 blocks      |pad| norm.gain 1 block |pad|
//   blocks         0       1       2           3
//   cuts (2 ranks) ^rank 0         ^rank 1
//
// Policy here: equal split by elements, rail-major: rank (node n, local l) takes shard l * N + n,
// so that a rail's all-gather fills a contiguous range (topology: hierarchical collectives). Blocks
// are numbered globally, unit after unit.

#include "base/arena.h"
#include "base/span.h"
#include "trainer/graph/graph.h"
#include "trainer/optim/block.h"

enum { UNIT_ALIGN_ELEMS = 16 };

struct unit_space {
    size_t n_elems;                 // with padding
    uint64_t first_block, n_blocks; // global number of the first
};

struct parameter_space {
    size_t offset_elems; // in its unit's space
    uint64_t first_block, n_blocks;
};

struct ownership {
    const struct graph *graph;
    int n_ranks, n_nodes;
    // ZeRO-0: every rank keeps and updates everything; home ranges still divide reports and files
    bool whole;
    struct unit_space *units;
    struct parameter_space *parameters;
    uint64_t *cuts; // [n_units][n_ranks + 1]: first block (within the unit) of each shard
    uint64_t n_blocks;
};

/// Equal rail-major split of g's units over n_ranks ranks on n_nodes nodes (n_ranks must be a
/// multiple of n_nodes, else n_nodes counts as 1). Lives in a. Local.
struct ownership *ownership_split(struct arena *a, const struct graph *g, int n_ranks, int n_nodes,
                                  bool whole);
/// Global block range that rank reports, saves and (unless whole) owns of unit. Disjoint over
/// ranks, covers all. Local.
struct range ownership_home_blocks(const struct ownership *o, int unit, int rank);
/// The same in elements of unit space. Local.
struct range ownership_home_elems(const struct ownership *o, int unit, int rank);
/// Elements of unit space that rank keeps (master, moments, gradient): home, or all when whole.
/// Local.
struct range ownership_kept_elems(const struct ownership *o, int unit, int rank);
struct range ownership_kept_blocks(const struct ownership *o, int unit, int rank);
/// Rank whose home is shard (in block order) of every unit. Local.
int ownership_rank_of_shard(const struct ownership *o, int shard);

// One block: whose, where.
struct block_place {
    int unit, parameter;
    size_t parameter_elem; // first element within the parameter
    size_t unit_elem;      // first element in unit space
    size_t n_elems;
};
/// Local; block < n_blocks.
struct block_place ownership_block(const struct ownership *o, uint64_t block);
// The part of one parameter that a range of global blocks holds.
struct parameter_part {
    size_t first_elem, n_elems; // within the parameter; n_elems 0 = nothing
    size_t unit_elem;           // where it starts in unit space
    uint64_t first_block;       // global
};
struct parameter_part ownership_part(const struct ownership *o, int parameter, struct range blocks);
