#pragma once
// What shape and cost rules of ops share.

#include "trainer/graph/op.h"

/// Positions of a lane: B * T.
static inline size_t op_shape_rows(const struct graph *g)
{
    return g->rows * g->sequence;
}

static inline const struct tensor *op_shape_input(const struct graph *g, const struct node *n,
                                                  int i)
{
    ASSERT(i < n->n_inputs && n->inputs[i] >= 0);
    return &g->tensors[n->inputs[i]];
}

/// Aborts, naming the op, its inputs with their shapes and `rule`, unless ok.
void op_shape_require(const struct graph *g, const struct node *n, bool ok, const char *rule);
/// Requires input i to be [rows, columns] of floats; columns 0 = any. Returns the columns.
size_t op_shape_matrix(const struct graph *g, const struct node *n, int i, size_t rows,
                       size_t columns);
/// Requires input i to be a vector of that type and length.
void op_shape_vector(const struct graph *g, const struct node *n, int i, enum dtype type,
                     size_t length);
/// Output i (in order): made as an activation where TENSOR_MAKE, checked where given, left out
/// where TENSOR_NONE.
void op_shape_output(struct graph *g, struct node *n, int i, enum dtype type, int n_dims,
                     const size_t *dims);
/// Output i, shaped and typed like a tensor.
void op_shape_output_like(struct graph *g, struct node *n, int i, int tensor);
/// flops, and every operand moved once (an output that accumulates twice).
struct cost op_shape_cost(const struct graph *g, const struct node *n, double flops);
/// A cost rule: no flops, every operand moved once.
struct cost op_shape_cost_bytes(const struct graph *g, const struct node *n);
