// The gradient of a whole graph: graph_differentiate walks it (gradient.h), then drops what nobody
// reads. Going backwards, a node lives when it writes a gradient of a parameter or something that a
// later living node reads; a node that writes all of a tensor ends the need for earlier writers. So
// HEAD goes once HEAD_GRADIENT writes graph.loss.
#include "trainer/graph/gradient.h"
#include "trainer/graph/op.h"

static bool node_lives(const struct graph *g, const struct node *n, const bool *needed)
{
    for (int i = 0; i < n->n_outputs; i++) {
        int t = n->outputs[i];
        if (t >= 0 && (needed[t] || g->tensors[t].kind == TENSOR_GRADIENT)) return true;
    }
    return false;
}

static void mark_living(const struct graph *g, bool *lives)
{
    bool *needed = ARENA_ARRAY(g->arena, bool, g->n_tensors);
    needed[g->loss] = true;
    for (int i = g->n_nodes - 1; i >= 0; i--) {
        const struct node *n = &g->nodes[i];
        lives[i] = node_lives(g, n, needed);
        if (!lives[i]) continue;
        for (int j = 0; j < n->n_outputs; j++)
            if (n->outputs[j] >= 0) needed[n->outputs[j]] = false;
        for (int j = 0; j < n->n_inputs; j++)
            if (n->inputs[j] >= 0) needed[n->inputs[j]] = true;
    }
}

static void drop_dead_nodes(struct graph *g)
{
    bool *lives = ARENA_ARRAY(g->arena, bool, g->n_nodes);
    mark_living(g, lives);
    int n_kept = 0, n_forward = 0;
    for (int i = 0; i < g->n_nodes; i++) {
        if (!lives[i]) continue;
        n_forward += !g->nodes[i].backward;
        g->nodes[n_kept++] = g->nodes[i];
    }
    g->n_nodes = n_kept;
    g->n_forward_nodes = n_forward;
}

enum err graph_differentiate(struct graph *g)
{
    ASSERT(g->loss >= 0);
    gradient_walk(gradient_begin(g));
    for (int i = 0; i < g->n_parameters; i++) {
        const struct parameter *p = &g->parameters[i];
        if (p->trainable && p->gradient < 0)
            return fail(ERR_CONFIG, "the loss does not depend on parameter %s: freeze or remove it",
                        p->name);
    }
    drop_dead_nodes(g);
    return OK;
}
