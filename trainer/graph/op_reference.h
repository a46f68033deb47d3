#pragma once
// Operands of a reference by element, as f64, whatever their type in memory (op_call.f64: doubles).

#include "trainer/graph/op.h"

static inline double op_reference_load(const void *data, enum dtype type, bool f64, size_t i)
{
    if (f64) return ((const double *)data)[i];
    if (type == DTYPE_BF16) return (double)bf16_to_f32(((const uint16_t *)data)[i]);
    return (double)((const float *)data)[i];
}

/// Element i of input `operand` of lane 0.
static inline double op_reference_in(const struct op_call *c, int operand, size_t i)
{
    enum dtype type = c->graph->tensors[c->node->inputs[operand]].type;
    return op_reference_load(c->in[operand], type, c->f64, i);
}

/// Element i of an i32 input.
static inline int32_t op_reference_index(const struct op_call *c, int operand, size_t i)
{
    return ((const int32_t *)c->in[operand])[i];
}

static inline double op_reference_out(const struct op_call *c, int operand, size_t i)
{
    enum dtype type = c->graph->tensors[c->node->outputs[operand]].type;
    return op_reference_load(c->out[operand], type, c->f64, i);
}

/// Writes element i of output `operand`.
static inline void op_reference_set(const struct op_call *c, int operand, size_t i, double value)
{
    enum dtype type = c->graph->tensors[c->node->outputs[operand]].type;
    if (c->f64)
        ((double *)c->out[operand])[i] = value;
    else if (type == DTYPE_BF16)
        ((uint16_t *)c->out[operand])[i] = bf16_from_f32((float)value);
    else
        ((float *)c->out[operand])[i] = (float)value;
}

/// As op_reference_set, but adds to what is there when the node accumulates.
static inline void op_reference_sum(const struct op_call *c, int operand, size_t i, double value)
{
    double before = c->node->attributes.accumulate ? op_reference_out(c, operand, i) : 0;
    op_reference_set(c, operand, i, before + value);
}

static inline const size_t *op_reference_in_dims(const struct op_call *c, int operand)
{
    return c->graph->tensors[c->node->inputs[operand]].dims;
}

static inline const size_t *op_reference_out_dims(const struct op_call *c, int operand)
{
    return c->graph->tensors[c->node->outputs[operand]].dims;
}
