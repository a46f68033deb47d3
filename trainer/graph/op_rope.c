// Rotary positions, half-split: pair (i, i + D/2) of every head is turned by the angle of its
// position. The gradient turns back.
#include "trainer/graph/gradient.h"
#include "trainer/graph/op_reference.h"
#include "trainer/graph/op_run.h"
#include "trainer/graph/op_shape.h"
#include "trainer/kernel/rows.h"

// Inputs x[R, H*D], positions[R], table[n_positions, D/2, 2]; attributes n_heads, head_size.
static void rope_shape(struct graph *g, struct node *n)
{
    const struct attributes *a = &n->attributes;
    op_shape_matrix(g, n, 0, op_shape_rows(g), a->n_heads * a->head_size);
    op_shape_vector(g, n, 1, DTYPE_I32, op_shape_rows(g));
    const struct tensor *table = op_shape_input(g, n, 2);
    op_shape_require(g, n,
                     table->n_dims == 3 && table->dims[1] * 2 == a->head_size &&
                         table->dims[2] == 2 && table->type == DTYPE_F32,
                     "the table of angles must be f32 [positions, head_size/2, 2]");
    op_shape_output_like(g, n, 0, n->inputs[0]);
}

static void rope_gradient_rule(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    if (!gradient_wanted(d, n.inputs[0])) return;
    int inputs[] = {gradient_of(d, n.outputs[0]), n.inputs[1], n.inputs[2]};
    struct node *dx = gradient_node(d, OP_ROPE_GRADIENT, 3, inputs, &n.attributes, 0, NULL);
    gradient_add(d, n.inputs[0], dx->outputs[0]);
}

static void turn(const struct op_call *c, double sign)
{
    const size_t width = op_reference_in_dims(c, 0)[1], n_rows = op_reference_in_dims(c, 0)[0];
    const size_t size = c->node->attributes.head_size, half = size / 2;
    for (size_t i = 0; i < n_rows; i++)
        for (size_t head = 0; head < width; head += size)
            for (size_t j = 0; j < half; j++) {
                size_t angle = ((size_t)op_reference_index(c, 1, i) * half + j) * 2;
                double cosine = op_reference_in(c, 2, angle);
                double sine = sign * op_reference_in(c, 2, angle + 1);
                size_t at = i * width + head + j;
                double a = op_reference_in(c, 0, at), b = op_reference_in(c, 0, at + half);
                op_reference_set(c, 0, at, a * cosine - b * sine);
                op_reference_set(c, 0, at + half, b * cosine + a * sine);
            }
}

static void rope_reference(const struct op_call *c)
{
    turn(c, 1);
}

static void rope_gradient_reference(const struct op_call *c)
{
    turn(c, -1);
}

static void turn_rows(const struct op_call *c, size_t lane, size_t first, size_t last, float sign)
{
    const struct attributes *a = &c->node->attributes;
    size_t at = first * a->n_heads * a->head_size;
    rows_kernels()->rope(op_run_in(c, 0, lane, at), op_run_in_type(c, 0),
                         op_run_in(c, 1, lane, first), op_run_in(c, 2, lane, 0), sign,
                         op_run_out(c, 0, lane, at), op_run_out_type(c, 0), last - first,
                         a->n_heads, a->head_size);
}

static void rope_rows(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    turn_rows(c, lane, first, last, 1);
}

static void rope_gradient_rows(const struct op_call *c, size_t lane, size_t first, size_t last)
{
    turn_rows(c, lane, first, last, -1);
}

static void rope_run(const struct op_call *c)
{
    const size_t *x = op_run_in_dims(c, 0);
    op_run_rows(c, x[0], x[1], rope_rows);
}

static void rope_gradient_run(const struct op_call *c)
{
    const size_t *x = op_run_in_dims(c, 0);
    op_run_rows(c, x[0], x[1], rope_gradient_rows);
}

const struct op_row op_row_rope = {.name = "rope",
                                   .shape = rope_shape,
                                   .cost = op_shape_cost_bytes,
                                   .gradient = rope_gradient_rule,
                                   .run = rope_run,
                                   .reference = rope_reference};

const struct op_row op_row_rope_gradient = {.name = "rope_gradient",
                                            .shape = rope_shape,
                                            .cost = op_shape_cost_bytes,
                                            .run = rope_gradient_run,
                                            .reference = rope_gradient_reference};
