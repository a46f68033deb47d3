#include "trainer/optim/gradient_norm.h"

#include <math.h>

#include "trainer/kernel/rows.h"
#include "trainer/optim/block.h"

enum { TASK_BLOCKS = 16 };

struct block_sums {
    const float *gradient;
    size_t n_elems;
    double *sums;
};

static void sum_task(void *context, size_t task_idx, size_t thread_idx)
{
    const struct block_sums *b = context;
    (void)thread_idx;
    const size_t first = task_idx * TASK_BLOCKS;
    const size_t last = size_min(first + TASK_BLOCKS, block_count(b->n_elems));
    for (size_t block = first; block < last; block++) {
        const struct range at = block_elems(b->n_elems, (struct range){block, block + 1});
        b->sums[block] = rows_kernels()->sum_squares(b->gradient + at.first, at.last - at.first);
    }
}

void gradient_norm_blocks(const float *gradient, size_t n_elems, double *sums, struct pool *pool)
{
    struct block_sums b = {gradient, n_elems, sums};
    pool_run(pool, size_ceil_div(block_count(n_elems), TASK_BLOCKS), sum_task, &b);
}

size_t gradient_norm_fold(uint64_t first, const double *sums, uint64_t n_blocks,
                          struct gradient_norm_node out[TREE_COVER_LIMIT])
{
    struct tree_node cover[TREE_COVER_LIMIT];
    const size_t n_nodes = tree_cover(first, first + n_blocks, cover);
    for (size_t i = 0; i < n_nodes; i++) {
        struct tree_sum sum;
        tree_sum_begin(&sum);
        for (uint64_t block = cover[i].first; block < cover[i].first + cover[i].size; block++)
            tree_sum_push(&sum, (struct tree_node){block, 1}, sums[block - first]);
        out[i] = (struct gradient_norm_node){cover[i], tree_sum_total(&sum)};
    }
    return n_nodes;
}

double gradient_norm_total(const struct gradient_norm_node *nodes, size_t n_nodes)
{
    struct tree_sum sum;
    tree_sum_begin(&sum);
    ASSERT(n_nodes == 0 || nodes[0].node.first == 0);
    for (size_t i = 0; i < n_nodes; i++)
        tree_sum_push(&sum, nodes[i].node, nodes[i].sum);
    return sqrt(tree_sum_total(&sum));
}

enum err gradient_norm_scale(double norm, double limit, float *scale)
{
    if (!isfinite(norm)) return fail(ERR_DIVERGED, "gradient norm is %g", norm);
    *scale = limit > 0 && norm > limit ? (float)(limit / norm) : 1.0f;
    return OK;
}
