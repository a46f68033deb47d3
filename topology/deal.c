#include "topology/deal.h"

#include "base/err.h"

// Fewer ranks than nodes: whole nodes each, as evenly as they go.
static struct range deal_nodes(const size_t *node_cores, size_t n_nodes, size_t rank,
                               size_t n_ranks)
{
    const size_t first = rank * n_nodes / n_ranks, last = (rank + 1) * n_nodes / n_ranks;
    struct range cores = {0, 0};
    for (size_t i = 0; i < last; i++) {
        if (i < first) cores.first += node_cores[i];
        cores.last += node_cores[i];
    }
    return cores;
}

// Ranks one by one to the node whose ranks would then have the most cores each (D'Hondt): the
// smallest share comes out as large as it can be.
static void deal_ranks(const size_t *node_cores, size_t n_nodes, size_t n_ranks, size_t *node_ranks)
{
    for (size_t r = 0; r < n_ranks; r++) {
        size_t best = 0;
        for (size_t i = 1; i < n_nodes; i++)
            if (node_cores[i] * (node_ranks[best] + 1) > node_cores[best] * (node_ranks[i] + 1))
                best = i;
        node_ranks[best]++;
    }
}

struct range deal_cores(const size_t *node_cores, size_t n_nodes, size_t rank, size_t n_ranks,
                        struct arena *a)
{
    ASSERT(rank < n_ranks && n_nodes > 0);
    if (n_ranks < n_nodes) return deal_nodes(node_cores, n_nodes, rank, n_ranks);
    size_t *node_ranks = ARENA_ARRAY(a, size_t, n_nodes);
    deal_ranks(node_cores, n_nodes, n_ranks, node_ranks);
    size_t first_core = 0, first_rank = 0, node = 0;
    while (rank >= first_rank + node_ranks[node]) {
        first_core += node_cores[node];
        first_rank += node_ranks[node++];
    }
    const size_t k = rank - first_rank, n = node_ranks[node];
    ASSERT(n <= node_cores[node]);
    return (struct range){first_core + k * node_cores[node] / n,
                          first_core + (k + 1) * node_cores[node] / n};
}
