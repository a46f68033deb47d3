#include "trainer/plan/section_build.h"

#include <string.h>

#include "base/size.h"
#include "trainer/graph/op.h"
#include "trainer/plan/collective.h"
#include "trainer/plan/visits.h"

struct builder {
    struct plan *plan;
    enum section_kind kind;
    const struct graph *graph;
    const struct lane_plan *lanes;
    struct section *section;
    size_t steps_capacity;
    struct node_order order;
    struct visits visits;
    int next_visit;      // first that is not started
    int *tensor_value;   // [n_tensors]: current value of an activation or input
    int *gathered;       // [n_units]: current gathered value
    int *gather_step;    // [n_units]
    int *gradient;       // [n_units]: lane gradient value
    int *first_gradient; // [n_units]: entry that writes the first, -1 if frozen
    int *last_gradient;  // [n_units]: entry that writes the last
    int reducing;        // unit whose reduce is under way; -1 = none
    int reduce_step, received;
};

static int add_value(struct builder *b, enum value_kind kind, int reference, size_t n_bytes)
{
    struct plan *p = b->plan;
    p->values =
        ARENA_GROW(p->arena, struct value, p->values, (size_t)p->n_values + 1, &p->values_capacity);
    p->values[p->n_values] = (struct value){.kind = kind,
                                            .reference = reference,
                                            .section = (int)b->kind,
                                            .first = b->section->n_steps,
                                            .last = b->section->n_steps,
                                            .n_bytes = size_align(n_bytes, 64)};
    return p->n_values++;
}

static int add_step(struct builder *b, struct step step)
{
    b->section->steps = ARENA_GROW(b->plan->arena, struct step, b->section->steps,
                                   (size_t)b->section->n_steps + 1, &b->steps_capacity);
    b->section->steps[b->section->n_steps] = step;
    return b->section->n_steps++;
}

static int add_plain(struct builder *b, enum verb verb, int argument, int value, int after)
{
    return add_step(b, (struct step){.verb = verb,
                                     .argument = argument,
                                     .value = value,
                                     .other = -1,
                                     .first_operand = -1,
                                     .after = after});
}

// The value is used by the step about to be added, or by step.
static void touch(struct builder *b, int value, int step)
{
    if (value < 0) return;
    struct value *v = &b->plan->values[value];
    if (v->section >= 0 && v->last < step) v->last = step;
}

static size_t lockstep(const struct builder *b)
{
    return b->lanes->lanes.lockstep;
}

// --- gathering ---

static size_t unit_bytes(const struct builder *b, int unit)
{
    return b->plan->ownership->units[unit].n_elems * dtype_bytes(b->graph->compute);
}

static void start_visit(struct builder *b)
{
    int unit = b->visits.items[b->next_visit++].unit;
    int value = add_value(b, VALUE_GATHERED, unit, unit_bytes(b, unit));
    int cast = add_plain(b, VERB_CAST, unit, value, -1);
    b->gathered[unit] = value;
    b->gather_step[unit] = add_plain(b, VERB_GATHER, unit, value, cast);
}

// Before an entry: every visit that begins here is waited for, and the next one is started, so that
// its bytes travel while this one computes.
static void enter_visits(struct builder *b, int entry)
{
    for (int v = 0; v < b->visits.n_items; v++) {
        if (b->visits.items[v].first != entry) continue;
        while (b->next_visit <= v)
            start_visit(b);
        if (b->next_visit < b->visits.n_items) start_visit(b);
        int unit = b->visits.items[v].unit;
        touch(b, b->gathered[unit], b->section->n_steps);
        add_plain(b, VERB_GATHER_WAIT, unit, b->gathered[unit], b->gather_step[unit]);
    }
}

static void leave_visits(struct builder *b, int entry)
{
    for (int v = 0; v < b->visits.n_items; v++) {
        if (b->visits.items[v].last != entry) continue;
        int unit = b->visits.items[v].unit;
        touch(b, b->gathered[unit], b->section->n_steps);
        add_plain(b, VERB_RELEASE, unit, b->gathered[unit], -1);
    }
}

// --- reducing ---

static void find_gradients(struct builder *b)
{
    const struct graph *g = b->graph;
    for (int u = 0; u < g->n_units; u++)
        b->first_gradient[u] = b->last_gradient[u] = b->gradient[u] = -1;
    for (int e = 0; e < b->order.n_entries; e++) {
        const struct node *n = &g->nodes[b->order.entries[e].node];
        for (int j = 0; j < n->n_outputs; j++) {
            int t = n->outputs[j];
            if (t == TENSOR_NONE || g->tensors[t].kind != TENSOR_GRADIENT) continue;
            int unit = g->tensors[t].unit;
            if (b->first_gradient[unit] < 0) b->first_gradient[unit] = e;
            b->last_gradient[unit] = e;
        }
    }
}

static void begin_gradients(struct builder *b, int entry)
{
    for (int u = 0; u < b->graph->n_units; u++)
        if (b->first_gradient[u] == entry)
            b->gradient[u] = add_value(b, VALUE_LANE_GRADIENT, u,
                                       lockstep(b) * b->plan->ownership->units[u].n_elems * 4);
}

static void finish_reduce(struct builder *b)
{
    if (b->reducing < 0) return;
    int unit = b->reducing;
    touch(b, b->gradient[unit], b->section->n_steps);
    add_plain(b, VERB_REDUCE_WAIT, unit, b->gradient[unit], b->reduce_step);
    touch(b, b->received, b->section->n_steps);
    add_plain(b, VERB_ACCUMULATE, unit, b->received, -1);
    b->reducing = -1;
}

static void start_reduce(struct builder *b, int unit)
{
    finish_reduce(b);
    touch(b, b->gradient[unit], b->section->n_steps + 1);
    int fold = add_plain(b, VERB_FOLD, unit, b->gradient[unit], -1);
    size_t segment_bytes = collective_received_stride(b->plan, unit);
    b->received = add_value(b, VALUE_RECEIVED, unit, b->lanes->max_received * segment_bytes);
    b->reduce_step = add_step(b, (struct step){.verb = VERB_REDUCE,
                                               .argument = unit,
                                               .value = b->gradient[unit],
                                               .other = b->received,
                                               .first_operand = -1,
                                               .after = fold});
    b->reducing = unit;
}

static void end_gradients(struct builder *b, int entry)
{
    for (int u = 0; u < b->graph->n_units; u++)
        if (b->last_gradient[u] == entry) start_reduce(b, u);
}

// --- running ---

static size_t parameter_offset_bytes(const struct builder *b, int parameter, size_t elem_bytes)
{
    return b->plan->ownership->parameters[parameter].offset_elems * elem_bytes;
}

static struct operand operand_of(struct builder *b, int t)
{
    if (t == TENSOR_NONE) return (struct operand){.value = -1};
    const struct tensor *tensor = &b->graph->tensors[t];
    switch (tensor->kind) {
    case TENSOR_PARAMETER:
        return (struct operand){.value = b->gathered[tensor->unit],
                                .offset_bytes = parameter_offset_bytes(
                                    b, tensor->parameter, dtype_bytes(b->graph->compute))};
    case TENSOR_GRADIENT:
        return (struct operand){.value = b->gradient[tensor->unit],
                                .offset_bytes = parameter_offset_bytes(b, tensor->parameter, 4),
                                .lane_elems = b->plan->ownership->units[tensor->unit].n_elems};
    case TENSOR_CONSTANT:
    case TENSOR_STATE:
        return (struct operand){.value = b->tensor_value[t]};
    case TENSOR_INPUT:
        if (strcmp(tensor->name, "loss_scale") == 0)
            return (struct operand){.value = b->tensor_value[t]};
        break;
    case TENSOR_ACTIVATION:
        break;
    }
    return (struct operand){.value = b->tensor_value[t], .lane_elems = graph_elems(b->graph, t)};
}

static void add_operand(struct builder *b, struct operand o, int step)
{
    struct plan *p = b->plan;
    p->operands = ARENA_GROW(p->arena, struct operand, p->operands, (size_t)p->n_operands + 1,
                             &p->operands_capacity);
    p->operands[p->n_operands++] = o;
    touch(b, o.value, step);
}

static void make_outputs(struct builder *b, const struct node *n)
{
    for (int j = 0; j < n->n_outputs; j++) {
        int t = n->outputs[j];
        if (t == TENSOR_NONE || b->graph->tensors[t].kind != TENSOR_ACTIVATION) continue;
        b->tensor_value[t] =
            add_value(b, VALUE_ACTIVATION, t, lockstep(b) * graph_bytes(b->graph, t));
    }
}

static void run_entry(struct builder *b, int entry)
{
    const struct node *n = &b->graph->nodes[b->order.entries[entry].node];
    int step = b->section->n_steps, first_operand = b->plan->n_operands;
    for (int j = 0; j < n->n_inputs; j++)
        add_operand(b, operand_of(b, n->inputs[j]), step);
    make_outputs(b, n);
    for (int j = 0; j < n->n_outputs; j++)
        add_operand(b, operand_of(b, n->outputs[j]), step);
    add_step(b, (struct step){.verb = VERB_RUN,
                              .argument = b->order.entries[entry].node,
                              .value = -1,
                              .other = -1,
                              .first_operand = first_operand,
                              .after = -1});
    bool makes_loss = false;
    for (int j = 0; j < n->n_outputs; j++)
        makes_loss |= n->outputs[j] != TENSOR_NONE && n->outputs[j] == b->graph->loss;
    if (!makes_loss) return;
    touch(b, b->tensor_value[b->graph->loss], b->section->n_steps);
    add_plain(b, VERB_LOSS, -1, b->tensor_value[b->graph->loss], -1);
}

// --- inputs, constants, scratch ---

static int find_run_value(const struct plan *p, enum value_kind kind, const char *name)
{
    const struct graph *graphs[] = {p->train, p->evaluate, p->decode};
    for (int v = 0; v < p->n_values; v++) {
        if (p->values[v].section >= 0 || p->values[v].kind != kind) continue;
        for (size_t i = 0; i < 3; i++)
            if (graphs[i] != NULL && p->values[v].reference < graphs[i]->n_tensors &&
                strcmp(graphs[i]->tensors[p->values[v].reference].name, name) == 0)
                return v;
    }
    return -1;
}

static int run_value_of(struct builder *b, enum value_kind kind, int t)
{
    int found = find_run_value(b->plan, kind, b->graph->tensors[t].name);
    if (found >= 0) return found;
    return section_add_run_value(b->plan, kind, t, graph_bytes(b->graph, t));
}

static void add_inputs(struct builder *b)
{
    for (int t = 0; t < b->graph->n_tensors; t++) {
        const struct tensor *tensor = &b->graph->tensors[t];
        size_t n_bytes = graph_bytes(b->graph, t);
        if (tensor->kind == TENSOR_CONSTANT)
            b->tensor_value[t] = run_value_of(b, VALUE_CONSTANT, t);
        else if (tensor->kind == TENSOR_STATE)
            b->tensor_value[t] = run_value_of(b, VALUE_STATE, t);
        else if (tensor->kind == TENSOR_INPUT && strcmp(tensor->name, "loss_scale") == 0)
            b->tensor_value[t] = add_value(b, VALUE_LOSS_SCALE, t, n_bytes);
        else if (tensor->kind == TENSOR_INPUT)
            b->tensor_value[t] = add_value(b, VALUE_INPUT, t, lockstep(b) * n_bytes);
    }
    add_plain(b, VERB_FETCH, -1, -1, -1);
}

static void add_scratch(struct builder *b)
{
    size_t most_bytes = 0;
    for (int i = 0; i < b->graph->n_nodes; i++) {
        const struct node *n = &b->graph->nodes[i];
        const struct op_row *row = op_row(n->op);
        if (row->scratch_bytes == NULL) continue;
        most_bytes = size_max(
            most_bytes, row->scratch_bytes(b->graph, n, lockstep(b), b->plan->options.n_threads));
    }
    b->section->scratch = add_value(b, VALUE_SCRATCH, -1, most_bytes);
}

static void open_builder(struct builder *b, struct plan *p, enum section_kind kind)
{
    *b = (struct builder){.plan = p, .kind = kind, .section = &p->sections[kind], .reducing = -1};
}

static void open_round(struct builder *b, const struct graph *g)
{
    struct arena *a = b->plan->arena;
    b->section->graph = b->graph = g;
    b->tensor_value = ARENA_ARRAY(a, int, (size_t)g->n_tensors);
    int **per_unit[] = {&b->gathered, &b->gather_step, &b->gradient, &b->first_gradient,
                        &b->last_gradient};
    for (size_t i = 0; i < sizeof per_unit / sizeof per_unit[0]; i++)
        *per_unit[i] = ARENA_ARRAY(a, int, (size_t)g->n_units);
    b->order =
        node_order_build(a, g, b->plan->options.recompute && g->n_forward_nodes < g->n_nodes);
    if (b->plan->ownership->whole)
        for (int v = 0; v < b->plan->n_values; v++) {
            const struct value *value = &b->plan->values[v];
            if (value->kind == VALUE_GATHERED && value->section < 0)
                b->gathered[value->reference] = v;
        }
    else
        b->visits = visits_find(a, g, &b->order);
}

void section_build_round(struct plan *p, enum section_kind section, const struct graph *graph,
                         const struct lane_plan *lanes)
{
    struct builder b;
    open_builder(&b, p, section);
    b.lanes = lanes;
    open_round(&b, graph);
    find_gradients(&b);
    add_scratch(&b);
    add_inputs(&b);
    for (int e = 0; e < b.order.n_entries; e++) {
        enter_visits(&b, e);
        begin_gradients(&b, e);
        run_entry(&b, e);
        leave_visits(&b, e);
        end_gradients(&b, e);
    }
    finish_reduce(&b);
    p->values[b.section->scratch].last = b.section->n_steps - 1;
}

// --- the small sections ---

static void add_share(struct builder *b)
{
    int start = add_plain(b, VERB_SHARE, -1, b->plan->share, -1);
    add_plain(b, VERB_SHARE_WAIT, -1, b->plan->share, start);
    add_plain(b, VERB_DECIDE, -1, -1, -1);
}

void section_build_update(struct plan *p)
{
    struct builder b;
    open_builder(&b, p, SECTION_UPDATE);
    for (int u = 0; u < p->train->n_units; u++)
        add_plain(&b, VERB_NORM, u, -1, -1);
    add_share(&b);
    for (int u = 0; u < p->train->n_units; u++)
        add_plain(&b, VERB_UPDATE, u, -1, -1);
}

void section_build_evaluate_end(struct plan *p)
{
    struct builder b;
    open_builder(&b, p, SECTION_EVALUATE_END);
    add_share(&b);
}

void section_build_prepare(struct plan *p)
{
    struct builder b;
    open_builder(&b, p, SECTION_PREPARE);
    if (!p->ownership->whole) return;
    const struct graph *g = p->train != NULL ? p->train : p->decode;
    for (int u = 0; u < g->n_units; u++) {
        size_t n_bytes = p->ownership->units[u].n_elems * dtype_bytes(g->compute);
        int value = section_add_run_value(p, VALUE_GATHERED, u, n_bytes);
        add_plain(&b, VERB_CAST, u, value, -1);
    }
}

void section_build_save(struct plan *p)
{
    struct builder b;
    open_builder(&b, p, SECTION_SAVE);
    add_plain(&b, VERB_SAVE, -1, -1, -1);
}

int section_add_run_value(struct plan *p, enum value_kind kind, int reference, size_t n_bytes)
{
    p->values =
        ARENA_GROW(p->arena, struct value, p->values, (size_t)p->n_values + 1, &p->values_capacity);
    p->values[p->n_values] = (struct value){
        .kind = kind, .reference = reference, .section = -1, .n_bytes = size_align(n_bytes, 64)};
    return p->n_values++;
}
