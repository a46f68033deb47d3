// Embedding: y[i] = table[index[i]] in f32 (the residual stream).
#include "trainer/graph/gradient.h"
#include "trainer/graph/op_reference.h"
#include "trainer/graph/op_run.h"
#include "trainer/graph/op_shape.h"
#include "trainer/kernel/rows.h"

static void embed_shape(struct graph *g, struct node *n)
{
    const struct tensor *table = op_shape_input(g, n, 0);
    size_t width = op_shape_matrix(g, n, 0, table->dims[0], 0);
    op_shape_vector(g, n, 1, DTYPE_I32, op_shape_rows(g));
    op_shape_output(g, n, 0, DTYPE_F32, 2, (size_t[]){op_shape_rows(g), width});
}

// Only the rows that are looked up move.
static struct cost embed_cost(const struct graph *g, const struct node *n)
{
    const struct tensor *table = op_shape_input(g, n, 0);
    double read = (double)(op_shape_rows(g) * table->dims[1] * dtype_bytes(table->type));
    return (struct cost){.bytes = read + (double)graph_bytes(g, n->inputs[1]) +
                                  (double)graph_bytes(g, n->outputs[0])};
}

static void embed_gradient_rule(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    struct attributes attributes = {0};
    int out = gradient_parameter(d, n.inputs[0], &attributes.accumulate);
    if (out < 0) return;
    int inputs[] = {n.inputs[1], gradient_of(d, n.outputs[0])};
    gradient_node(d, OP_EMBED_GRADIENT, 2, inputs, &attributes, 1, &out);
}

static void embed_reference(const struct op_call *c)
{
    const size_t *dims = op_reference_out_dims(c, 0);
    for (size_t i = 0; i < dims[0]; i++) {
        size_t v = (size_t)op_reference_index(c, 1, i);
        for (size_t j = 0; j < dims[1]; j++)
            op_reference_set(c, 0, i * dims[1] + j, op_reference_in(c, 0, v * dims[1] + j));
    }
}

static void embed_rows(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    size_t width = op_run_out_dims(c, 0)[1];
    rows_kernels()->embed(op_run_in(c, 0, lane, 0), op_run_in_type(c, 0),
                          op_run_in(c, 1, lane, first), op_run_out(c, 0, lane, first * width),
                          op_run_out_type(c, 0), last - first, width);
}

static void embed_run(const struct op_call *c)
{
    const size_t *dims = op_run_out_dims(c, 0);
    op_run_rows(c, dims[0], dims[1], embed_rows);
}

const struct op_row op_row_embed = {.name = "embed",
                                    .shape = embed_shape,
                                    .cost = embed_cost,
                                    .gradient = embed_gradient_rule,
                                    .run = embed_run,
                                    .reference = embed_reference};

// Inputs index[R], dy[R,C]; output d_table[V,C] (given).
static void embed_gradient_shape(struct graph *g, struct node *n)
{
    op_shape_vector(g, n, 0, DTYPE_I32, op_shape_rows(g));
    size_t width = op_shape_matrix(g, n, 1, op_shape_rows(g), 0);
    op_shape_require(g, n, n->outputs[0] >= 0, "the gradient of the table must be given");
    size_t vocabulary = g->tensors[n->outputs[0]].dims[0];
    op_shape_output(g, n, 0, DTYPE_F32, 2, (size_t[]){vocabulary, width});
}

// The first writer zeroes the whole table; a later one touches looked-up rows only.
static struct cost embed_gradient_cost(const struct graph *g, const struct node *n)
{
    double rows = 2 * (double)graph_elems(g, n->inputs[1]) * sizeof(float);
    double table = n->attributes.accumulate ? 0 : (double)graph_bytes(g, n->outputs[0]);
    return (struct cost){.bytes = table + rows + (double)graph_bytes(g, n->inputs[0]) +
                                  (double)graph_bytes(g, n->inputs[1])};
}

static void embed_gradient_reference(const struct op_call *c)
{
    const size_t *dims = op_reference_out_dims(c, 0), n_rows = op_reference_in_dims(c, 0)[0];
    for (size_t v = 0; v < dims[0]; v++)
        for (size_t j = 0; j < dims[1]; j++) {
            double sum = 0;
            for (size_t i = 0; i < n_rows; i++)
                if ((size_t)op_reference_index(c, 0, i) == v)
                    sum += op_reference_in(c, 1, i * dims[1] + j);
            op_reference_sum(c, 0, v * dims[1] + j, sum);
        }
}

static void embed_gradient_rows(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    const size_t *dy = op_run_in_dims(c, 1);
    rows_kernels()->embed_gradient(op_run_in(c, 0, lane, 0), op_run_in(c, 1, lane, 0),
                                   op_run_in_type(c, 1), op_run_out(c, 0, lane, 0),
                                   c->node->attributes.accumulate, dy[0], dy[1], first, last);
}

// Cut by rows of the table; each task looks through all indices.
static void embed_gradient_run(const struct op_call *c)
{
    const size_t *dims = op_run_out_dims(c, 0);
    op_run_rows(c, dims[0], dims[1], embed_gradient_rows);
}

const struct op_row op_row_embed_gradient = {.name = "embed_gradient",
                                             .shape = embed_gradient_shape,
                                             .cost = embed_gradient_cost,
                                             .run = embed_gradient_run,
                                             .reference = embed_gradient_reference};
