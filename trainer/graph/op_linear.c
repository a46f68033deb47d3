// Linear layers: y[R,N] = x[R,K] w[N,K]^T + bias[N], all in the compute dtype, and their three
// gradients.
#include "trainer/graph/gradient.h"
#include "trainer/graph/op_reference.h"
#include "trainer/graph/op_run.h"
#include "trainer/graph/op_shape.h"
#include "trainer/kernel/matmul.h"
#include "trainer/kernel/rows.h"

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

enum { PRODUCTS_AT_ONCE = 32 };

static size_t product_scratch(const struct graph *g, const struct node *n, size_t n_lanes,
                              size_t n_threads)
{
    (void)g, (void)n, (void)n_lanes;
    return n_threads * matmul_scratch_bytes();
}

typedef struct matmul (*product_fn)(const struct op_call *c, size_t lane);

// One product a lane, as few jobs.
static void run_lanes(const struct op_call *c, product_fn product)
{
    struct matmul list[PRODUCTS_AT_ONCE];
    for (size_t lane = 0; lane < c->n_lanes;) {
        size_t n_products = size_min(PRODUCTS_AT_ONCE, c->n_lanes - lane);
        for (size_t i = 0; i < n_products; i++)
            list[i] = product(c, lane + i);
        matmul_run(list, n_products, c->pool, c->scratch);
        lane += n_products;
    }
}

// Lanes that lie one after another are one tall product: the bits are the same (I2 a).
static void run_tall(const struct op_call *c, product_fn product)
{
    if (c->n_lanes == 0) return;
    if (!op_run_dense(c, 1, 1)) {
        run_lanes(c, product);
        return;
    }
    struct matmul tall = product(c, 0);
    tall.m *= c->n_lanes;
    matmul_run(&tall, 1, c->pool, c->scratch);
}

static struct matmul linear_product(const struct op_call *c, size_t lane)
{
    const size_t *w = op_run_in_dims(c, 1), k = w[1];
    return (struct matmul){.type = op_run_in_type(c, 1),
                           .a = op_run_in(c, 0, lane, 0),
                           .a_row_stride = k,
                           .a_k_stride = 1,
                           .b = op_run_in(c, 1, lane, 0),
                           .b_row_stride = k,
                           .b_k_stride = 1,
                           .out = op_run_out(c, 0, lane, 0),
                           .out_type = op_run_out_type(c, 0),
                           .out_row_stride = w[0],
                           .bias = op_run_in(c, 2, lane, 0),
                           .m = op_run_in_dims(c, 0)[0],
                           .n = w[0],
                           .k = k};
}

static void linear_run(const struct op_call *c)
{
    run_tall(c, linear_product);
}

const struct op_row op_row_linear = {.name = "linear",
                                     .shape = linear_shape,
                                     .cost = product_cost,
                                     .gradient = linear_gradient,
                                     .run = linear_run,
                                     .scratch_bytes = product_scratch,
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

static struct matmul linear_dx_product(const struct op_call *c, size_t lane)
{
    const size_t *w = op_run_in_dims(c, 1);
    return (struct matmul){.type = op_run_in_type(c, 1),
                           .a = op_run_in(c, 0, lane, 0),
                           .a_row_stride = w[0],
                           .a_k_stride = 1,
                           .b = op_run_in(c, 1, lane, 0),
                           .b_row_stride = 1,
                           .b_k_stride = w[1],
                           .out = op_run_out(c, 0, lane, 0),
                           .out_type = op_run_out_type(c, 0),
                           .out_row_stride = w[1],
                           .m = op_run_in_dims(c, 0)[0],
                           .n = w[1],
                           .k = w[0]};
}

static void linear_dx_run(const struct op_call *c)
{
    run_tall(c, linear_dx_product);
}

const struct op_row op_row_linear_dx = {.name = "linear_dx",
                                        .shape = linear_dx_shape,
                                        .cost = product_cost,
                                        .run = linear_dx_run,
                                        .scratch_bytes = product_scratch,
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

static struct matmul linear_dw_product(const struct op_call *c, size_t lane)
{
    const size_t *w = op_run_out_dims(c, 0);
    return (struct matmul){.type = op_run_in_type(c, 0),
                           .a = op_run_in(c, 0, lane, 0),
                           .a_row_stride = 1,
                           .a_k_stride = w[0],
                           .b = op_run_in(c, 1, lane, 0),
                           .b_row_stride = 1,
                           .b_k_stride = w[1],
                           .out = op_run_out(c, 0, lane, 0),
                           .out_type = DTYPE_F32,
                           .out_row_stride = w[1],
                           .accumulate = c->node->attributes.accumulate,
                           .m = w[0],
                           .n = w[1],
                           .k = op_run_in_dims(c, 0)[0]};
}

static void linear_dw_run(const struct op_call *c)
{
    run_lanes(c, linear_dw_product);
}

const struct op_row op_row_linear_dw = {.name = "linear_dw",
                                        .shape = linear_dw_shape,
                                        .cost = product_cost,
                                        .run = linear_dw_run,
                                        .scratch_bytes = product_scratch,
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

static void bias_gradient_columns(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    const size_t *dy = op_run_in_dims(c, 0);
    rows_kernels()->column_sums(NULL, DTYPE_F32, op_run_in(c, 0, lane, 0), op_run_in_type(c, 0),
                                NULL, NULL, NULL, op_run_out(c, 0, lane, 0),
                                c->node->attributes.accumulate, dy[0], dy[1], first, last);
}

static void bias_gradient_run(const struct op_call *c)
{
    const size_t *dy = op_run_in_dims(c, 0);
    op_run_columns(c, dy[0], dy[1], bias_gradient_columns);
}

const struct op_row op_row_bias_gradient = {.name = "bias_gradient",
                                            .shape = bias_gradient_shape,
                                            .cost = op_shape_cost_bytes,
                                            .run = bias_gradient_run,
                                            .reference = bias_gradient_reference};
