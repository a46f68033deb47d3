#include "trainer/run/execute.h"

#include <string.h>

#include "base/clock.h"
#include "trainer/kernel/rows.h"
#include "trainer/run/execute_verbs.h"
#include "trainer/run/trace.h"

typedef enum err (*verb_fn)(const struct execute_call *c);

static enum err start(const struct execute_call *c)
{
    struct executor *e = c->e;
    size_t n = collective_messages(&e->collective, c->program->section, c->step, c->program->round);
    return fabric_start(e->fabric, e->sequence++, verb_name(c->step->verb), e->collective.messages,
                        n, &e->tickets[c->index]);
}

static void share_own_losses(const struct execute_call *c)
{
    const struct executor *e = c->e;
    const struct lanes *l = execute_lanes(c);
    const double *mine = execute_value(e, e->plan->lane_loss);
    double *shared = execute_value(e, e->plan->share);
    for (uint64_t round = 0; round < l->n_rounds; round++) {
        struct range lanes = lanes_of_round(l, fabric_rank(e->fabric), round);
        struct range turns = lanes_turns_of_round(l, fabric_rank(e->fabric), round);
        memcpy(shared + turns.first, mine + lanes.first,
               (lanes.last - lanes.first) * sizeof(double));
    }
    shared[collective_share_flags(e->plan) + (size_t)fabric_rank(e->fabric)] = e->stop_wanted;
}

static enum err start_share(const struct execute_call *c)
{
    share_own_losses(c);
    return start(c);
}

static enum err wait_for_start(const struct execute_call *c)
{
    return fabric_wait(c->e->fabric, &c->e->tickets[c->step->after]);
}

static void bind_operand(const struct executor *e, const struct operand *o, void **at,
                         size_t *lane_elems)
{
    *at = o->value < 0 ? NULL : (unsigned char *)execute_value(e, o->value) + o->offset_bytes;
    *lane_elems = o->lane_elems;
}

// Beside the measured time of an op: what was predicted for the same calls.
static void count_call(struct executor *e, const struct op_call *call)
{
    int op = call->node->op;
    struct cost cost = graph_node_cost(call->graph, call->node);
    e->op_calls[op]++;
    e->op_cost[op].flops += (double)call->n_lanes * cost.flops;
    e->op_cost[op].bytes += (double)call->n_lanes * cost.bytes;
}

static enum err run(const struct execute_call *c)
{
    struct executor *e = c->e;
    const struct node *n = &c->section->graph->nodes[c->step->argument];
    struct range lanes = execute_round_lanes(c);
    if (lanes.first == lanes.last) return OK;
    struct op_call call = {.graph = c->section->graph,
                           .node = n,
                           .n_lanes = lanes.last - lanes.first,
                           .pool = e->pool,
                           .scratch = execute_value(e, c->section->scratch),
                           .state_position = e->state_position,
                           .state_rows = e->state_rows};
    const struct operand *o = e->plan->operands + c->step->first_operand;
    for (int i = 0; i < n->n_inputs; i++)
        bind_operand(e, &o[i], &call.in[i], &call.in_lane_elems[i]);
    for (int i = 0; i < n->n_outputs; i++)
        bind_operand(e, &o[n->n_inputs + i], &call.out[i], &call.out_lane_elems[i]);
    uint64_t begin = clock_now_ns();
    op_row(n->op)->run(&call);
    e->op_ns[n->op] += clock_now_ns() - begin;
    count_call(e, &call);
    return OK;
}

static enum err lane_losses(const struct execute_call *c)
{
    const struct executor *e = c->e;
    const struct graph *g = c->section->graph;
    struct range lanes = execute_round_lanes(c);
    const float *losses = execute_value(e, c->step->value);
    double *lane_loss = execute_value(e, e->plan->lane_loss);
    size_t n = graph_elems(g, g->loss);
    for (uint64_t lane = lanes.first; lane < lanes.last; lane++)
        lane_loss[lane] = rows_kernels()->sum(losses + (lane - lanes.first) * n, n);
    return OK;
}

static enum err save(const struct execute_call *c)
{
    return c->e->save == NULL ? OK : c->e->save(c->e->save_context, c->program->step + 1);
}

static enum err nothing(const struct execute_call *c)
{
    (void)c;
    return OK;
}

static const struct {
    verb_fn run;
    enum execute_time time;
} verbs[VERB_N] = {
    [VERB_FETCH] = {execute_fetch, TIME_DATA},
    [VERB_CAST] = {execute_cast, TIME_COMPUTE},
    [VERB_GATHER] = {start, TIME_FABRIC},
    [VERB_GATHER_WAIT] = {wait_for_start, TIME_FABRIC},
    [VERB_RUN] = {run, TIME_COMPUTE},
    [VERB_RELEASE] = {nothing, TIME_COMPUTE},
    [VERB_LOSS] = {lane_losses, TIME_COMPUTE},
    [VERB_FOLD] = {execute_fold, TIME_COMPUTE},
    [VERB_REDUCE] = {start, TIME_FABRIC},
    [VERB_REDUCE_WAIT] = {wait_for_start, TIME_FABRIC},
    [VERB_ACCUMULATE] = {execute_accumulate, TIME_COMPUTE},
    [VERB_NORM] = {execute_norm, TIME_OPTIMIZER},
    [VERB_SHARE] = {start_share, TIME_FABRIC},
    [VERB_SHARE_WAIT] = {wait_for_start, TIME_FABRIC},
    [VERB_DECIDE] = {execute_decide, TIME_OPTIMIZER},
    [VERB_UPDATE] = {execute_update, TIME_OPTIMIZER},
    [VERB_SAVE] = {save, TIME_SAVE},
};

// I4: once warm, a step allocates nothing; datad's restart and checkpoints may.
static bool may_allocate(const struct execute_call *c)
{
    return !c->e->warm || c->step->verb == VERB_FETCH || c->step->verb == VERB_SAVE;
}

static enum err execute_step(const struct execute_call *c)
{
    enum verb verb = c->step->verb;
    uint64_t begin = clock_now_ns();
    arena_forbid(!may_allocate(c));
    enum err err = verbs[verb].run(c);
    arena_forbid(false);
    uint64_t spent = clock_now_ns() - begin;
    c->e->time_ns[verbs[verb].time] += spent;
    c->e->verb_ns[verb] += spent;
    c->e->verb_calls[verb]++;
    return err;
}

enum err execute_section(struct executor *e, const struct program_call *call)
{
    struct execute_call c = {.e = e, .program = call, .section = &e->plan->sections[call->section]};
    for (c.index = 0; c.index < c.section->n_steps; c.index++) {
        c.step = &c.section->steps[c.index];
        trace_step(e->trace, e->plan, call, c.index);
        TRY(execute_step(&c));
    }
    if (call->section == SECTION_UPDATE) e->warm = true;
    return OK;
}

static void poll_fabric(void *context)
{
    fabric_poll(context);
}

enum err execute_open(struct executor *e, struct arena *a)
{
    int rank = fabric_rank(e->fabric);
    e->at = plan_place(e->plan, rank, a);
    TRY(slab_open(&e->slab, e->at.slab_bytes));
    collective_open(&e->collective, e->plan, rank, e->slab.data, a);
    int most_steps = 1;
    for (int s = 0; s < SECTION_N; s++)
        if (e->plan->sections[s].n_steps > most_steps) most_steps = e->plan->sections[s].n_steps;
    e->tickets = ARENA_ARRAY(a, struct fabric_ticket, (size_t)most_steps);
    pool_set_tick(e->pool, poll_fabric, e->fabric);
    execute_fill_constants(e);
    return OK;
}

void execute_close(struct executor *e)
{
    slab_close(&e->slab);
}
