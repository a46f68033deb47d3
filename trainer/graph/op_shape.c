#include "trainer/graph/op_shape.h"

#include <stdio.h>
#include <string.h>

// "name f32[2,3]" appended to text.
static void describe(const struct graph *g, int tensor, char *text, size_t n_bytes)
{
    size_t used = strlen(text);
    if (tensor < 0) {
        snprintf(text + used, n_bytes - used, " -");
        return;
    }
    const struct tensor *t = &g->tensors[tensor];
    snprintf(text + used, n_bytes - used, " %s %s[", t->name, dtype_name(t->type));
    for (int i = 0; i < t->n_dims; i++) {
        used = strlen(text);
        snprintf(text + used, n_bytes - used, "%s%zu", i > 0 ? "," : "", t->dims[i]);
    }
    used = strlen(text);
    snprintf(text + used, n_bytes - used, "]");
}

void op_shape_require(const struct graph *g, const struct node *n, bool ok, const char *rule)
{
    if (ok) return;
    char text[1024] = "";
    for (int i = 0; i < n->n_inputs; i++)
        describe(g, n->inputs[i], text, sizeof text);
    err_abort(__FILE__, __LINE__, "op %s: %s; inputs%s", op_row(n->op)->name, rule, text);
}

size_t op_shape_matrix(const struct graph *g, const struct node *n, int i, size_t rows,
                       size_t columns)
{
    op_shape_require(g, n, i < n->n_inputs && n->inputs[i] >= 0, "a matrix is missing");
    const struct tensor *t = op_shape_input(g, n, i);
    op_shape_require(g, n, t->n_dims == 2 && t->type != DTYPE_I32, "a float matrix is expected");
    op_shape_require(g, n, t->dims[0] == rows, "a matrix has a wrong number of rows");
    op_shape_require(g, n, columns == 0 || t->dims[1] == columns, "a matrix has a wrong width");
    return t->dims[1];
}

void op_shape_vector(const struct graph *g, const struct node *n, int i, enum dtype type,
                     size_t length)
{
    op_shape_require(g, n, i < n->n_inputs && n->inputs[i] >= 0, "a vector is missing");
    const struct tensor *t = op_shape_input(g, n, i);
    op_shape_require(g, n, t->n_dims == 1 && t->type == type && t->dims[0] == length,
                     "a vector has a wrong type or length");
}

static bool has_shape(const struct tensor *t, enum dtype type, int n_dims, const size_t *dims)
{
    return t->type == type && t->n_dims == n_dims &&
           memcmp(t->dims, dims, (size_t)n_dims * sizeof *dims) == 0;
}

void op_shape_output(struct graph *g, struct node *n, int i, enum dtype type, int n_dims,
                     const size_t *dims)
{
    ASSERT(i == n->n_outputs && i < NODE_OUTPUTS);
    n->n_outputs++;
    if (n->outputs[i] == TENSOR_NONE) return;
    if (n->outputs[i] == TENSOR_MAKE) {
        n->outputs[i] =
            graph_add_tensor(g, TENSOR_ACTIVATION, type, op_row(n->op)->name, n_dims, dims);
        return;
    }
    op_shape_require(g, n, has_shape(&g->tensors[n->outputs[i]], type, n_dims, dims),
                     "an output that was given has another shape");
}

void op_shape_output_like(struct graph *g, struct node *n, int i, int tensor)
{
    const struct tensor t = g->tensors[tensor];
    op_shape_output(g, n, i, t.type, t.n_dims, t.dims);
}

struct cost op_shape_cost(const struct graph *g, const struct node *n, double flops)
{
    double bytes = 0;
    for (int i = 0; i < n->n_inputs; i++)
        if (n->inputs[i] >= 0) bytes += (double)graph_bytes(g, n->inputs[i]);
    for (int i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] < 0) continue;
        bool twice = n->attributes.accumulate && g->tensors[n->outputs[i]].kind == TENSOR_GRADIENT;
        bytes += (double)graph_bytes(g, n->outputs[i]) * (twice ? 2 : 1);
    }
    return (struct cost){.flops = flops, .bytes = bytes};
}

struct cost op_shape_cost_bytes(const struct graph *g, const struct node *n)
{
    return op_shape_cost(g, n, 0);
}
