#include "trainer/graph/gradient.h"

#include <string.h>

#include "trainer/graph/op.h"

// What a node makes is wanted when something that it reads is.
static void spread_wanted(struct gradient *d)
{
    for (int i = 0; i < d->g->n_forward_nodes; i++) {
        const struct node *n = &d->g->nodes[i];
        bool wanted = false;
        for (int j = 0; j < n->n_inputs; j++)
            wanted |= gradient_wanted(d, n->inputs[j]);
        for (int j = 0; j < n->n_outputs && wanted; j++)
            if (n->outputs[j] >= 0) d->wanted[n->outputs[j]] = true;
    }
}

struct gradient *gradient_begin(struct graph *g)
{
    ASSERT(g->n_forward_nodes == g->n_nodes);
    struct gradient *d = ARENA_NEW(g->arena, struct gradient);
    *d = (struct gradient){.g = g,
                           .n_tensors = g->n_tensors,
                           .of = ARENA_ARRAY(g->arena, int, g->n_tensors),
                           .wanted = ARENA_ARRAY(g->arena, bool, g->n_tensors)};
    for (int i = 0; i < g->n_tensors; i++)
        d->of[i] = TENSOR_NONE;
    for (int i = 0; i < g->n_parameters; i++)
        d->wanted[g->parameters[i].tensor] = g->parameters[i].trainable;
    spread_wanted(d);
    return d;
}

void gradient_want(struct gradient *d, int tensor)
{
    ASSERT(tensor >= 0 && tensor < d->n_tensors);
    d->wanted[tensor] = true;
    spread_wanted(d);
}

int gradient_of(const struct gradient *d, int tensor)
{
    return tensor >= 0 && tensor < d->n_tensors ? d->of[tensor] : TENSOR_NONE;
}

bool gradient_wanted(const struct gradient *d, int tensor)
{
    return tensor >= 0 && tensor < d->n_tensors && d->wanted[tensor];
}

struct node *gradient_node(struct gradient *d, int op, int n_inputs, const int *inputs,
                           const struct attributes *attributes, int n_outputs, const int *outputs)
{
    struct node *n = graph_node_into(d->g, op, n_inputs, inputs, attributes, n_outputs, outputs);
    n->layer = d->layer;
    n->backward = true;
    return n;
}

static int cast_like(struct gradient *d, int tensor, int part)
{
    enum dtype type = d->g->tensors[tensor].type;
    if (d->g->tensors[part].type == type) return part;
    return gradient_node(d, OP_CAST, 1, &part, &(struct attributes){.type = type}, 0, NULL)
        ->outputs[0];
}

void gradient_add(struct gradient *d, int tensor, int part)
{
    ASSERT(gradient_wanted(d, tensor) && part >= 0);
    ASSERT(graph_elems(d->g, tensor) == graph_elems(d->g, part));
    part = cast_like(d, tensor, part);
    if (d->of[tensor] >= 0)
        part = gradient_node(d, OP_ADD, 2, (int[]){d->of[tensor], part}, NULL, 0, NULL)->outputs[0];
    if (part >= d->n_tensors && strncmp(d->g->tensors[part].name, "d(", 2) != 0)
        graph_name(d->g, part, "d(%.60s)", d->g->tensors[tensor].name);
    d->of[tensor] = part;
}

int gradient_parameter(struct gradient *d, int tensor, bool *accumulate)
{
    if (tensor < 0) return TENSOR_NONE;
    struct graph *g = d->g;
    ASSERT(g->tensors[tensor].kind == TENSOR_PARAMETER);
    int parameter = g->tensors[tensor].parameter;
    if (!g->parameters[parameter].trainable) return TENSOR_NONE;
    bool written = g->parameters[parameter].gradient >= 0;
    if (accumulate != NULL) *accumulate = written;
    if (written) return g->parameters[parameter].gradient;

    const struct parameter p = g->parameters[parameter];
    int gradient = graph_add_tensor(g, TENSOR_GRADIENT, DTYPE_F32, "", p.n_dims, p.dims);
    graph_name(g, gradient, "d(%.60s)", p.name);
    g->tensors[gradient].parameter = parameter;
    g->tensors[gradient].unit = p.unit;
    return g->parameters[parameter].gradient = gradient;
}

static bool passes_on(const struct gradient *d, const struct node *n)
{
    bool wanted = false, arrived = false;
    for (int i = 0; i < n->n_inputs; i++)
        wanted |= gradient_wanted(d, n->inputs[i]);
    for (int i = 0; i < n->n_outputs; i++)
        arrived |= gradient_of(d, n->outputs[i]) >= 0 ||
                   (n->outputs[i] >= 0 && n->outputs[i] == d->g->loss);
    return wanted && arrived;
}

void gradient_walk(struct gradient *d)
{
    for (int i = d->g->n_forward_nodes - 1; i >= 0; i--) {
        const struct node *n = &d->g->nodes[i];
        if (!passes_on(d, n)) continue;
        const struct op_row *row = op_row(n->op);
        if (row->gradient == NULL)
            err_abort(__FILE__, __LINE__, "op %s has no gradient but needs one", row->name);
        d->layer = n->layer;
        row->gradient(d, i);
    }
}
