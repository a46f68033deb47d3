// The plan as text, and what its hash is made of: everything that ranks must agree on is in here.

#include "base/text.h"
#include "trainer/graph/op.h"
#include "trainer/plan/plan.h"

static void print_options(struct text *t, const struct plan *p)
{
    const struct plan_options *o = &p->options;
    text_printf(t, "plan ranks %d nodes %d zero %d recompute %d threads %lu\n", o->n_ranks,
                o->n_nodes, o->zero, o->recompute, o->n_threads);
    const struct lanes *l = &p->lanes->lanes;
    text_printf(t, "lanes %lu lockstep %lu rounds %lu slots %zu\n", l->n_lanes, l->lockstep,
                l->n_rounds, p->lanes->n_slots);
    text_printf(t, "shared %zu bytes, %d values, %d operands\n", p->shared_bytes, p->n_values,
                p->n_operands);
}

static void print_units(struct text *t, const struct plan *p)
{
    const struct graph *g = p->ownership->graph;
    for (int u = 0; u < g->n_units; u++) {
        text_printf(t, "unit %d %s %zu elems blocks %lu owned", u, g->units[u].name,
                    p->ownership->units[u].n_elems, p->ownership->units[u].n_blocks);
        for (int r = 0; r < p->options.n_ranks; r++) {
            struct range home = ownership_home_blocks(p->ownership, u, r);
            text_printf(t, " %d:[%lu,%lu)", r, home.first, home.last);
        }
        text_printf(t, "\n");
    }
}

static void print_rounds(struct text *t, const struct lane_plan *l)
{
    for (uint64_t i = 0; i < l->lanes.n_rounds; i++) {
        const struct lane_round *round = &l->rounds[i];
        text_printf(t, "round %lu sends", i);
        for (int r = 0; r < l->lanes.n_ranks; r++)
            for (size_t k = 0; k < round->covers[r].n_nodes; k++)
                text_printf(t, " %d:{%lu+%lu}", r, round->covers[r].nodes[k].first,
                            round->covers[r].nodes[k].size);
        text_printf(t, " folds");
        for (size_t k = 0; k < round->n_folds; k++)
            text_printf(t, " %d%s%d", round->folds[k].to,
                        round->folds[k].action == FOLD_ADD ? "+=" : "=", round->folds[k].from);
        text_printf(t, "\n");
    }
}

static void print_operands(struct text *t, const struct plan *p, const struct node *n, int first)
{
    for (int i = 0; i < n->n_inputs + n->n_outputs; i++) {
        const struct operand *o = &p->operands[first + i];
        const char *sign = i == n->n_inputs ? " ->" : "";
        if (o->value < 0)
            text_printf(t, "%s -", sign);
        else
            text_printf(t, "%s v%d+%zu", sign, o->value, o->offset_bytes);
    }
}

static void print_step(struct text *t, const struct plan *p, const struct section *s, int i)
{
    static const char *const queues[] = {"compute", "fabric", "file"};
    const struct step *step = &s->steps[i];
    text_printf(t, "  %d %s %s", i, queues[verb_queue(step->verb)], verb_name(step->verb));
    if (step->verb == VERB_RUN) {
        const struct node *n = &s->graph->nodes[step->argument];
        text_printf(t, " %d %s", step->argument, op_row(n->op)->name);
        print_operands(t, p, n, step->first_operand);
    } else if (step->argument >= 0)
        text_printf(t, " %s", p->ownership->graph->units[step->argument].name);
    if (step->value >= 0) text_printf(t, " v%d", step->value);
    if (step->other >= 0) text_printf(t, " v%d", step->other);
    if (step->after >= 0) text_printf(t, " after %d", step->after);
    text_printf(t, "\n");
}

static void print_values(struct text *t, const struct plan *p)
{
    static const char *const kinds[] = {"input",    "loss_scale", "gathered", "activation",
                                        "gradient", "received",   "scratch",  "lane_loss",
                                        "share",    "constant",   "state"};
    for (int i = 0; i < p->n_values; i++) {
        const struct value *v = &p->values[i];
        text_printf(t, "value v%d %s %d %s %d..%d @%zu %zu bytes\n", i, kinds[v->kind],
                    v->reference,
                    v->section < 0 ? "run" : section_name((enum section_kind)v->section), v->first,
                    v->last, v->offset_bytes, v->n_bytes);
    }
}

char *plan_print(const struct plan *p, struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    print_options(&t, p);
    print_units(&t, p);
    print_rounds(&t, p->lanes);
    if (p->eval_lanes != NULL) print_rounds(&t, p->eval_lanes);
    for (int s = 0; s < SECTION_N; s++) {
        if (p->sections[s].n_steps == 0) continue;
        text_printf(&t, "section %s\n", section_name((enum section_kind)s));
        for (int i = 0; i < p->sections[s].n_steps; i++)
            print_step(&t, p, &p->sections[s], i);
    }
    print_values(&t, p);
    return t.data;
}
