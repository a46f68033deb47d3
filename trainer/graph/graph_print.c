// A graph as text, one line a parameter and one a node, for people and golden tests.
#include "base/text.h"
#include "trainer/graph/op.h"

static void say_dims(struct text *t, int n_dims, const size_t *dims)
{
    for (int i = 0; i < n_dims; i++)
        text_printf(t, "%s%zu", i == 0 ? "[" : ",", dims[i]);
    text_printf(t, "]");
}

static void say_parameter(struct text *t, const struct graph *g, const struct parameter *p)
{
    text_printf(t, "parameter %s ", p->name);
    say_dims(t, p->n_dims, p->dims);
    text_printf(t, " unit %s", g->units[p->unit].name);
    switch (p->init) {
    case INIT_NORMAL:
        text_printf(t, " normal %.6g", (double)p->init_std);
        break;
    case INIT_ONES:
        text_printf(t, " ones");
        break;
    case INIT_ZEROS:
        text_printf(t, " zeros");
        break;
    }
    text_printf(t, "%s%s\n", p->decay ? " decay" : "", p->trainable ? "" : " frozen");
}

static void say_operand(struct text *t, const struct graph *g, int tensor, bool typed)
{
    if (tensor < 0) {
        text_printf(t, " -");
        return;
    }
    text_printf(t, " %%%d:%s", tensor, g->tensors[tensor].name);
    if (!typed) return;
    text_printf(t, " %s", dtype_name(g->tensors[tensor].type));
    say_dims(t, g->tensors[tensor].n_dims, g->tensors[tensor].dims);
}

static void say_attributes(struct text *t, const struct attributes *a)
{
    if (a->n_heads > 0) text_printf(t, " heads %zu", a->n_heads);
    if (a->n_kv_heads > 0) text_printf(t, " kv_heads %zu", a->n_kv_heads);
    if (a->scale > 0) text_printf(t, " scale %.6g", (double)a->scale);
    if (a->eps > 0) text_printf(t, " eps %.6g", (double)a->eps);
    if (a->softcap > 0) text_printf(t, " softcap %.6g", (double)a->softcap);
    if (a->z_loss > 0) text_printf(t, " z_loss %.6g", (double)a->z_loss);
    if (a->accumulate) text_printf(t, " accumulate");
}

static void say_node(struct text *t, const struct graph *g, int i)
{
    const struct node *n = &g->nodes[i];
    const struct cost cost = graph_node_cost(g, n);
    text_printf(t, "node %d %s layer %d:", i, op_row(n->op)->name, n->layer);
    for (int j = 0; j < n->n_inputs; j++)
        say_operand(t, g, n->inputs[j], false);
    text_printf(t, " ->");
    for (int j = 0; j < n->n_outputs; j++)
        say_operand(t, g, n->outputs[j], true);
    say_attributes(t, &n->attributes);
    if (cost.flops > 0) text_printf(t, " flops %.0f", cost.flops);
    text_printf(t, " bytes %.0f\n", cost.bytes);
}

char *graph_print(const struct graph *g, struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    uint64_t n_elems = 0;
    for (int i = 0; i < g->n_parameters; i++)
        n_elems += g->parameters[i].n_elems;
    text_printf(&t, "graph rows %zu sequence %zu compute %s layers %d parameters %llu\n", g->rows,
                g->sequence, dtype_name(g->compute), g->n_layers, (unsigned long long)n_elems);
    for (int i = 0; i < g->n_parameters; i++)
        say_parameter(&t, g, &g->parameters[i]);
    for (int i = 0; i < g->n_nodes; i++) {
        if (i == g->n_forward_nodes) text_printf(&t, "backward\n");
        say_node(&t, g, i);
    }
    return t.data;
}
