#pragma once
// The op table: one row an op. A row says its name, shape rule, cost, how it runs, its gradient as
// graph, its scratch memory and its scalar reference. Adding an op is adding a row
// (graph/op_table.c) and its functions in the file of its kin (graph/op_linear.c, op_norm.c, ...).

#include "base/pool.h"
#include "trainer/graph/graph.h"

#define OP_TABLE(X)                                              \
    X(EMBED, embed) /* table[V,C], index[R] -> [R,C] */          \
    X(EMBED_GRADIENT, embed_gradient)                            \
    X(LINEAR, linear) /* x[R,K], w[N,K], bias[N]? -> [R,N] */    \
    X(LINEAR_DX, linear_dx)                                      \
    X(LINEAR_DW, linear_dw)                                      \
    X(BIAS_GRADIENT, bias_gradient)                              \
    X(RMSNORM, rmsnorm)                                          \
    X(RMSNORM_DX, rmsnorm_dx)                                    \
    X(LAYERNORM, layernorm)                                      \
    X(LAYERNORM_DX, layernorm_dx)                                \
    X(NORM_GAIN_GRADIENT, norm_gain_gradient)                    \
    X(ROPE, rope)                                                \
    X(ROPE_GRADIENT, rope_gradient)                              \
    X(ATTENTION, attention)                                      \
    X(ATTENTION_GRADIENT, attention_gradient)                    \
    X(ATTENTION_CACHED, attention_cached)                        \
    X(ACTIVATE, activate)                                        \
    X(ACTIVATE_GRADIENT, activate_gradient)                      \
    X(MULTIPLY, multiply)                                        \
    X(ADD, add)                                                  \
    X(CAST, cast) /* x -> x in attributes.type */                \
    X(HEAD, head) /* x[R,C], w[V,C], targets, mask -> loss[R] */ \
    X(HEAD_GRADIENT, head_gradient)                              \
    X(LOGITS, logits) /* x[R,C], w[V,C] -> f32 [R,V]; decode only */

enum op {
#define X(name, row) OP_##name,
    OP_TABLE(X)
#undef X
        OP_N
};

// A call of a node on n_lanes lanes in lockstep: operand i of lane l is at in[i] + l *
// in_lane_elems[i] elements. Lane strides are 0 for parameters and constants, elems(t) for
// activations and inputs, the unit's gradient stride for parameter gradients.
struct op_call {
    const struct graph *graph;
    const struct node *node;
    size_t n_lanes;                            // 0 is legal: nothing to do
    void *in[NODE_INPUTS], *out[NODE_OUTPUTS]; // NULL where TENSOR_NONE
    size_t in_lane_elems[NODE_INPUTS], out_lane_elems[NODE_OUTPUTS];
    struct pool *pool;
    void *scratch;         // op_row.scratch_bytes, 64-byte aligned
    size_t state_position; // cached attention: position of the first row
    size_t state_rows;     // cached attention: rows that count (<= R)
    bool f64; // references only: every floating operand is an array of double (gradient checks)
};

struct gradient; // graph/gradient.h: finds and adds up the gradients of tensors

struct op_row {
    const char *name;
    /// Checks n's inputs and attributes; adds its output tensors and sets n->outputs.
    void (*shape)(struct graph *g, struct node *n);
    /// flops and bytes moved of one lane; 2 flops a multiply-add.
    struct cost (*cost)(const struct graph *g, const struct node *n);
    void (*run)(const struct op_call *c);
    /// Appends nodes that turn the gradients of n's outputs into those of its inputs; NULL for rows
    /// that only occur in backward or decode.
    void (*gradient)(struct gradient *d, int node);
    size_t (*scratch_bytes)(const struct graph *g, const struct node *n, size_t n_lanes,
                            size_t n_threads); // NULL = 0
    /// Plain scalar code for one lane (n_lanes 1), f64 inside, f32/bf16 operands as in the call (or
    /// all f64); checked against run and, for rows with a gradient, differentiated numerically.
    void (*reference)(const struct op_call *c);
};

#define X(name, row) extern const struct op_row op_row_##row; // beside the op's functions
OP_TABLE(X)
#undef X

/// The row of an op. Can't fail.
const struct op_row *op_row(int op);
