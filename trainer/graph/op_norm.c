// RMSNorm and LayerNorm: x (f32 residual stream) -> y in the compute dtype; what their gradients
// need (1/rms, or mean and 1/std) is a second output.
#include <math.h>

#include "trainer/graph/gradient.h"
#include "trainer/graph/op_reference.h"
#include "trainer/graph/op_run.h"
#include "trainer/graph/op_shape.h"
#include "trainer/kernel/rows.h"

// Shapes. Inputs x[R,C], gain[C], bias[C]?; outputs y[R,C] in the gain's type and f32 statistics.
static size_t norm_shape(struct graph *g, struct node *n)
{
    size_t width = op_shape_matrix(g, n, 0, op_shape_rows(g), 0);
    enum dtype type = op_shape_input(g, n, 1)->type;
    op_shape_vector(g, n, 1, type, width);
    if (n->n_inputs > 2 && n->inputs[2] >= 0) op_shape_vector(g, n, 2, type, width);
    op_shape_output(g, n, 0, type, 2, (size_t[]){op_shape_rows(g), width});
    return width;
}

static void rmsnorm_shape(struct graph *g, struct node *n)
{
    op_shape_require(g, n, n->n_inputs == 2, "rmsnorm has no bias");
    norm_shape(g, n);
    op_shape_output(g, n, 1, DTYPE_F32, 1, (size_t[]){op_shape_rows(g)});
}

static void layernorm_shape(struct graph *g, struct node *n)
{
    norm_shape(g, n);
    op_shape_output(g, n, 1, DTYPE_F32, 2, (size_t[]){op_shape_rows(g), 2});
}

// dx = op(x, gain, dy, statistics); gains and biases in one node: inputs x, dy, 1/rms or none,
// moments or none.
static void norm_gradient(struct gradient *d, int node, int op_dx)
{
    struct node n = d->g->nodes[node];
    int dy = gradient_of(d, n.outputs[0]), statistics = n.outputs[1];
    if (gradient_wanted(d, n.inputs[0])) {
        int inputs[] = {n.inputs[0], n.inputs[1], dy, statistics};
        struct node *dx = gradient_node(d, op_dx, 4, inputs, NULL, 0, NULL);
        gradient_add(d, n.inputs[0], dx->outputs[0]);
    }
    bool again_gain = false, again_bias = false;
    int outputs[] = {gradient_parameter(d, n.inputs[1], &again_gain),
                     gradient_parameter(d, n.inputs[2], &again_bias)};
    if (outputs[0] < 0 && outputs[1] < 0) return;
    ASSERT(outputs[0] < 0 || outputs[1] < 0 || again_gain == again_bias);
    struct attributes attributes = {.accumulate = again_gain || again_bias};
    bool rms = n.op == OP_RMSNORM;
    int inputs[] = {n.inputs[0], dy, rms ? statistics : TENSOR_NONE,
                    rms ? TENSOR_NONE : statistics};
    gradient_node(d, OP_NORM_GAIN_GRADIENT, 4, inputs, &attributes, 2, outputs);
}

static void rmsnorm_gradient(struct gradient *d, int node)
{
    norm_gradient(d, node, OP_RMSNORM_DX);
}

static void layernorm_gradient(struct gradient *d, int node)
{
    norm_gradient(d, node, OP_LAYERNORM_DX);
}

static double row_mean(const struct op_call *c, size_t row, size_t width)
{
    double sum = 0;
    for (size_t j = 0; j < width; j++)
        sum += op_reference_in(c, 0, row * width + j);
    return sum / (double)width;
}

// Mean of (x - center)^2.
static double row_square(const struct op_call *c, size_t row, size_t width, double center)
{
    double sum = 0;
    for (size_t j = 0; j < width; j++) {
        double x = op_reference_in(c, 0, row * width + j) - center;
        sum += x * x;
    }
    return sum / (double)width;
}

static void rmsnorm_reference(const struct op_call *c)
{
    const size_t *x = op_reference_in_dims(c, 0);
    for (size_t i = 0; i < x[0]; i++) {
        double inverse = 1 / sqrt(row_square(c, i, x[1], 0) + (double)c->node->attributes.eps);
        for (size_t j = 0; j < x[1]; j++)
            op_reference_set(c, 0, i * x[1] + j,
                             op_reference_in(c, 0, i * x[1] + j) * inverse *
                                 op_reference_in(c, 1, j));
        if (c->out[1] != NULL) op_reference_set(c, 1, i, inverse);
    }
}

static void layernorm_reference(const struct op_call *c)
{
    const size_t *x = op_reference_in_dims(c, 0);
    for (size_t i = 0; i < x[0]; i++) {
        double mean = row_mean(c, i, x[1]);
        double inverse = 1 / sqrt(row_square(c, i, x[1], mean) + (double)c->node->attributes.eps);
        for (size_t j = 0; j < x[1]; j++) {
            double normal = (op_reference_in(c, 0, i * x[1] + j) - mean) * inverse;
            double bias = c->in[2] != NULL ? op_reference_in(c, 2, j) : 0;
            op_reference_set(c, 0, i * x[1] + j, normal * op_reference_in(c, 1, j) + bias);
        }
        if (c->out[1] == NULL) continue;
        op_reference_set(c, 1, 2 * i, mean);
        op_reference_set(c, 1, 2 * i + 1, inverse);
    }
}

static void rmsnorm_rows(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    size_t width = op_run_in_dims(c, 0)[1], at = first * width;
    rows_kernels()->rmsnorm(
        op_run_in(c, 0, lane, at), op_run_in_type(c, 0), op_run_in(c, 1, lane, 0),
        op_run_in_type(c, 1), op_run_out(c, 0, lane, at), op_run_out_type(c, 0),
        op_run_out(c, 1, lane, first), last - first, width, c->node->attributes.eps);
}

static void rmsnorm_run(const struct op_call *c)
{
    const size_t *x = op_run_in_dims(c, 0);
    op_run_rows(c, x[0], x[1], rmsnorm_rows);
}

const struct op_row op_row_rmsnorm = {.name = "rmsnorm",
                                      .shape = rmsnorm_shape,
                                      .cost = op_shape_cost_bytes,
                                      .gradient = rmsnorm_gradient,
                                      .run = rmsnorm_run,
                                      .reference = rmsnorm_reference};

static void layernorm_rows(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    size_t width = op_run_in_dims(c, 0)[1], at = first * width;
    rows_kernels()->layernorm(op_run_in(c, 0, lane, at), op_run_in_type(c, 0),
                              op_run_in(c, 1, lane, 0), op_run_in(c, 2, lane, 0),
                              op_run_in_type(c, 1), op_run_out(c, 0, lane, at),
                              op_run_out_type(c, 0), op_run_out(c, 1, lane, 2 * first),
                              last - first, width, c->node->attributes.eps);
}

static void layernorm_run(const struct op_call *c)
{
    const size_t *x = op_run_in_dims(c, 0);
    op_run_rows(c, x[0], x[1], layernorm_rows);
}

const struct op_row op_row_layernorm = {.name = "layernorm",
                                        .shape = layernorm_shape,
                                        .cost = op_shape_cost_bytes,
                                        .gradient = layernorm_gradient,
                                        .run = layernorm_run,
                                        .reference = layernorm_reference};

static void norm_dx_shape(struct graph *g, struct node *n)
{
    size_t width = op_shape_matrix(g, n, 0, op_shape_rows(g), 0);
    op_shape_vector(g, n, 1, op_shape_input(g, n, 1)->type, width);
    op_shape_matrix(g, n, 2, op_shape_rows(g), width);
    op_shape_require(g, n, n->n_inputs == 4 && n->inputs[3] >= 0, "statistics are missing");
    op_shape_output_like(g, n, 0, n->inputs[0]);
}

// With xhat = (x - mean) * inverse and u = dy * gain: dx = inverse * (u - mean(u) - xhat * mean(u *
// xhat)); RMSNorm has no mean.
static void norm_dx_row(const struct op_call *c, size_t i, double mean, double inverse,
                        bool centered)
{
    size_t width = op_reference_in_dims(c, 0)[1];
    double sum = 0, dot = 0;
    for (size_t j = 0; j < width; j++) {
        double u = op_reference_in(c, 2, i * width + j) * op_reference_in(c, 1, j);
        sum += u;
        dot += u * (op_reference_in(c, 0, i * width + j) - mean) * inverse;
    }
    double shift = centered ? sum / (double)width : 0;
    for (size_t j = 0; j < width; j++) {
        double u = op_reference_in(c, 2, i * width + j) * op_reference_in(c, 1, j);
        double normal = (op_reference_in(c, 0, i * width + j) - mean) * inverse;
        op_reference_set(c, 0, i * width + j, inverse * (u - shift - normal * dot / (double)width));
    }
}

static void rmsnorm_dx_reference(const struct op_call *c)
{
    for (size_t i = 0; i < op_reference_in_dims(c, 0)[0]; i++)
        norm_dx_row(c, i, 0, op_reference_in(c, 3, i), false);
}

static void layernorm_dx_reference(const struct op_call *c)
{
    for (size_t i = 0; i < op_reference_in_dims(c, 0)[0]; i++)
        norm_dx_row(c, i, op_reference_in(c, 3, 2 * i), op_reference_in(c, 3, 2 * i + 1), true);
}

static void rmsnorm_dx_rows(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    size_t width = op_run_in_dims(c, 0)[1], at = first * width;
    rows_kernels()->rmsnorm_gradient(op_run_in(c, 0, lane, at), op_run_in_type(c, 0),
                                     op_run_in(c, 1, lane, 0), op_run_in_type(c, 1),
                                     op_run_in(c, 2, lane, at), op_run_in_type(c, 2),
                                     op_run_in(c, 3, lane, first), op_run_out(c, 0, lane, at),
                                     op_run_out_type(c, 0), last - first, width);
}

static void rmsnorm_dx_run(const struct op_call *c)
{
    const size_t *x = op_run_in_dims(c, 0);
    op_run_rows(c, x[0], x[1], rmsnorm_dx_rows);
}

const struct op_row op_row_rmsnorm_dx = {.name = "rmsnorm_dx",
                                         .shape = norm_dx_shape,
                                         .cost = op_shape_cost_bytes,
                                         .run = rmsnorm_dx_run,
                                         .reference = rmsnorm_dx_reference};

static void layernorm_dx_rows(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    size_t width = op_run_in_dims(c, 0)[1], at = first * width;
    rows_kernels()->layernorm_gradient(op_run_in(c, 0, lane, at), op_run_in_type(c, 0),
                                       op_run_in(c, 1, lane, 0), op_run_in_type(c, 1),
                                       op_run_in(c, 2, lane, at), op_run_in_type(c, 2),
                                       op_run_in(c, 3, lane, 2 * first), op_run_out(c, 0, lane, at),
                                       op_run_out_type(c, 0), last - first, width);
}

static void layernorm_dx_run(const struct op_call *c)
{
    const size_t *x = op_run_in_dims(c, 0);
    op_run_rows(c, x[0], x[1], layernorm_dx_rows);
}

const struct op_row op_row_layernorm_dx = {.name = "layernorm_dx",
                                           .shape = norm_dx_shape,
                                           .cost = op_shape_cost_bytes,
                                           .run = layernorm_dx_run,
                                           .reference = layernorm_dx_reference};

static void norm_gain_gradient_shape(struct graph *g, struct node *n)
{
    size_t width = op_shape_matrix(g, n, 0, op_shape_rows(g), 0);
    op_shape_matrix(g, n, 1, op_shape_rows(g), width);
    op_shape_require(g, n, n->n_inputs == 4 && (n->inputs[2] >= 0) != (n->inputs[3] >= 0),
                     "either 1/rms or moments are expected");
    op_shape_output(g, n, 0, DTYPE_F32, 1, &width);
    op_shape_output(g, n, 1, DTYPE_F32, 1, &width);
}

static void norm_gain_gradient_reference(const struct op_call *c)
{
    const size_t *x = op_reference_in_dims(c, 0);
    bool rms = c->in[2] != NULL;
    for (size_t j = 0; j < x[1]; j++) {
        double gain = 0, bias = 0;
        for (size_t i = 0; i < x[0]; i++) {
            double mean = rms ? 0 : op_reference_in(c, 3, 2 * i);
            double inverse = rms ? op_reference_in(c, 2, i) : op_reference_in(c, 3, 2 * i + 1);
            double dy = op_reference_in(c, 1, i * x[1] + j);
            gain += dy * (op_reference_in(c, 0, i * x[1] + j) - mean) * inverse;
            bias += dy;
        }
        if (c->out[0] != NULL) op_reference_sum(c, 0, j, gain);
        if (c->out[1] != NULL) op_reference_sum(c, 1, j, bias);
    }
}

static void norm_gain_gradient_columns(const struct op_call *c, size_t lane, size_t first,
                                       size_t last)
{
    const size_t *x = op_run_in_dims(c, 0);
    rows_kernels()->column_sums(op_run_in(c, 0, lane, 0), op_run_in_type(c, 0),
                                op_run_in(c, 1, lane, 0), op_run_in_type(c, 1),
                                op_run_in(c, 3, lane, 0), op_run_in(c, 2, lane, 0),
                                op_run_out(c, 0, lane, 0), op_run_out(c, 1, lane, 0),
                                c->node->attributes.accumulate, x[0], x[1], first, last);
}

static void norm_gain_gradient_run(const struct op_call *c)
{
    const size_t *x = op_run_in_dims(c, 0);
    op_run_columns(c, x[0], x[1], norm_gain_gradient_columns);
}

const struct op_row op_row_norm_gain_gradient = {.name = "norm_gain_gradient",
                                                 .shape = norm_gain_gradient_shape,
                                                 .cost = op_shape_cost_bytes,
                                                 .run = norm_gain_gradient_run,
                                                 .reference = norm_gain_gradient_reference};
