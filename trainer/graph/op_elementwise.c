// Elementwise ops: activations, products, sums, casts.
#include <math.h>

#include "trainer/graph/gradient.h"
#include "trainer/graph/op_reference.h"
#include "trainer/graph/op_run.h"
#include "trainer/graph/op_shape.h"
#include "trainer/kernel/rows.h"

static size_t n_elems(const struct op_call *c)
{
    return graph_elems(c->graph, c->node->outputs[0]);
}

static void unary_shape(struct graph *g, struct node *n)
{
    op_shape_require(g, n, n->n_inputs == 1, "one input is expected");
    op_shape_output_like(g, n, 0, n->inputs[0]);
}

static void require_pair(const struct graph *g, const struct node *n)
{
    op_shape_require(g, n, n->n_inputs == 2, "two inputs are expected");
    op_shape_matrix(g, n, 1, op_shape_input(g, n, 0)->dims[0], op_shape_input(g, n, 0)->dims[1]);
}

static double activation_value(int f, double x)
{
    switch ((enum activation)f) {
    case ACTIVATION_GELU:
        return x * 0.5 * (1 + erf(x * sqrt(0.5)));
    case ACTIVATION_GELU_TANH:
        return x * 0.5 * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case ACTIVATION_RELU2:
        return x > 0 ? x * x : 0;
    }
    err_abort(__FILE__, __LINE__, "activation %d is unknown", f);
}

static double gelu_tanh_slope(double x)
{
    double t = tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x));
    double inner = sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * inner;
}

static double activation_slope(int f, double x)
{
    double sigmoid = 1 / (1 + exp(-x));
    switch ((enum activation)f) {
    case ACTIVATION_GELU:
        return 0.5 * (1 + erf(x * sqrt(0.5))) + x * exp(-x * x / 2) / sqrt(2 * M_PI);
    case ACTIVATION_GELU_TANH:
        return gelu_tanh_slope(x);
    case ACTIVATION_SILU:
        return sigmoid * (1 + x * (1 - sigmoid));
    case ACTIVATION_RELU2:
        return x > 0 ? 2 * x : 0;
    }
    err_abort(__FILE__, __LINE__, "activation %d is unknown", f);
}

static void activate_gradient_rule(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    int inputs[] = {n.inputs[0], gradient_of(d, n.outputs[0])};
    struct node *dx = gradient_node(d, OP_ACTIVATE_GRADIENT, 2, inputs, &n.attributes, 0, NULL);
    gradient_add(d, n.inputs[0], dx->outputs[0]);
}

static void activate_reference(const struct op_call *c)
{
    for (size_t i = 0; i < n_elems(c); i++)
        op_reference_set(
            c, 0, i, activation_value(c->node->attributes.activation, op_reference_in(c, 0, i)));
}

static void activate_elems(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    rows_kernels()->activate((enum activation)c->node->attributes.activation,
                             op_run_in(c, 0, lane, first), op_run_in_type(c, 0),
                             op_run_out(c, 0, lane, first), op_run_out_type(c, 0), last - first);
}

static void activate_run(const struct op_call *c)
{
    op_run_rows(c, n_elems(c), 1, activate_elems);
}

const struct op_row op_row_activate = {.name = "activate",
                                       .shape = unary_shape,
                                       .cost = op_shape_cost_bytes,
                                       .gradient = activate_gradient_rule,
                                       .run = activate_run,
                                       .reference = activate_reference};

static void activate_gradient_shape(struct graph *g, struct node *n)
{
    require_pair(g, n);
    op_shape_output_like(g, n, 0, n->inputs[0]);
}

static void activate_gradient_reference(const struct op_call *c)
{
    for (size_t i = 0; i < n_elems(c); i++)
        op_reference_set(
            c, 0, i,
            activation_slope(c->node->attributes.activation, op_reference_in(c, 0, i)) *
                op_reference_in(c, 1, i));
}

static void activate_gradient_elems(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    rows_kernels()->activate_gradient(
        (enum activation)c->node->attributes.activation, op_run_in(c, 0, lane, first),
        op_run_in_type(c, 0), op_run_in(c, 1, lane, first), op_run_in_type(c, 1),
        op_run_out(c, 0, lane, first), op_run_out_type(c, 0), last - first);
}

static void activate_gradient_run(const struct op_call *c)
{
    op_run_rows(c, n_elems(c), 1, activate_gradient_elems);
}

const struct op_row op_row_activate_gradient = {.name = "activate_gradient",
                                                .shape = activate_gradient_shape,
                                                .cost = op_shape_cost_bytes,
                                                .run = activate_gradient_run,
                                                .reference = activate_gradient_reference};

static void multiply_shape(struct graph *g, struct node *n)
{
    require_pair(g, n);
    op_shape_output_like(g, n, 0, n->inputs[0]);
}

static void multiply_gradient(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    for (int i = 0; i < 2; i++) {
        if (!gradient_wanted(d, n.inputs[i])) continue;
        int inputs[] = {gradient_of(d, n.outputs[0]), n.inputs[1 - i]};
        struct node *part = gradient_node(d, OP_MULTIPLY, 2, inputs, NULL, 0, NULL);
        gradient_add(d, n.inputs[i], part->outputs[0]);
    }
}

static void multiply_reference(const struct op_call *c)
{
    for (size_t i = 0; i < n_elems(c); i++)
        op_reference_set(c, 0, i, op_reference_in(c, 0, i) * op_reference_in(c, 1, i));
}

static void multiply_elems(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    rows_kernels()->multiply(op_run_in(c, 0, lane, first), op_run_in_type(c, 0),
                             op_run_in(c, 1, lane, first), op_run_in_type(c, 1),
                             op_run_out(c, 0, lane, first), op_run_out_type(c, 0), last - first);
}

static void multiply_run(const struct op_call *c)
{
    op_run_rows(c, n_elems(c), 1, multiply_elems);
}

const struct op_row op_row_multiply = {.name = "multiply",
                                       .shape = multiply_shape,
                                       .cost = op_shape_cost_bytes,
                                       .gradient = multiply_gradient,
                                       .run = multiply_run,
                                       .reference = multiply_reference};

// f32 when either input is: the residual stream stays f32 whatever is added to it.
static void add_shape(struct graph *g, struct node *n)
{
    require_pair(g, n);
    bool second = op_shape_input(g, n, 1)->type == DTYPE_F32;
    op_shape_output_like(g, n, 0, n->inputs[second ? 1 : 0]);
}

static void add_gradient(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    int dy = gradient_of(d, n.outputs[0]);
    for (int i = 0; i < 2; i++)
        if (gradient_wanted(d, n.inputs[i])) gradient_add(d, n.inputs[i], dy);
}

static void add_reference(const struct op_call *c)
{
    for (size_t i = 0; i < n_elems(c); i++)
        op_reference_set(c, 0, i, op_reference_in(c, 0, i) + op_reference_in(c, 1, i));
}

static void add_elems(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    rows_kernels()->add(op_run_in(c, 0, lane, first), op_run_in_type(c, 0),
                        op_run_in(c, 1, lane, first), op_run_in_type(c, 1),
                        op_run_out(c, 0, lane, first), op_run_out_type(c, 0), last - first);
}

static void add_run(const struct op_call *c)
{
    op_run_rows(c, n_elems(c), 1, add_elems);
}

const struct op_row op_row_add = {.name = "add",
                                  .shape = add_shape,
                                  .cost = op_shape_cost_bytes,
                                  .gradient = add_gradient,
                                  .run = add_run,
                                  .reference = add_reference};

static void cast_shape(struct graph *g, struct node *n)
{
    op_shape_require(g, n, n->n_inputs == 1 && n->attributes.type != DTYPE_I32,
                     "one input and a float type are expected");
    const struct tensor x = *op_shape_input(g, n, 0);
    op_shape_output(g, n, 0, n->attributes.type, x.n_dims, x.dims);
}

// gradient_add casts back.
static void cast_gradient(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    gradient_add(d, n.inputs[0], gradient_of(d, n.outputs[0]));
}

static void cast_reference(const struct op_call *c)
{
    for (size_t i = 0; i < n_elems(c); i++)
        op_reference_set(c, 0, i, op_reference_in(c, 0, i));
}

static void cast_elems(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    rows_kernels()->cast(op_run_in(c, 0, lane, first), op_run_in_type(c, 0),
                         op_run_out(c, 0, lane, first), op_run_out_type(c, 0), last - first);
}

static void cast_run(const struct op_call *c)
{
    op_run_rows(c, n_elems(c), 1, cast_elems);
}

const struct op_row op_row_cast = {.name = "cast",
                                   .shape = cast_shape,
                                   .cost = op_shape_cost_bytes,
                                   .gradient = cast_gradient,
                                   .run = cast_run,
                                   .reference = cast_reference};
