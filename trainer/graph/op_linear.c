// Linear layers: y[R,N] = x[R,K] w[N,K]^T + bias[N], all in the compute dtype, and their three gradients.
#include "trainer/graph/gradient.h"
#include "trainer/graph/op_reference.h"
#include "trainer/graph/op_shape.h"

static void linear_shape(struct graph *g, struct node *n)
{
    size_t rows = op_shape_rows(g), k = op_shape_matrix(g, n, 0, rows, 0);
    const struct tensor *w = op_shape_input(g, n, 1);
    size_t out = w->dims[0];
    op_shape_matrix(g, n, 1, out, k);
    enum dtype type = w->type;
    op_shape_require(g, n, op_shape_input(g, n, 0)->type == type, "x and w have different types");
    if (n->n_inputs > 2 && n->inputs[2] >= 0) op_shape_vector(g, n, 2, type, out);
    op_shape_output(g, n, 0, type, 2, (size_t[]){rows, out});
}

static double product_flops(const struct graph *g, const struct node *n)
{
    const struct tensor *a = op_shape_input(g, n, 0), *b = op_shape_input(g, n, 1);
    size_t shared = n->op == OP_LINEAR ? b->dims[0] : b->dims[1];
    return 2 * (double)a->dims[0] * (double)a->dims[1] * (double)shared;
}

static struct cost product_cost(const struct graph *g, const struct node *n)
{
    return op_shape_cost(g, n, product_flops(g, n));
}

static void linear_gradient(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    int dy = gradient_of(d, n.outputs[0]);
    if (gradient_wanted(d, n.inputs[0])) {
        int inputs[] = {dy, n.inputs[1]};
        struct node *dx = gradient_node(d, OP_LINEAR_DX, 2, inputs, NULL, 0, NULL);
        gradient_add(d, n.inputs[0], dx->outputs[0]);
    }
    struct attributes attributes = {0};
    int dw = gradient_parameter(d, n.inputs[1], &attributes.accumulate);
    if (dw >= 0) gradient_node(d, OP_LINEAR_DW, 2, (int[]){dy, n.inputs[0]}, &attributes, 1, &dw);
    int db = gradient_parameter(d, n.inputs[2], &attributes.accumulate);
    if (db >= 0) gradient_node(d, OP_BIAS_GRADIENT, 1, &dy, &attributes, 1, &db);
}

static void linear_reference(const struct op_call *c)
{
    const size_t *w = op_reference_in_dims(c, 1), n_rows = op_reference_in_dims(c, 0)[0];
    for (size_t i = 0; i < n_rows; i++)
        for (size_t j = 0; j < w[0]; j++) {
            double sum = c->in[2] != NULL ? op_reference_in(c, 2, j) : 0;
            for (size_t k = 0; k < w[1]; k++)
                sum += op_reference_in(c, 0, i * w[1] + k) * op_reference_in(c, 1, j * w[1] + k);
            op_reference_set(c, 0, i * w[0] + j, sum);
        }
}

const struct op_row op_row_linear = {.name = "linear",
                                     .shape = linear_shape,
                                     .cost = product_cost,
                                     .gradient = linear_gradient,
                                     .reference = linear_reference};

// dx[R,K] = dy[R,N] w[N,K]
static void linear_dx_shape(struct graph *g, struct node *n)
{
    size_t rows = op_shape_rows(g), out = op_shape_matrix(g, n, 0, rows, 0);
    size_t k = op_shape_matrix(g, n, 1, out, 0);
    enum dtype type = op_shape_input(g, n, 1)->type;
    op_shape_require(g, n, op_shape_input(g, n, 0)->type == type, "dy and w have different types");
    op_shape_output(g, n, 0, type, 2, (size_t[]){rows, k});
}

static void linear_dx_reference(const struct op_call *c)
{
    const size_t *w = op_reference_in_dims(c, 1), n_rows = op_reference_in_dims(c, 0)[0];
    for (size_t i = 0; i < n_rows; i++)
        for (size_t k = 0; k < w[1]; k++) {
            double sum = 0;
            for (size_t j = 0; j < w[0]; j++)
                sum += op_reference_in(c, 0, i * w[0] + j) * op_reference_in(c, 1, j * w[1] + k);
            op_reference_set(c, 0, i * w[1] + k, sum);
        }
}

const struct op_row op_row_linear_dx = {.name = "linear_dx",
                                        .shape = linear_dx_shape,
                                        .cost = product_cost,
                                        .reference = linear_dx_reference};

// dw[N,K] f32 = dy[R,N]^T x[R,K], a lane each
static void linear_dw_shape(struct graph *g, struct node *n)
{
    size_t rows = op_shape_rows(g), out = op_shape_matrix(g, n, 0, rows, 0);
    size_t k = op_shape_matrix(g, n, 1, rows, 0);
    op_shape_require(g, n, op_shape_input(g, n, 0)->type == op_shape_input(g, n, 1)->type,
                     "dy and x have different types");
    op_shape_output(g, n, 0, DTYPE_F32, 2, (size_t[]){out, k});
}

static void linear_dw_reference(const struct op_call *c)
{
    const size_t *w = op_reference_out_dims(c, 0), n_rows = op_reference_in_dims(c, 0)[0];
    for (size_t j = 0; j < w[0]; j++)
        for (size_t k = 0; k < w[1]; k++) {
            double sum = 0;
            for (size_t i = 0; i < n_rows; i++)
                sum += op_reference_in(c, 0, i * w[0] + j) * op_reference_in(c, 1, i * w[1] + k);
            op_reference_sum(c, 0, j * w[1] + k, sum);
        }
}

const struct op_row op_row_linear_dw = {.name = "linear_dw",
                                        .shape = linear_dw_shape,
                                        .cost = product_cost,
                                        .reference = linear_dw_reference};

// d_bias[N] f32 = sum of the rows of dy[R,N]
static void bias_gradient_shape(struct graph *g, struct node *n)
{
    size_t out = op_shape_matrix(g, n, 0, op_shape_rows(g), 0);
    op_shape_output(g, n, 0, DTYPE_F32, 1, &out);
}

static void bias_gradient_reference(const struct op_call *c)
{
    const size_t *dy = op_reference_in_dims(c, 0);
    for (size_t j = 0; j < dy[1]; j++) {
        double sum = 0;
        for (size_t i = 0; i < dy[0]; i++)
            sum += op_reference_in(c, 0, i * dy[1] + j);
        op_reference_sum(c, 0, j, sum);
    }
}

const struct op_row op_row_bias_gradient = {.name = "bias_gradient",
                                            .shape = bias_gradient_shape,
                                            .cost = op_shape_cost_bytes,
                                            .reference = bias_gradient_reference};
