#pragma once
// What run functions of ops share: operands of a lane, and cutting rows or columns of all lanes
// into pool tasks of at most about 0.3 ms. Cuts depend on shapes only, and kernels' results do not
// depend on cuts (kernel/rows.h).

#include "base/size.h"
#include "trainer/graph/op.h"

static inline enum dtype op_run_in_type(const struct op_call *c, int i)
{
    return c->node->inputs[i] >= 0 ? c->graph->tensors[c->node->inputs[i]].type : DTYPE_F32;
}

static inline enum dtype op_run_out_type(const struct op_call *c, int i)
{
    return c->node->outputs[i] >= 0 ? c->graph->tensors[c->node->outputs[i]].type : DTYPE_F32;
}

/// Element `elem` of input i in a lane; NULL when absent.
static inline void *op_run_in(const struct op_call *c, int i, size_t lane, size_t elem)
{
    if (c->in[i] == NULL) return NULL;
    return (char *)c->in[i] +
           (lane * c->in_lane_elems[i] + elem) * dtype_bytes(op_run_in_type(c, i));
}

static inline void *op_run_out(const struct op_call *c, int i, size_t lane, size_t elem)
{
    if (c->out[i] == NULL) return NULL;
    return (char *)c->out[i] +
           (lane * c->out_lane_elems[i] + elem) * dtype_bytes(op_run_out_type(c, i));
}

static inline const size_t *op_run_in_dims(const struct op_call *c, int i)
{
    return c->graph->tensors[c->node->inputs[i]].dims;
}

static inline const size_t *op_run_out_dims(const struct op_call *c, int i)
{
    return c->graph->tensors[c->node->outputs[i]].dims;
}

/// Whether the lanes of every operand given in the masks (bit i = operand i) lie one after another,
/// so that lanes x rows are one tall matrix.
bool op_run_dense(const struct op_call *c, unsigned inputs, unsigned outputs);

/// Works on [first, last) of some range of a lane; calls of one job run at the same time.
typedef void (*op_run_fn)(const struct op_call *c, size_t lane, size_t first, size_t last);
/// Covers [0, n) of every lane with pieces of at most `piece`, as pool tasks.
void op_run_pieces(const struct op_call *c, size_t n, size_t piece, op_run_fn fn);
/// As op_run_pieces over n rows of `width` elements that cost one to some ns each.
void op_run_rows(const struct op_call *c, size_t n_rows, size_t width, op_run_fn fn);
/// As op_run_pieces over columns of an [n_rows, n_columns] matrix, cut at multiples of 16.
void op_run_columns(const struct op_call *c, size_t n_rows, size_t n_columns, op_run_fn fn);
