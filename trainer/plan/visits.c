#include "trainer/plan/visits.h"

enum { NEAR = 2 }; // a visit goes on while fewer than this many other units were used since

struct finder {
    struct visits out;
    int *open; // [n_units]: index of the unit's latest visit, or -1
    int *uses; // sequence of units as used, consecutive repeats once
    int n_uses;
    int *last_use; // [n_units]: index into uses
};

// Distinct other units used since unit was.
static int others_since(const struct finder *f, int unit)
{
    int n = 0;
    for (int i = f->last_use[unit] + 1; i < f->n_uses && n < NEAR; i++) {
        bool seen = false;
        for (int j = f->last_use[unit] + 1; j < i; j++)
            seen |= f->uses[j] == f->uses[i];
        n += !seen;
    }
    return n;
}

static void use(struct finder *f, int unit, int entry)
{
    int v = f->open[unit];
    if (v >= 0 && others_since(f, unit) < NEAR)
        f->out.items[v].last = entry;
    else {
        f->open[unit] = f->out.n_items;
        f->out.items[f->out.n_items++] = (struct visit){unit, entry, entry};
    }
    if (f->n_uses == 0 || f->uses[f->n_uses - 1] != unit) f->uses[f->n_uses++] = unit;
    f->last_use[unit] = f->n_uses - 1;
}

struct visits visits_find(struct arena *a, const struct graph *g, const struct node_order *o)
{
    size_t limit = (size_t)o->n_entries * NODE_INPUTS + 1;
    struct finder f = {.out.items = ARENA_ARRAY(a, struct visit, limit),
                       .open = ARENA_ARRAY(a, int, (size_t)g->n_units),
                       .uses = ARENA_ARRAY(a, int, limit),
                       .last_use = ARENA_ARRAY(a, int, (size_t)g->n_units)};
    for (int u = 0; u < g->n_units; u++)
        f.open[u] = -1;
    for (int e = 0; e < o->n_entries; e++) {
        const struct node *n = &g->nodes[o->entries[e].node];
        for (int j = 0; j < n->n_inputs; j++) {
            int t = n->inputs[j];
            if (t != TENSOR_NONE && g->tensors[t].kind == TENSOR_PARAMETER)
                use(&f, g->tensors[t].unit, e);
        }
    }
    return f.out;
}
