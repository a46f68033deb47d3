// Values that never change: filled once, when the slab is mapped.

#include "trainer/run/execute_verbs.h"

static const struct graph *graph_of_constant(const struct plan *p)
{
    return p->train != NULL ? p->train : p->decode;
}

void execute_fill_constants(struct executor *e)
{
    const struct graph *g = graph_of_constant(e->plan);
    for (int v = 0; v < e->plan->n_values; v++) {
        const struct value *value = &e->plan->values[v];
        if (value->kind == VALUE_CONSTANT)
            graph_fill_constant(g, value->reference, execute_value(e, v));
    }
}
