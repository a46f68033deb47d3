#pragma once
// One seeded gather and one seeded reduce-scatter over lanes, for any fabric: what each rank puts
// in, the messages it starts, and what must come out, computed directly without ranks.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "base/tree.h"
#include "tests/check.h"
#include "topology/schedule.h"

struct exchange {
    uint64_t seed;
    int n_ranks;
    size_t n_lanes, n_elems;
    struct range *owned;            // [n_ranks] bytes
    struct tree_node *nodes;        // [n_ranks][TREE_COVER_LIMIT]
    struct schedule_covers *covers; // [n_ranks]
};

struct exchange_rank {
    float *vector;   // [n_elems] gathered in place
    float *sent;     // [own covers][n_elems]
    float *received; // [all covers][n_elems]: owned part at the start of each row
    struct fabric_message *gather, *reduce;
    size_t n_gather, n_reduce;
};

static inline float exchange_leaf(const struct exchange *x, uint64_t lane, size_t elem)
{
    return rng_normal(rng_key(x->seed, "leaf"), lane, elem);
}

/// The sum of lanes [first, first + size) of one element in the tree's order, by recursion.
static inline float exchange_direct(const struct exchange *x, uint64_t first, uint64_t size,
                                    size_t elem)
{
    if (size == 1) return exchange_leaf(x, first, elem);
    const uint64_t middle = first + size / 2;
    const float left = exchange_direct(x, first, size / 2, elem);
    return middle < x->n_lanes ? left + exchange_direct(x, middle, size / 2, elem) : left;
}

static inline uint64_t exchange_root_size(const struct exchange *x)
{
    uint64_t size = 1;
    while (size < x->n_lanes)
        size *= 2;
    return size;
}

static inline int exchange_compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/// Random cuts: some ranges are empty, their sizes differ. Lanes: contiguous, larger shares first.
static inline struct exchange exchange_build(struct arena *a, uint64_t seed, int n_ranks,
                                             size_t n_lanes, size_t n_elems)
{
    struct exchange x = {.seed = seed, .n_ranks = n_ranks, .n_lanes = n_lanes, .n_elems = n_elems};
    const size_t n = (size_t)n_ranks;
    uint64_t *cuts = ARENA_ARRAY(a, uint64_t, n + 1);
    for (size_t r = 1; r < n; r++)
        cuts[r] = rng_u64(rng_key(seed, "cut"), n, r / 2) % (n_elems + 1); // pairs: empty ranges
    cuts[n] = n_elems;
    qsort(cuts, n + 1, sizeof *cuts, exchange_compare);
    x.owned = ARENA_ARRAY(a, struct range, n);
    x.nodes = ARENA_ARRAY(a, struct tree_node, n * TREE_COVER_LIMIT);
    x.covers = ARENA_ARRAY(a, struct schedule_covers, n);
    uint64_t lane = 0;
    for (size_t r = 0; r < n; r++) {
        x.owned[r] = (struct range){cuts[r] * sizeof(float), cuts[r + 1] * sizeof(float)};
        const uint64_t share = n_lanes / n + (r < n_lanes % n);
        struct tree_node *nodes = x.nodes + r * TREE_COVER_LIMIT;
        x.covers[r] = (struct schedule_covers){nodes, tree_cover(lane, lane + share, nodes)};
        lane += share;
    }
    return x;
}

static inline size_t exchange_total_covers(const struct exchange *x)
{
    size_t n = 0;
    for (int r = 0; r < x->n_ranks; r++)
        n += x->covers[r].n_nodes;
    return n;
}

static inline void exchange_fill(const struct exchange *x, int rank, struct exchange_rank *e)
{
    memset(e->vector, 0xee, x->n_elems * sizeof(float));
    for (size_t i = x->owned[rank].first / 4; i < x->owned[rank].last / 4; i++)
        e->vector[i] = exchange_leaf(x, 0, i);
    for (size_t c = 0; c < x->covers[rank].n_nodes; c++)
        for (size_t i = 0; i < x->n_elems; i++)
            e->sent[c * x->n_elems + i] = exchange_direct(x, x->covers[rank].nodes[c].first,
                                                          x->covers[rank].nodes[c].size, i);
}

/// Buffers and messages of one rank; the messages of both collectives.
static inline struct exchange_rank exchange_begin(const struct exchange *x, int rank,
                                                  struct arena *a)
{
    struct exchange_rank e = {.vector = ARENA_ARRAY(a, float, x->n_elems),
                              .sent = ARENA_ARRAY(a, float, x->covers[rank].n_nodes * x->n_elems),
                              .received =
                                  ARENA_ARRAY(a, float, exchange_total_covers(x) * x->n_elems)};
    exchange_fill(x, rank, &e);
    const struct schedule_ranks who = {x->n_ranks, rank};
    e.gather = ARENA_ARRAY(a, struct fabric_message, 2 * (size_t)x->n_ranks);
    e.n_gather = schedule_gather(who, x->owned, (unsigned char *)e.vector, e.gather);
    CHECK(e.n_gather <= 2 * (size_t)(x->n_ranks - 1));
    const struct schedule_reduce reduce = {.who = who,
                                           .owned = x->owned,
                                           .covers = x->covers,
                                           .sent = (unsigned char *)e.sent,
                                           .sent_stride_bytes = x->n_elems * sizeof(float),
                                           .received = (unsigned char *)e.received,
                                           .received_stride_bytes = x->n_elems * sizeof(float)};
    e.reduce = ARENA_ARRAY(a, struct fabric_message, schedule_reduce_count(&reduce));
    e.n_reduce = schedule_reduce_messages(&reduce, e.reduce);
    CHECK_EQ(e.n_reduce, schedule_reduce_count(&reduce));
    return e;
}

/// Folds the received covers of one element with a binary counter, as an owner does.
static inline float exchange_fold(const struct exchange *x, const struct exchange_rank *e,
                                  size_t column)
{
    struct tree_node stack[TREE_COVER_LIMIT];
    float sums[TREE_COVER_LIMIT];
    size_t depth = 0, row = 0;
    for (int r = 0; r < x->n_ranks; r++) {
        for (size_t c = 0; c < x->covers[r].n_nodes; c++, row++) {
            stack[depth] = x->covers[r].nodes[c];
            sums[depth++] = e->received[row * x->n_elems + column];
            while (depth > 1 && tree_parent(stack[depth - 2], stack[depth - 1]).size != 0) {
                stack[depth - 2] = tree_parent(stack[depth - 2], stack[depth - 1]);
                sums[depth - 2] += sums[depth - 1];
                depth--;
            }
        }
    }
    for (; depth > 1; depth--)
        sums[depth - 2] += sums[depth - 1];
    return sums[0];
}

static inline void exchange_check(const struct exchange *x, int rank, const struct exchange_rank *e)
{
    for (size_t i = 0; i < x->n_elems; i++) {
        const float expected = exchange_leaf(x, 0, i);
        if (memcmp(&e->vector[i], &expected, sizeof expected) != 0)
            check_failed(__FILE__, __LINE__, "gather: rank %d elem %zu is %g, expected %g", rank, i,
                         (double)e->vector[i], (double)expected);
    }
    const size_t first = x->owned[rank].first / 4, last = x->owned[rank].last / 4;
    for (size_t i = first; i < last; i++) {
        const float expected = exchange_direct(x, 0, exchange_root_size(x), i);
        const float actual = exchange_fold(x, e, i - first);
        if (memcmp(&actual, &expected, sizeof expected) != 0)
            check_failed(__FILE__, __LINE__, "reduce: rank %d elem %zu is %a, expected %a", rank, i,
                         (double)actual, (double)expected);
    }
}
