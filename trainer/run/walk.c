#include "trainer/run/walk.h"

#include "base/size.h"
#include "topology/fabric.h"
#include "trainer/plan/collective.h"
#include "trainer/run/trace.h"

// One rank being played.
struct walker {
    struct fabric *fabric;
    struct collective collective;
    struct program program;
    struct program_call call;
    int index; // of the step to play; -1 = before the first section
    bool ended, blocked;
    uint64_t sequence;
    struct fabric_ticket *tickets; // per step of a section
    bool *alive;                   // per value
    double exposed_s;
    size_t high_bytes;
};

struct walk {
    const struct plan *plan;
    const struct walk_machine *machine;
    struct fabric_sim *net;
    struct walker *ranks;
    int *ending[SECTION_N]; // [steps]: first value that ends after it, -1 = none; then by
    int *next_ending;       // [values]
    FILE *trace;
    struct walk_result result;
};

static enum err broken(const struct walk *w, int rank, const char *what)
{
    const struct walker *r = &w->ranks[rank];
    return fail(ERR_INVARIANT, "walk: rank %d step %lu section %s step %d: %s", rank, r->call.step,
                section_name(r->call.section), r->index, what);
}

// --- memory: values come alive at their first step and end after their last ---

static enum err check_apart(const struct walk *w, int rank, int value)
{
    const struct value *v = &w->plan->values[value];
    for (int i = 0; i < w->plan->n_values; i++) {
        const struct value *other = &w->plan->values[i];
        if (i == value || !w->ranks[rank].alive[i]) continue;
        if (v->offset_bytes < other->offset_bytes + other->n_bytes &&
            other->offset_bytes < v->offset_bytes + v->n_bytes)
            return broken(w, rank, "two live values overlap in the slab");
    }
    return OK;
}

static enum err bring_alive(struct walk *w, int rank, int value)
{
    if (value < 0 || w->ranks[rank].alive[value]) return OK;
    const struct value *v = &w->plan->values[value];
    if (v->section >= 0 && (v->section != (int)w->ranks[rank].call.section ||
                            v->first > w->ranks[rank].index || v->last < w->ranks[rank].index))
        return broken(w, rank, "a value is used outside its interval");
    if (rank == 0 || w->plan->options.n_ranks <= 8) TRY(check_apart(w, rank, value));
    w->ranks[rank].alive[value] = true;
    w->ranks[rank].high_bytes = size_max(w->ranks[rank].high_bytes, v->offset_bytes + v->n_bytes);
    return OK;
}

static enum err use_values(struct walk *w, int rank, const struct section *section,
                           const struct step *s)
{
    TRY(bring_alive(w, rank, s->value));
    TRY(bring_alive(w, rank, s->other));
    if (s->verb != VERB_RUN) return OK;
    const struct node *n = &section->graph->nodes[s->argument];
    for (int j = 0; j < n->n_inputs + n->n_outputs; j++)
        TRY(bring_alive(w, rank, w->plan->operands[s->first_operand + j].value));
    return OK;
}

// Chains the values by the step after which they end: a step ends few of many.
static void chain_endings(struct walk *w, struct arena *a)
{
    const struct plan *p = w->plan;
    w->next_ending = ARENA_ARRAY(a, int, (size_t)p->n_values + 1);
    for (int s = 0; s < SECTION_N; s++) {
        w->ending[s] = ARENA_ARRAY(a, int, (size_t)p->sections[s].n_steps + 1);
        for (int i = 0; i < p->sections[s].n_steps; i++)
            w->ending[s][i] = -1;
    }
    for (int v = 0; v < p->n_values; v++) {
        const struct value *value = &p->values[v];
        if (value->section < 0) continue;
        ASSERT(value->last < p->sections[value->section].n_steps);
        w->next_ending[v] = w->ending[value->section][value->last];
        w->ending[value->section][value->last] = v;
    }
}

static void end_values(const struct walk *w, int rank)
{
    struct walker *r = &w->ranks[rank];
    for (int v = w->ending[r->call.section][r->index]; v >= 0; v = w->next_ending[v])
        r->alive[v] = false;
}

// Inputs and scratch exist from the section's first step.
static enum err begin_section(struct walk *w, int rank)
{
    for (int v = 0; v < w->plan->n_values; v++) {
        const struct value *value = &w->plan->values[v];
        if (value->section == (int)w->ranks[rank].call.section && value->first == 0)
            TRY(bring_alive(w, rank, v));
    }
    return OK;
}

// --- time ---

static double step_seconds(const struct walk *w, int rank, const struct section *section,
                           const struct step *s)
{
    const struct walker *r = &w->ranks[rank];
    const struct walk_machine *m = w->machine;
    if (s->verb == VERB_RUN) {
        bool evaluate = r->call.section == SECTION_EVALUATE;
        const struct lanes *l = evaluate ? &w->plan->eval_lanes->lanes : &w->plan->lanes->lanes;
        struct range lanes = lanes_of_round(l, rank, r->call.round);
        struct cost cost = graph_node_cost(section->graph, &section->graph->nodes[s->argument]);
        double seconds = cost.flops / m->flops_per_s, moving = cost.bytes / m->memory_bytes_per_s;
        return (double)(lanes.last - lanes.first) * (seconds > moving ? seconds : moving);
    }
    if (s->argument < 0) return 0;
    struct range kept = ownership_kept_elems(w->plan->ownership, s->argument, rank);
    double segment_bytes = (double)(kept.last - kept.first) * 4;
    // Passes over memory: cast reads and writes; AdamW reads 4 and writes 3 vectors; a fold reads
    // two and writes one.
    double passes = s->verb == VERB_CAST         ? 1.5
                    : s->verb == VERB_UPDATE     ? 7
                    : s->verb == VERB_NORM       ? 1
                    : s->verb == VERB_ACCUMULATE ? 3
                                                 : 0;
    return passes * segment_bytes / m->memory_bytes_per_s;
}

// --- fabric ---

static enum err start(struct walk *w, int rank, const struct step *s)
{
    struct walker *r = &w->ranks[rank];
    size_t n = collective_messages(&r->collective, r->call.section, s, r->call.round);
    for (size_t i = 0; i < n; i++) {
        const struct fabric_message *m = &r->collective.messages[i];
        if (m->direction != FABRIC_SEND || m->peer == rank) continue;
        w->result.n_messages += m->n_bytes > 0;
        w->result.fabric_bytes += (double)m->n_bytes;
    }
    w->result.n_collectives += rank == 0;
    return fabric_start(r->fabric, r->sequence++, verb_name(s->verb), r->collective.messages, n,
                        &r->tickets[r->index]);
}

// True when the wait is over; the time it took is exposed communication.
static bool finished(struct walk *w, int rank, const struct step *s)
{
    struct walker *r = &w->ranks[rank];
    double before = fabric_sim_clock_s(w->net, rank);
    if (!fabric_test(r->fabric, &r->tickets[s->after])) return false;
    r->exposed_s += fabric_sim_clock_s(w->net, rank) - before;
    return true;
}

// --- playing ---

static bool is_wait(enum verb v)
{
    return v == VERB_GATHER_WAIT || v == VERB_REDUCE_WAIT || v == VERB_SHARE_WAIT;
}

static void unblock_all(struct walk *w)
{
    for (int i = 0; i < w->plan->options.n_ranks; i++)
        w->ranks[i].blocked = false;
}

// Plays one step; *blocked when it waits for a peer.
static enum err play_step(struct walk *w, int rank, bool *blocked)
{
    struct walker *r = &w->ranks[rank];
    const struct section *section = &w->plan->sections[r->call.section];
    const struct step *s = &section->steps[r->index];
    *blocked = is_wait(s->verb) && !finished(w, rank, s);
    if (*blocked) return OK;
    if (rank == 0) trace_step(w->trace, w->plan, &r->call, r->index);
    TRY(use_values(w, rank, section, s));
    if (verb_queue(s->verb) == QUEUE_FABRIC) {
        TRY(start(w, rank, s));
        unblock_all(w); // a peer may have waited for this: keep to the order of virtual time
    }
    fabric_sim_compute(w->net, rank, step_seconds(w, rank, section, s));
    end_values(w, rank);
    w->result.n_steps_played++;
    r->index++;
    return OK;
}

// Moves to the next section that has steps, or to the end.
static enum err next_section(struct walk *w, int rank)
{
    struct walker *r = &w->ranks[rank];
    do {
        if (!program_next(&r->program, &r->call)) {
            r->ended = true;
            return OK;
        }
    } while (w->plan->sections[r->call.section].n_steps == 0);
    r->index = 0;
    return begin_section(w, rank);
}

// Plays one step of rank, or finds that it waits for a peer or has ended.
static enum err play_rank(struct walk *w, int rank)
{
    struct walker *r = &w->ranks[rank];
    if (r->index < 0 || r->index == w->plan->sections[r->call.section].n_steps)
        TRY(next_section(w, rank));
    if (r->ended) return OK;
    return play_step(w, rank, &r->blocked);
}

// The rank whose clock is least among those that may move (the order of virtual time), or -1.
static int next_rank(const struct walk *w)
{
    int best = -1;
    for (int i = 0; i < w->plan->options.n_ranks; i++) {
        if (w->ranks[i].ended || w->ranks[i].blocked) continue;
        if (best < 0 || fabric_sim_clock_s(w->net, i) < fabric_sim_clock_s(w->net, best)) best = i;
    }
    return best;
}

static int first_unfinished(const struct walk *w)
{
    for (int i = 0; i < w->plan->options.n_ranks; i++)
        if (!w->ranks[i].ended) return i;
    return -1;
}

static enum err play_all(struct walk *w)
{
    bool moved = true;
    while (first_unfinished(w) >= 0) {
        int rank = next_rank(w);
        if (rank < 0) {
            if (!moved) return broken(w, first_unfinished(w), "deadlock: every rank waits");
            moved = false;
            unblock_all(w);
            continue;
        }
        TRY(play_rank(w, rank));
        moved |= !w->ranks[rank].blocked;
    }
    return fabric_sim_check_drained(w->net);
}

static void open_ranks(struct walk *w, const struct program_options *program, struct arena *a)
{
    size_t most_steps = 1;
    for (int s = 0; s < SECTION_N; s++)
        most_steps = size_max(most_steps, (size_t)w->plan->sections[s].n_steps);
    w->ranks = ARENA_ARRAY(a, struct walker, (size_t)w->plan->options.n_ranks);
    for (int i = 0; i < w->plan->options.n_ranks; i++) {
        struct walker *r = &w->ranks[i];
        r->fabric = fabric_sim_rank(w->net, i);
        r->index = -1;
        r->tickets = ARENA_ARRAY(a, struct fabric_ticket, most_steps);
        r->alive = ARENA_ARRAY(a, bool, (size_t)w->plan->n_values + 1);
        collective_open(&r->collective, w->plan, i, NULL, a);
        program_begin(&r->program, w->plan, program);
    }
}

static enum err bring_run_values_alive(struct walk *w)
{
    for (int rank = 0; rank < w->plan->options.n_ranks; rank++)
        for (int v = 0; v < w->plan->n_values; v++)
            if (w->plan->values[v].section < 0) TRY(bring_alive(w, rank, v));
    return OK;
}

static enum err finish(struct walk *w, struct arena *a)
{
    for (int rank = 0; rank < w->plan->options.n_ranks; rank++) {
        const struct walker *r = &w->ranks[rank];
        if (r->high_bytes != w->plan->shared_bytes)
            return broken(w, rank, "the high-water mark is not the plan's number");
        w->result.peak_bytes =
            size_max(w->result.peak_bytes, plan_place(w->plan, rank, a).slab_bytes);
        double clock_s = fabric_sim_clock_s(w->net, rank);
        if (clock_s < w->result.seconds) continue;
        w->result.seconds = clock_s;
        w->result.exposed_s = r->exposed_s;
    }
    return OK;
}

enum err walk_plan(const struct plan *p, const struct program_options *program,
                   const struct walk_machine *machine, FILE *trace, struct walk_result *out)
{
    struct walk w = {.plan = p, .machine = machine, .trace = trace};
    struct arena a;
    arena_init(&a, "walk");
    struct fabric_sim_link link = {machine->link_latency_s, machine->link_bytes_per_s};
    enum err err = fabric_sim_open(&a, p->options.n_ranks, link, &w.net);
    if (err == OK) {
        open_ranks(&w, program, &a);
        chain_endings(&w, &a);
        err = bring_run_values_alive(&w);
    }
    if (err == OK) err = play_all(&w);
    if (err == OK) err = finish(&w, &a);
    if (err == OK) *out = w.result;
    arena_fini(&a);
    return err;
}
