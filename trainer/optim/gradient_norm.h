#pragma once
// The global norm of the gradient and the scale that clips it, the same bits on any number of ranks
// (I2 e): squares are summed per block, blocks over base/tree.h's tree of the block's number.
// Blocks are numbered through all parameters, as plan/ownership.h does; blocks of frozen parameters
// sum to 0. A rank sums the blocks that it owns, folds each of its ranges into its cover, and sends
// the nodes; who has all nodes, from left to right, has the norm.
//
//     rank 0 owns 0..4, rank 1 owns 5..6:   (0..4) 4 | 5 6   ->   ((0..4) + ((45) + 6))

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/tree.h"

struct gradient_norm_node {
    struct tree_node node;
    double sum; // of squares
};

/// sums[i] = sum of squares of block i of the n_elems f32 at gradient, which begin at a block's
/// first element. sums[block_count(n_elems)].
void gradient_norm_blocks(const float *gradient, size_t n_elems, double *sums, struct pool *pool);
/// Folds the sums of blocks [first, first + n_blocks) into their cover; returns the number of
/// nodes.
size_t gradient_norm_fold(uint64_t first, const double *sums, uint64_t n_blocks,
                          struct gradient_norm_node out[TREE_COVER_LIMIT]);
/// The norm from the nodes of all ranks, which cover [0, n) without gap or overlap, left to right
/// (programmer error otherwise). Can't fail: a NaN or inf among the gradients gives a norm that is
/// not finite.
double gradient_norm_total(const struct gradient_norm_node *nodes, size_t n_nodes);
/// What to multiply gradients with so that their norm is at most limit (0 = no limit).
/// Errors: ERR_DIVERGED when norm is not finite.
enum err gradient_norm_scale(double norm, double limit, float *scale) MUST_CHECK;
