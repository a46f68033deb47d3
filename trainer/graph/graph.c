#include "trainer/graph/graph.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "trainer/graph/op.h"
#include "trainer/kernel/rows.h"

enum { FIRST_CAPACITY = 64 };

// The list of n items of `size` bytes, moved to twice the room when it is full. The old copy stays
// in the arena.
static void *grow(struct arena *a, void *items, int n, int *capacity, size_t size)
{
    if (n < *capacity) return items;
    *capacity = n == 0 ? FIRST_CAPACITY : 2 * n;
    void *moved = arena_array(a, (size_t)*capacity, size, alignof(max_align_t));
    if (n > 0) memcpy(moved, items, (size_t)n * size);
    return moved;
}

struct graph *graph_open(struct arena *a, size_t rows, size_t sequence, enum dtype compute)
{
    ASSERT(compute == DTYPE_F32 || compute == DTYPE_BF16);
    struct graph *g = ARENA_NEW(a, struct graph);
    *g = (struct graph){.arena = a,
                        .rows = rows,
                        .sequence = sequence,
                        .compute = compute,
                        .loss = TENSOR_NONE,
                        .logits = TENSOR_NONE,
                        .layer = -1};
    return g;
}

size_t graph_elems(const struct graph *g, int tensor)
{
    ASSERT(tensor >= 0 && tensor < g->n_tensors);
    const struct tensor *t = &g->tensors[tensor];
    size_t n_elems = 1;
    for (int i = 0; i < t->n_dims; i++)
        ASSERT(size_mul(n_elems, t->dims[i], &n_elems));
    return n_elems;
}

size_t graph_bytes(const struct graph *g, int tensor)
{
    size_t n_bytes;
    ASSERT(size_mul(graph_elems(g, tensor), dtype_bytes(g->tensors[tensor].type), &n_bytes));
    return n_bytes;
}

void graph_name(struct graph *g, int tensor, const char *format, ...)
{
    ASSERT(tensor >= 0 && tensor < g->n_tensors);
    va_list args;
    va_start(args, format);
    vsnprintf(g->tensors[tensor].name, GRAPH_NAME_BYTES, format, args);
    va_end(args);
}

int graph_add_tensor(struct graph *g, enum tensor_kind kind, enum dtype type, const char *name,
                     int n_dims, const size_t *dims)
{
    ASSERT(n_dims >= 1 && n_dims <= TENSOR_DIMS);
    g->tensors = grow(g->arena, g->tensors, g->n_tensors, &g->tensor_capacity, sizeof *g->tensors);
    int tensor = g->n_tensors++;
    struct tensor *t = &g->tensors[tensor];
    *t = (struct tensor){
        .kind = kind, .type = type, .n_dims = n_dims, .parameter = -1, .unit = UNIT_NONE};
    memcpy(t->dims, dims, (size_t)n_dims * sizeof *dims);
    graph_name(g, tensor, "%s", name);
    graph_bytes(g, tensor); // asserts that the size fits
    return tensor;
}

int graph_input(struct graph *g, const char *name, enum dtype type)
{
    for (int i = 0; i < g->n_tensors; i++) {
        if (g->tensors[i].kind != TENSOR_INPUT || strcmp(g->tensors[i].name, name) != 0) continue;
        ASSERT(g->tensors[i].type == type);
        return i;
    }
    return graph_add_tensor(g, TENSOR_INPUT, type, name, 1, (size_t[]){g->rows * g->sequence});
}

int graph_begin_unit(struct graph *g, const char *name)
{
    g->units = grow(g->arena, g->units, g->n_units, &g->unit_capacity, sizeof *g->units);
    struct unit *u = &g->units[g->n_units];
    *u = (struct unit){.first_parameter = g->n_parameters};
    snprintf(u->name, sizeof u->name, "%s", name);
    return g->n_units++;
}

int graph_parameter(struct graph *g, const char *name, int n_dims, const size_t *dims,
                    enum initializer init, float std, bool decay)
{
    ASSERT(g->n_units > 0 && strlen(name) < GRAPH_NAME_BYTES);
    ASSERT(graph_find_parameter(g, name) < 0);
    int unit = g->n_units - 1;
    int tensor = graph_add_tensor(g, TENSOR_PARAMETER, g->compute, name, n_dims, dims);
    g->parameters = grow(g->arena, g->parameters, g->n_parameters, &g->parameter_capacity,
                         sizeof *g->parameters);
    struct parameter *p = &g->parameters[g->n_parameters];
    *p = (struct parameter){.n_dims = n_dims,
                            .n_elems = graph_elems(g, tensor),
                            .unit = unit,
                            .init = init,
                            .init_std = std,
                            .decay = decay,
                            .trainable = true,
                            .tensor = tensor,
                            .gradient = TENSOR_NONE};
    snprintf(p->name, sizeof p->name, "%s", name);
    memcpy(p->dims, dims, (size_t)n_dims * sizeof *dims);
    g->tensors[tensor].parameter = g->n_parameters++;
    g->tensors[tensor].unit = unit;
    g->units[unit].n_parameters++;
    return tensor;
}

int graph_find_parameter(const struct graph *g, const char *name)
{
    for (int i = 0; i < g->n_parameters; i++)
        if (strcmp(g->parameters[i].name, name) == 0) return i;
    return -1;
}

void graph_fill_constant(const struct graph *g, int tensor, void *data)
{
    ASSERT(tensor >= 0 && tensor < g->n_tensors);
    const struct tensor *t = &g->tensors[tensor];
    ASSERT(t->kind == TENSOR_CONSTANT && t->type == DTYPE_F32 && t->n_dims == 3);
    rows_rope_table(data, t->dims[0], 2 * t->dims[1], t->base);
}

struct node *graph_node_into(struct graph *g, int op, int n_inputs, const int *inputs,
                             const struct attributes *attributes, int n_outputs, const int *outputs)
{
    ASSERT(n_inputs >= 0 && n_inputs <= NODE_INPUTS && n_outputs <= NODE_OUTPUTS);
    g->nodes = grow(g->arena, g->nodes, g->n_nodes, &g->node_capacity, sizeof *g->nodes);
    struct node *n = &g->nodes[g->n_nodes];
    *n = (struct node){.op = op, .layer = g->layer, .n_inputs = n_inputs};
    if (attributes != NULL) n->attributes = *attributes;
    for (int i = 0; i < NODE_INPUTS; i++) {
        n->inputs[i] = i < n_inputs ? inputs[i] : TENSOR_NONE;
        ASSERT(n->inputs[i] >= TENSOR_NONE && n->inputs[i] < g->n_tensors);
    }
    for (int i = 0; i < NODE_OUTPUTS; i++)
        n->outputs[i] = i < n_outputs ? outputs[i] : TENSOR_MAKE;
    op_row(op)->shape(g, n);
    for (int i = n->n_outputs; i < NODE_OUTPUTS; i++)
        n->outputs[i] = TENSOR_NONE;
    g->n_nodes++;
    return n;
}

struct node *graph_node(struct graph *g, int op, int n_inputs, const int *inputs,
                        const struct attributes *attributes)
{
    struct node *n = graph_node_into(g, op, n_inputs, inputs, attributes, 0, NULL);
    g->n_forward_nodes = g->n_nodes;
    return n;
}

struct cost graph_node_cost(const struct graph *g, const struct node *n)
{
    return op_row(n->op)->cost(g, n);
}
