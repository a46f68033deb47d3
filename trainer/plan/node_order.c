#include "trainer/plan/node_order.h"

struct orderer {
    const struct graph *graph;
    int *producer; // [n_tensors]: forward node that makes it, or -1
    bool *kept;    // [n_tensors]: read by a forward node of another layer
    bool *wanted;  // [n_nodes]: scratch of one layer's recomputation
    struct node_order out;
};

static void find_producers(struct orderer *o)
{
    const struct graph *g = o->graph;
    for (int t = 0; t < g->n_tensors; t++)
        o->producer[t] = -1;
    for (int i = 0; i < g->n_forward_nodes; i++)
        for (int j = 0; j < g->nodes[i].n_outputs; j++)
            if (g->nodes[i].outputs[j] != TENSOR_NONE) o->producer[g->nodes[i].outputs[j]] = i;
}

static void find_kept(struct orderer *o)
{
    const struct graph *g = o->graph;
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        for (int j = 0; j < n->n_inputs; j++) {
            int t = n->inputs[j];
            if (t == TENSOR_NONE || o->producer[t] < 0) continue;
            if (g->nodes[o->producer[t]].layer != n->layer) o->kept[t] = true;
        }
    }
}

// Marks the forward nodes of the layer that must run again for tensor t to exist.
static void want(struct orderer *o, int t, int layer)
{
    if (t == TENSOR_NONE || o->kept[t]) return;
    int i = o->producer[t];
    if (i < 0 || o->graph->nodes[i].layer != layer || o->wanted[i]) return;
    o->wanted[i] = true;
    for (int j = 0; j < o->graph->nodes[i].n_inputs; j++)
        want(o, o->graph->nodes[i].inputs[j], layer);
}

static void emit(struct orderer *o, int node, bool again)
{
    o->out.entries[o->out.n_entries++] = (struct node_order_entry){node, again};
}

static void emit_again(struct orderer *o, int layer)
{
    const struct graph *g = o->graph;
    for (int i = g->n_forward_nodes; i < g->n_nodes; i++)
        if (g->nodes[i].layer == layer)
            for (int j = 0; j < g->nodes[i].n_inputs; j++)
                want(o, g->nodes[i].inputs[j], layer);
    for (int i = 0; i < g->n_forward_nodes; i++)
        if (o->wanted[i] && g->nodes[i].layer == layer) emit(o, i, true);
}

struct node_order node_order_build(struct arena *a, const struct graph *g, bool recompute)
{
    struct orderer o = {.graph = g};
    o.producer = ARENA_ARRAY(a, int, (size_t)g->n_tensors);
    o.kept = ARENA_ARRAY(a, bool, (size_t)g->n_tensors);
    o.wanted = ARENA_ARRAY(a, bool, (size_t)g->n_nodes);
    o.out.entries = ARENA_ARRAY(a, struct node_order_entry, 2 * (size_t)g->n_nodes);
    bool *begun = ARENA_ARRAY(a, bool, (size_t)g->n_layers + 1);
    find_producers(&o);
    find_kept(&o);
    for (int i = 0; i < g->n_nodes; i++) {
        int layer = g->nodes[i].layer;
        bool backward = i >= g->n_forward_nodes;
        if (recompute && backward && layer >= 0 && !begun[layer]) {
            begun[layer] = true;
            emit_again(&o, layer);
        }
        emit(&o, i, false);
    }
    return o.out;
}
