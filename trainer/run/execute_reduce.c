// Casting what is gathered, and summing what is reduced: elementwise jobs over unit space.

#include <string.h>

#include "trainer/kernel/rows.h"
#include "trainer/run/execute_verbs.h"

struct elementwise {
    unsigned char *to;
    const unsigned char *from;
    enum dtype to_type;
    size_t n_elems;
};

static void cast_task(void *context, size_t task, size_t thread)
{
    (void)thread;
    const struct elementwise *w = context;
    size_t first = task * TASK_ELEMS, n = size_min(TASK_ELEMS, w->n_elems - first);
    rows_kernels()->cast(w->from + first * 4, DTYPE_F32, w->to + first * dtype_bytes(w->to_type),
                         w->to_type, n);
}

enum err execute_cast(const struct execute_call *c)
{
    const struct executor *e = c->e;
    enum dtype type = e->plan->ownership->graph->compute;
    struct range kept = execute_kept(c);
    struct elementwise work = {.to = (unsigned char *)execute_value(e, c->step->value) +
                                     kept.first * dtype_bytes(type),
                               .from = e->slab.data + e->at.master[c->step->argument],
                               .to_type = type,
                               .n_elems = kept.last - kept.first};
    pool_run(e->pool, size_ceil_div(work.n_elems, TASK_ELEMS), cast_task, &work);
    return OK;
}

struct fold_work {
    float *lanes; // [n_lanes][stride]
    size_t stride_elems, n_elems;
    uint64_t first_lane;
    const struct schedule_covers *covers;
};

// Sums the lanes of one cover node by the tree, for elements [first, first + n), into the node's
// first lane.
static void fold_node(const struct fold_work *w, const struct tree_node *node, size_t first,
                      size_t n)
{
    float *base = w->lanes + (node->first - w->first_lane) * w->stride_elems + first;
    for (uint64_t half = 1; half < node->size; half *= 2)
        for (uint64_t i = 0; i < node->size; i += 2 * half)
            rows_kernels()->fold(base + i * w->stride_elems, base + (i + half) * w->stride_elems,
                                 n);
}

static void fold_task(void *context, size_t task, size_t thread)
{
    (void)thread;
    const struct fold_work *w = context;
    size_t first = task * TASK_ELEMS, n = size_min(TASK_ELEMS, w->n_elems - first);
    for (size_t k = 0; k < w->covers->n_nodes; k++) {
        const struct tree_node *node = &w->covers->nodes[k];
        fold_node(w, node, first, n);
        uint64_t slot = node->first - w->first_lane;
        if (slot != k) // covers are sent from the first slots
            memcpy(w->lanes + k * w->stride_elems + first,
                   w->lanes + slot * w->stride_elems + first, n * sizeof(float));
    }
}

enum err execute_fold(const struct execute_call *c)
{
    const struct executor *e = c->e;
    size_t n_elems = e->plan->ownership->units[c->step->argument].n_elems;
    struct fold_work work = {
        .lanes = (float *)execute_value(e, c->step->value),
        .stride_elems = n_elems,
        .n_elems = n_elems,
        .first_lane = execute_round_lanes(c).first,
        .covers = &e->plan->lanes->rounds[c->program->round].covers[fabric_rank(e->fabric)]};
    pool_run(e->pool, size_ceil_div(n_elems, TASK_ELEMS), fold_task, &work);
    return OK;
}

struct accumulate_work {
    const struct lane_round *round;
    float *received, *slots;
    size_t received_stride, slot_stride, n_elems;
};

static float *fold_place(const struct accumulate_work *w, int place)
{
    return place < 0 ? w->slots + (size_t)~place * w->slot_stride
                     : w->received + (size_t)place * w->received_stride;
}

static void accumulate_task(void *context, size_t task, size_t thread)
{
    (void)thread;
    const struct accumulate_work *w = context;
    size_t first = task * TASK_ELEMS, n = size_min(TASK_ELEMS, w->n_elems - first);
    for (size_t i = 0; i < w->round->n_folds; i++) {
        const struct fold_step *f = &w->round->folds[i];
        float *to = fold_place(w, f->to) + first;
        const float *from = fold_place(w, f->from) + first;
        if (f->action == FOLD_ADD)
            rows_kernels()->fold(to, from, n);
        else
            memcpy(to, from, n * sizeof(float));
    }
}

enum err execute_accumulate(const struct execute_call *c)
{
    const struct executor *e = c->e;
    int unit = c->step->argument;
    struct range kept = execute_kept(c);
    struct accumulate_work work = {.round = &e->plan->lanes->rounds[c->program->round],
                                   .received = (float *)execute_value(e, c->step->value),
                                   .slots = (float *)(void *)(e->slab.data + e->at.slots[unit]),
                                   .received_stride =
                                       collective_received_stride(e->plan, unit) / sizeof(float),
                                   .slot_stride = e->at.segment_bytes[unit] / sizeof(float),
                                   .n_elems = kept.last - kept.first};
    pool_run(e->pool, size_ceil_div(work.n_elems, TASK_ELEMS), accumulate_task, &work);
    return OK;
}
