// The head: output projection fused with softmax cross-entropy (kernel/head.h says the formula),
// its gradient, and logits for decoding.
#include <math.h>

#include "trainer/graph/gradient.h"
#include "trainer/graph/op_reference.h"
#include "trainer/graph/op_run.h"
#include "trainer/graph/op_shape.h"
#include "trainer/kernel/head.h"

static void require_projection(const struct graph *g, const struct node *n)
{
    size_t width = op_shape_matrix(g, n, 0, op_shape_rows(g), 0);
    const struct tensor *w = op_shape_input(g, n, 1);
    op_shape_matrix(g, n, 1, w->dims[0], width);
    op_shape_require(g, n, op_shape_input(g, n, 0)->type == w->type,
                     "x and w have different types");
}

static void require_targets(const struct graph *g, const struct node *n)
{
    op_shape_vector(g, n, 2, DTYPE_I32, op_shape_rows(g));
    op_shape_vector(g, n, 3, DTYPE_F32, op_shape_rows(g));
}

static double projection_flops(const struct graph *g, const struct node *n)
{
    return 2 * (double)op_shape_rows(g) * (double)graph_elems(g, n->inputs[1]);
}

// Inputs x[R,C] w[V,C] targets[R] mask[R]; output loss f32 [R].
static void head_shape(struct graph *g, struct node *n)
{
    require_projection(g, n);
    require_targets(g, n);
    op_shape_output(g, n, 0, DTYPE_F32, 1, (size_t[]){op_shape_rows(g)});
}

static struct cost head_cost(const struct graph *g, const struct node *n)
{
    return op_shape_cost(g, n, projection_flops(g, n));
}

// HEAD_GRADIENT starts the backward pass: its only seed is loss_scale, and it writes the loss
// itself.
static void head_gradient_rule(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    op_shape_require(d->g, &n, n.outputs[0] == d->g->loss, "only the loss of the graph is a seed");
    struct attributes attributes = n.attributes;
    int dw = gradient_parameter(d, n.inputs[1], &attributes.accumulate);
    bool wants_x = gradient_wanted(d, n.inputs[0]);
    int scale = graph_add_tensor(d->g, TENSOR_INPUT, DTYPE_F32, "loss_scale", 1, (size_t[]){1});
    int inputs[] = {n.inputs[0], n.inputs[1], n.inputs[2], n.inputs[3], scale};
    int outputs[] = {wants_x ? TENSOR_MAKE : TENSOR_NONE, dw, d->g->loss};
    struct node *made = gradient_node(d, OP_HEAD_GRADIENT, 5, inputs, &attributes, 3, outputs);
    if (wants_x) gradient_add(d, n.inputs[0], made->outputs[0]);
}

// z'[i, j], the logit after the softcap; *slope (may be NULL) its derivative by the raw logit.
static double logit(const struct op_call *c, size_t i, size_t j, double *slope)
{
    const size_t width = op_reference_in_dims(c, 0)[1];
    double sum = 0, cap = (double)c->node->attributes.softcap;
    for (size_t k = 0; k < width; k++)
        sum += op_reference_in(c, 0, i * width + k) * op_reference_in(c, 1, j * width + k);
    double squashed = cap > 0 ? tanh(sum / cap) : 0;
    if (slope != NULL) *slope = 1 - squashed * squashed;
    return cap > 0 ? cap * squashed : sum;
}

static double head_log_z(const struct op_call *c, size_t i)
{
    const size_t vocabulary = op_reference_in_dims(c, 1)[0];
    double top = -HUGE_VAL, sum = 0;
    for (size_t j = 0; j < vocabulary; j++)
        top = fmax(top, logit(c, i, j, NULL));
    for (size_t j = 0; j < vocabulary; j++)
        sum += exp(logit(c, i, j, NULL) - top);
    return top + log(sum);
}

static double head_loss(const struct op_call *c, size_t i, double log_z)
{
    double target = logit(c, i, (size_t)op_reference_index(c, 2, i), NULL);
    double z_loss = (double)c->node->attributes.z_loss;
    return op_reference_in(c, 3, i) * (log_z - target + z_loss * log_z * log_z);
}

static void head_reference_rule(const struct op_call *c)
{
    for (size_t i = 0; i < op_reference_in_dims(c, 0)[0]; i++)
        op_reference_set(c, 0, i, head_loss(c, i, head_log_z(c, i)));
}

static struct head kernel_view(const struct op_call *c, size_t lane)
{
    const size_t *w = op_run_in_dims(c, 1);
    return (struct head){.type = op_run_in_type(c, 1),
                         .n_rows = op_run_in_dims(c, 0)[0],
                         .width = w[1],
                         .vocabulary = w[0],
                         .softcap = c->node->attributes.softcap,
                         .z_loss = c->node->attributes.z_loss,
                         .x = op_run_in(c, 0, lane, 0),
                         .w = op_run_in(c, 1, lane, 0)};
}

static size_t head_scratch(const struct graph *g, const struct node *n, size_t n_lanes,
                           size_t n_threads)
{
    (void)n_lanes;
    const struct op_call c = {.graph = g, .node = n};
    const struct head h = kernel_view(&c, 0);
    return head_scratch_bytes(&h, n_threads);
}

static void head_run(const struct op_call *c)
{
    for (size_t lane = 0; lane < c->n_lanes; lane++) {
        struct head h = kernel_view(c, lane);
        h.targets = op_run_in(c, 2, lane, 0);
        h.mask = op_run_in(c, 3, lane, 0);
        h.loss = op_run_out(c, 0, lane, 0);
        head_forward(&h, c->pool, c->scratch);
    }
}

const struct op_row op_row_head = {.name = "head",
                                   .shape = head_shape,
                                   .cost = head_cost,
                                   .gradient = head_gradient_rule,
                                   .run = head_run,
                                   .scratch_bytes = head_scratch,
                                   .reference = head_reference_rule};

// Inputs x w targets mask loss_scale[1]; outputs d_x[R,C]?, d_w f32 [V,C]?, loss f32 [R].
static void head_gradient_shape(struct graph *g, struct node *n)
{
    require_projection(g, n);
    require_targets(g, n);
    op_shape_vector(g, n, 4, DTYPE_F32, 1);
    op_shape_output_like(g, n, 0, n->inputs[0]);
    const struct tensor w = *op_shape_input(g, n, 1);
    op_shape_output(g, n, 1, DTYPE_F32, 2, w.dims);
    op_shape_output(g, n, 2, DTYPE_F32, 1, (size_t[]){op_shape_rows(g)});
}

static struct cost head_gradient_cost(const struct graph *g, const struct node *n)
{
    int products = 1 + (n->outputs[0] >= 0) + (n->outputs[1] >= 0);
    return op_shape_cost(g, n, products * projection_flops(g, n));
}

// d loss / d raw logit (i, j).
static double logit_gradient(const struct op_call *c, size_t i, size_t j, double log_z)
{
    double slope, p = exp(logit(c, i, j, &slope) - log_z);
    double z_loss = (double)c->node->attributes.z_loss;
    double hit = (size_t)op_reference_index(c, 2, i) == j ? 1 : 0;
    double scale = op_reference_in(c, 4, 0) * op_reference_in(c, 3, i);
    return scale * slope * (p * (1 + 2 * z_loss * log_z) - hit);
}

// Sums of one call: d_x and d_w in f64.
static void head_gradient_row(const struct op_call *c, size_t i, double *d_x, double *d_w)
{
    const size_t *w = op_reference_in_dims(c, 1);
    double log_z = head_log_z(c, i);
    op_reference_set(c, 2, i, head_loss(c, i, log_z));
    for (size_t j = 0; j < w[0]; j++) {
        double dz = logit_gradient(c, i, j, log_z);
        for (size_t k = 0; k < w[1]; k++) {
            d_x[i * w[1] + k] += dz * op_reference_in(c, 1, j * w[1] + k);
            d_w[j * w[1] + k] += dz * op_reference_in(c, 0, i * w[1] + k);
        }
    }
}

static void head_gradient_reference_rule(const struct op_call *c)
{
    struct arena a;
    arena_init(&a, "head reference");
    const size_t n_x = graph_elems(c->graph, c->node->inputs[0]);
    const size_t n_w = graph_elems(c->graph, c->node->inputs[1]);
    double *d_x = ARENA_ARRAY(&a, double, n_x), *d_w = ARENA_ARRAY(&a, double, n_w);
    for (size_t i = 0; i < op_reference_in_dims(c, 0)[0]; i++)
        head_gradient_row(c, i, d_x, d_w);
    for (size_t i = 0; i < n_x && c->out[0] != NULL; i++)
        op_reference_set(c, 0, i, d_x[i]);
    for (size_t i = 0; i < n_w && c->out[1] != NULL; i++)
        op_reference_sum(c, 1, i, d_w[i]);
    arena_fini(&a);
}

static void head_gradient_run(const struct op_call *c)
{
    for (size_t lane = 0; lane < c->n_lanes; lane++) {
        struct head h = kernel_view(c, lane);
        h.targets = op_run_in(c, 2, lane, 0);
        h.mask = op_run_in(c, 3, lane, 0);
        h.scale = *(const float *)op_run_in(c, 4, lane, 0);
        h.d_x = op_run_out(c, 0, lane, 0);
        h.d_w = op_run_out(c, 1, lane, 0);
        h.accumulate_d_w = c->node->attributes.accumulate;
        h.loss = op_run_out(c, 2, lane, 0);
        head_gradient(&h, c->pool, c->scratch);
    }
}

const struct op_row op_row_head_gradient = {.name = "head_gradient",
                                            .shape = head_gradient_shape,
                                            .cost = head_gradient_cost,
                                            .run = head_gradient_run,
                                            .scratch_bytes = head_scratch,
                                            .reference = head_gradient_reference_rule};

// Inputs x[R,C] w[V,C]; output f32 [R,V].
static void logits_shape(struct graph *g, struct node *n)
{
    require_projection(g, n);
    size_t vocabulary = op_shape_input(g, n, 1)->dims[0];
    op_shape_output(g, n, 0, DTYPE_F32, 2, (size_t[]){op_shape_rows(g), vocabulary});
}

static void logits_reference(const struct op_call *c)
{
    const size_t *dims = op_reference_out_dims(c, 0);
    for (size_t i = 0; i < dims[0]; i++)
        for (size_t j = 0; j < dims[1]; j++)
            op_reference_set(c, 0, i * dims[1] + j, logit(c, i, j, NULL));
}

static void logits_run(const struct op_call *c)
{
    for (size_t lane = 0; lane < c->n_lanes; lane++) {
        const struct head h = kernel_view(c, lane);
        head_logits(&h, op_run_out(c, 0, lane, 0), c->pool, c->scratch);
    }
}

const struct op_row op_row_logits = {.name = "logits",
                                     .shape = logits_shape,
                                     .cost = head_cost,
                                     .run = logits_run,
                                     .scratch_bytes = head_scratch,
                                     .reference = logits_reference};
