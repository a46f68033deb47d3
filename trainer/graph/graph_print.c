// A graph as text, one line a parameter and one a node, for people and golden tests.
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "trainer/graph/op.h"

struct text {
    struct arena *arena;
    char *data;
    size_t used_bytes, capacity_bytes;
};

static void reserve(struct text *t, size_t n_bytes)
{
    if (t->used_bytes + n_bytes < t->capacity_bytes) return;
    size_t capacity_bytes = size_max(2 * t->capacity_bytes, t->used_bytes + n_bytes + 1);
    char *moved = arena_alloc(t->arena, capacity_bytes, 1);
    if (t->used_bytes > 0) memcpy(moved, t->data, t->used_bytes);
    t->data = moved;
    t->capacity_bytes = capacity_bytes;
}

static void say(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *t, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    ASSERT(n >= 0 && (size_t)n < sizeof line);
    reserve(t, (size_t)n);
    memcpy(t->data + t->used_bytes, line, (size_t)n + 1);
    t->used_bytes += (size_t)n;
}

static void say_dims(struct text *t, int n_dims, const size_t *dims)
{
    for (int i = 0; i < n_dims; i++)
        say(t, "%s%zu", i == 0 ? "[" : ",", dims[i]);
    say(t, "]");
}

static void say_parameter(struct text *t, const struct graph *g, const struct parameter *p)
{
    say(t, "parameter %s ", p->name);
    say_dims(t, p->n_dims, p->dims);
    say(t, " unit %s", g->units[p->unit].name);
    switch (p->init) {
    case INIT_NORMAL:
        say(t, " normal %.6g", (double)p->init_std);
        break;
    case INIT_ONES:
        say(t, " ones");
        break;
    case INIT_ZEROS:
        say(t, " zeros");
        break;
    }
    say(t, "%s%s\n", p->decay ? " decay" : "", p->trainable ? "" : " frozen");
}

static void say_operand(struct text *t, const struct graph *g, int tensor, bool typed)
{
    if (tensor < 0) {
        say(t, " -");
        return;
    }
    say(t, " %%%d:%s", tensor, g->tensors[tensor].name);
    if (!typed) return;
    say(t, " %s", dtype_name(g->tensors[tensor].type));
    say_dims(t, g->tensors[tensor].n_dims, g->tensors[tensor].dims);
}

static void say_attributes(struct text *t, const struct attributes *a)
{
    if (a->n_heads > 0) say(t, " heads %zu", a->n_heads);
    if (a->n_kv_heads > 0) say(t, " kv_heads %zu", a->n_kv_heads);
    if (a->scale > 0) say(t, " scale %.6g", (double)a->scale);
    if (a->eps > 0) say(t, " eps %.6g", (double)a->eps);
    if (a->softcap > 0) say(t, " softcap %.6g", (double)a->softcap);
    if (a->z_loss > 0) say(t, " z_loss %.6g", (double)a->z_loss);
    if (a->accumulate) say(t, " accumulate");
}

static void say_node(struct text *t, const struct graph *g, int i)
{
    const struct node *n = &g->nodes[i];
    const struct cost cost = graph_node_cost(g, n);
    say(t, "node %d %s layer %d:", i, op_row(n->op)->name, n->layer);
    for (int j = 0; j < n->n_inputs; j++)
        say_operand(t, g, n->inputs[j], false);
    say(t, " ->");
    for (int j = 0; j < n->n_outputs; j++)
        say_operand(t, g, n->outputs[j], true);
    say_attributes(t, &n->attributes);
    if (cost.flops > 0) say(t, " flops %.0f", cost.flops);
    say(t, " bytes %.0f\n", cost.bytes);
}

char *graph_print(const struct graph *g, struct arena *a)
{
    struct text t = {.arena = a};
    uint64_t n_elems = 0;
    for (int i = 0; i < g->n_parameters; i++)
        n_elems += g->parameters[i].n_elems;
    say(&t, "graph rows %zu sequence %zu compute %s layers %d parameters %llu\n", g->rows,
        g->sequence, dtype_name(g->compute), g->n_layers, (unsigned long long)n_elems);
    for (int i = 0; i < g->n_parameters; i++)
        say_parameter(&t, g, &g->parameters[i]);
    for (int i = 0; i < g->n_nodes; i++) {
        if (i == g->n_forward_nodes) say(&t, "backward\n");
        say_node(&t, g, i);
    }
    return t.data;
}
