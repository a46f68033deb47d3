#pragma once
// Runs a graph's nodes one after another in malloc'd buffers, for tests: by the plain references
// (one lane at a time; in the tensors' types or all in f64) or by the run functions (all lanes at
// once, over a pool). Operands are f64 to the test whatever they are in memory.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "tests/check.h"
#include "trainer/graph/op.h"
#include "trainer/graph/op_reference.h"

enum { EXECUTOR_GRADIENT_GAP = 16 }; // elements between the lanes of a parameter gradient

struct executor {
    const struct graph *g;
    size_t n_lanes;
    bool f64; // references only
    void **data;
    struct pool *pool; // run functions only
    size_t state_position, state_rows;
};

static inline bool executor_has_lanes(const struct executor *e, int tensor)
{
    enum tensor_kind kind = e->g->tensors[tensor].kind;
    return kind == TENSOR_ACTIVATION || kind == TENSOR_INPUT || kind == TENSOR_GRADIENT;
}

static inline size_t executor_lane_elems(const struct executor *e, int tensor)
{
    if (!executor_has_lanes(e, tensor)) return 0;
    bool gap = e->g->tensors[tensor].kind == TENSOR_GRADIENT;
    return graph_elems(e->g, tensor) + (gap ? EXECUTOR_GRADIENT_GAP : 0);
}

static inline size_t executor_elem_bytes(const struct executor *e, int tensor)
{
    enum dtype type = e->g->tensors[tensor].type;
    return e->f64 && type != DTYPE_I32 ? sizeof(double) : dtype_bytes(type);
}

static inline size_t executor_tensor_bytes(const struct executor *e, int tensor)
{
    size_t n_elems = executor_has_lanes(e, tensor) ? e->n_lanes * executor_lane_elems(e, tensor)
                                                   : graph_elems(e->g, tensor);
    return n_elems * executor_elem_bytes(e, tensor);
}

static inline void executor_open(struct executor *e, const struct graph *g, size_t n_lanes,
                                 bool f64)
{
    *e = (struct executor){.g = g, .n_lanes = n_lanes, .f64 = f64, .state_rows = g->sequence};
    e->data = calloc((size_t)g->n_tensors, sizeof *e->data);
    CHECK(e->data != NULL);
    for (int t = 0; t < g->n_tensors; t++) {
        size_t n_bytes = (executor_tensor_bytes(e, t) + 63) / 64 * 64 + 64;
        e->data[t] = aligned_alloc(64, n_bytes);
        CHECK(e->data[t] != NULL);
        memset(e->data[t], 0, n_bytes);
    }
}

static inline void executor_close(struct executor *e)
{
    for (int t = 0; t < e->g->n_tensors; t++)
        free(e->data[t]);
    free(e->data);
}

static inline void *executor_at(const struct executor *e, int tensor, size_t lane, size_t i)
{
    size_t at = lane * executor_lane_elems(e, tensor) + i;
    return (char *)e->data[tensor] + at * executor_elem_bytes(e, tensor);
}

static inline double executor_get(const struct executor *e, int tensor, size_t lane, size_t i)
{
    return op_reference_load(executor_at(e, tensor, lane, i), e->g->tensors[tensor].type, e->f64,
                             0);
}

static inline void executor_set(struct executor *e, int tensor, size_t lane, size_t i, double value)
{
    void *at = executor_at(e, tensor, lane, i);
    if (e->f64)
        *(double *)at = value;
    else if (e->g->tensors[tensor].type == DTYPE_BF16)
        *(uint16_t *)at = bf16_from_f32((float)value);
    else
        *(float *)at = (float)value;
}

static inline void executor_set_index(struct executor *e, int tensor, size_t lane, size_t i,
                                      size_t index)
{
    *(int32_t *)executor_at(e, tensor, lane, i) = (int32_t)index;
}

/// center + spread * uniform(-1, 1), by name: the same values in every type and any order of
/// filling.
static inline void executor_fill(struct executor *e, int tensor, uint64_t seed, double center,
                                 double spread)
{
    char name[GRAPH_NAME_BYTES + 16];
    snprintf(name, sizeof name, "%s %d", e->g->tensors[tensor].name, tensor);
    uint64_t key = rng_key(seed, name);
    size_t n_lanes = executor_has_lanes(e, tensor) ? e->n_lanes : 1;
    for (size_t lane = 0; lane < n_lanes; lane++)
        for (size_t i = 0; i < graph_elems(e->g, tensor); i++)
            executor_set(e, tensor, lane, i,
                         center + spread * (2 * (double)rng_uniform(key, lane, i) - 1));
}

/// Each index below limit.
static inline void executor_fill_index(struct executor *e, int tensor, uint64_t seed, size_t limit)
{
    uint64_t key = rng_key(seed, e->g->tensors[tensor].name);
    for (size_t lane = 0; lane < e->n_lanes; lane++)
        for (size_t i = 0; i < graph_elems(e->g, tensor); i++)
            executor_set_index(e, tensor, lane, i, rng_u64(key, lane, i) % limit);
}

/// positions and document_start of rows cut into documents at random; either may be TENSOR_NONE.
static inline void executor_fill_documents(struct executor *e, int positions, int document_start,
                                           uint64_t seed)
{
    uint64_t key = rng_key(seed, "documents");
    for (size_t lane = 0; lane < e->n_lanes; lane++)
        for (size_t i = 0, start = 0; i < e->g->rows * e->g->sequence; i++) {
            size_t t = i % e->g->sequence;
            if (t == 0 || rng_u64(key, lane, i) % (e->g->sequence / 2) == 0) start = t;
            if (positions >= 0) executor_set_index(e, positions, lane, i, t - start);
            if (document_start >= 0) executor_set_index(e, document_start, lane, i, start);
        }
}

/// cos, sin of position * base^(-2i/D) into every constant; by libm where values are f64.
static inline void executor_fill_angles(struct executor *e)
{
    for (int t = 0; t < e->g->n_tensors; t++) {
        const struct tensor *table = &e->g->tensors[t];
        if (table->kind != TENSOR_CONSTANT) continue;
        if (!e->f64) {
            graph_fill_constant(e->g, t, e->data[t]);
            continue;
        }
        for (size_t p = 0; p < table->dims[0]; p++)
            for (size_t i = 0; i < table->dims[1]; i++) {
                double angle = (double)p * pow(table->base, -(double)i / (double)table->dims[1]);
                executor_set(e, t, 0, 2 * (p * table->dims[1] + i), cos(angle));
                executor_set(e, t, 0, 2 * (p * table->dims[1] + i) + 1, sin(angle));
            }
    }
}

static inline struct op_call executor_call(const struct executor *e, const struct node *n,
                                           size_t first_lane, size_t n_lanes)
{
    struct op_call c = {.graph = e->g,
                        .node = n,
                        .n_lanes = n_lanes,
                        .pool = e->pool,
                        .state_position = e->state_position,
                        .state_rows = e->state_rows,
                        .f64 = e->f64};
    for (int i = 0; i < n->n_inputs; i++) {
        if (n->inputs[i] < 0) continue;
        c.in[i] = executor_at(e, n->inputs[i], first_lane, 0);
        c.in_lane_elems[i] = executor_lane_elems(e, n->inputs[i]);
    }
    for (int i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] < 0) continue;
        c.out[i] = executor_at(e, n->outputs[i], first_lane, 0);
        c.out_lane_elems[i] = executor_lane_elems(e, n->outputs[i]);
    }
    return c;
}

/// The reference of nodes [first, last), lane by lane.
static inline void executor_reference(struct executor *e, int first, int last)
{
    for (int i = first; i < last; i++)
        for (size_t lane = 0; lane < e->n_lanes; lane++) {
            const struct op_call c = executor_call(e, &e->g->nodes[i], lane, 1);
            op_row(e->g->nodes[i].op)->reference(&c);
        }
}

/// Calls the run function of a node on lanes [first_lane, first_lane + n_lanes), with scratch of
/// exactly the size that the row asks for.
static inline void executor_run_node(struct executor *e, const struct node *n, size_t first_lane,
                                     size_t n_lanes)
{
    const struct op_row *row = op_row(n->op);
    size_t n_bytes = 0;
    if (row->scratch_bytes != NULL)
        n_bytes = row->scratch_bytes(e->g, n, n_lanes, pool_n_threads(e->pool));
    void *scratch = aligned_alloc(64, (n_bytes + 63) / 64 * 64 + 64);
    CHECK(scratch != NULL && !e->f64);
    struct op_call c = executor_call(e, n, first_lane, n_lanes);
    c.scratch = scratch;
    row->run(&c);
    free(scratch);
}

/// All nodes, all lanes in lockstep.
static inline void executor_run(struct executor *e)
{
    for (int i = 0; i < e->g->n_nodes; i++)
        executor_run_node(e, &e->g->nodes[i], 0, e->n_lanes);
}
