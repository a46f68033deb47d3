#include "trainer/plan/lanes.h"

#include "base/err.h"
#include "base/size.h"

// A vector that waits for its sibling, while the fold of a step is planned.
struct pending {
    struct tree_node node;
    int place; // received index, or ~slot
};

struct folder {
    struct pending *pending;
    size_t n_pending;
    struct fold_step *steps;
    size_t n_steps;
    size_t n_slots;
};

// Lanes of the rounds in which every rank has `lockstep` of them.
static uint64_t full_rounds(const struct lanes *l)
{
    return l->n_lanes / (l->lockstep * (uint64_t)l->n_ranks);
}

// Rank's part of n things, contiguous, larger parts first.
static struct range part_of(uint64_t n, int n_ranks, int rank)
{
    uint64_t r = (uint64_t)rank, share = n / (uint64_t)n_ranks, larger = n % (uint64_t)n_ranks;
    uint64_t first = r * share + size_min(r, larger);
    return (struct range){first, first + share + (r < larger)};
}

struct range lanes_of_round(const struct lanes *l, int rank, uint64_t round)
{
    uint64_t full = full_rounds(l), block = l->lockstep * (uint64_t)l->n_ranks;
    uint64_t first = round * block;
    struct range part = part_of(round < full ? block : l->n_lanes - first, l->n_ranks, rank);
    return (struct range){first + part.first, first + part.last};
}

struct range lanes_turns_of_rank(const struct lanes *l, int rank)
{
    uint64_t full = full_rounds(l), turns = full * l->lockstep, r = (uint64_t)rank;
    struct range rest = part_of(l->n_lanes - turns * (uint64_t)l->n_ranks, l->n_ranks, rank);
    return (struct range){r * turns + rest.first, (r + 1) * turns + rest.last};
}

struct range lanes_turns_of_round(const struct lanes *l, int rank, uint64_t round)
{
    struct range lanes = lanes_of_round(l, rank, round);
    uint64_t first = lanes_turns_of_rank(l, rank).first + round * l->lockstep;
    return (struct range){first, first + (lanes.last - lanes.first)};
}

uint64_t lanes_taken(const struct lanes *l, int rank, uint64_t k)
{
    return lanes_of_round(l, rank, k / l->lockstep).first + k % l->lockstep;
}

static void fold_push(struct folder *f, enum fold_action action, int to, int from)
{
    f->steps[f->n_steps++] = (struct fold_step){action, to, from};
}

// Index of the pending sibling of node, or n_pending.
static size_t find_sibling(const struct folder *f, struct tree_node node)
{
    size_t i = 0;
    while (i < f->n_pending && tree_parent(f->pending[i].node, node).size == 0 &&
           tree_parent(node, f->pending[i].node).size == 0)
        i++;
    return i;
}

static struct tree_node parent_of(struct tree_node a, struct tree_node b)
{
    struct tree_node parent = tree_parent(a, b);
    return parent.size != 0 ? parent : tree_parent(b, a);
}

// Adds a node that lies at place; merges while its sibling is there.
static void fold_insert(struct folder *f, struct tree_node node, int place)
{
    struct pending now = {node, place};
    for (;;) {
        size_t i = find_sibling(f, now.node);
        if (i == f->n_pending) break;
        struct pending sibling = f->pending[i];
        fold_push(f, FOLD_ADD, sibling.place, now.place);
        now = (struct pending){parent_of(sibling.node, now.node), sibling.place};
        f->pending[i] = f->pending[--f->n_pending];
    }
    f->pending[f->n_pending++] = now;
}

static int free_slot(struct folder *f)
{
    for (int slot = 0;; slot++) {
        size_t i = 0;
        while (i < f->n_pending && f->pending[i].place != ~slot)
            i++;
        if (i < f->n_pending) continue;
        f->n_slots = size_max(f->n_slots, (size_t)slot + 1);
        return slot;
    }
}

// What still lies in a receive buffer at the end of a round moves to a slot.
static void fold_keep(struct folder *f)
{
    for (size_t i = 0; i < f->n_pending; i++) {
        if (f->pending[i].place < 0) continue;
        int slot = free_slot(f);
        fold_push(f, FOLD_MOVE, ~slot, f->pending[i].place);
        f->pending[i].place = ~slot;
    }
}

static void sort_pending(struct folder *f)
{
    for (size_t i = 1; i < f->n_pending; i++) {
        struct pending p = f->pending[i];
        size_t j = i;
        for (; j > 0 && f->pending[j - 1].node.first > p.node.first; j--)
            f->pending[j] = f->pending[j - 1];
        f->pending[j] = p;
    }
}

// After the last round: what has no sibling folds from the right, and the total goes to slot 0.
static void fold_finish(struct folder *f)
{
    sort_pending(f);
    while (f->n_pending > 1) {
        fold_push(f, FOLD_ADD, f->pending[f->n_pending - 2].place,
                  f->pending[f->n_pending - 1].place);
        f->n_pending--;
    }
    if (f->n_pending == 1 && f->pending[0].place != ~0)
        fold_push(f, FOLD_MOVE, ~0, f->pending[0].place);
    f->n_slots = size_max(f->n_slots, 1);
    f->n_pending = 0;
}

static void plan_covers(struct arena *a, const struct lanes *l, uint64_t round,
                        struct lane_round *out)
{
    out->covers = ARENA_ARRAY(a, struct schedule_covers, (size_t)l->n_ranks);
    for (int r = 0; r < l->n_ranks; r++) {
        struct range lanes = lanes_of_round(l, r, round);
        struct tree_node cover[TREE_COVER_LIMIT];
        size_t n = tree_cover(lanes.first, lanes.last, cover);
        struct tree_node *nodes = ARENA_ARRAY(a, struct tree_node, n);
        for (size_t i = 0; i < n; i++)
            nodes[i] = cover[i];
        out->covers[r] = (struct schedule_covers){.nodes = nodes, .n_nodes = n};
        out->n_received += n;
        out->n_own = size_max(out->n_own, n);
    }
}

static void plan_folds(struct arena *a, struct folder *f, bool last, struct lane_round *round,
                       int n_ranks)
{
    // Each received vector is merged at most once and moved at most once, as is each kept one.
    f->steps = ARENA_ARRAY(a, struct fold_step, 2 * (round->n_received + f->n_pending) + 2);
    f->n_steps = 0;
    int received = 0;
    for (int r = 0; r < n_ranks; r++)
        for (size_t i = 0; i < round->covers[r].n_nodes; i++)
            fold_insert(f, round->covers[r].nodes[i], received++);
    if (last)
        fold_finish(f);
    else
        fold_keep(f);
    round->folds = f->steps;
    round->n_folds = f->n_steps;
}

struct lane_plan *lanes_plan(struct arena *a, int n_ranks, uint64_t n_lanes, uint64_t lockstep)
{
    ASSERT(n_ranks >= 1 && n_lanes >= 1);
    struct lane_plan *p = ARENA_NEW(a, struct lane_plan);
    uint64_t most = size_ceil_div(n_lanes, (uint64_t)n_ranks);
    if (lockstep == 0 || lockstep > most) lockstep = most;
    p->lanes = (struct lanes){n_ranks, n_lanes, lockstep, size_ceil_div(most, lockstep)};
    p->rounds = ARENA_ARRAY(a, struct lane_round, p->lanes.n_rounds);
    struct folder f = {.pending = ARENA_ARRAY(a, struct pending, n_lanes + 1)};
    for (uint64_t i = 0; i < p->lanes.n_rounds; i++) {
        plan_covers(a, &p->lanes, i, &p->rounds[i]);
        plan_folds(a, &f, i + 1 == p->lanes.n_rounds, &p->rounds[i], n_ranks);
        p->max_received = size_max(p->max_received, p->rounds[i].n_received);
        p->max_own = size_max(p->max_own, p->rounds[i].n_own);
    }
    p->n_slots = f.n_slots;
    return p;
}
