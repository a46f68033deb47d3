// The invariants of a plan, checked on the plan itself (trainer/run/walk.c checks them again by
// playing it):
//   P1 a wait names the start before it of the same verb and unit, and each start has exactly one
//      wait
//   P2 `after` points backwards
//   P3 every value is used only inside its interval
//   P4 values alive at the same time do not overlap, and all lie inside the shared part of the slab
//   P5 each unit with a gradient is reduced exactly once a round, after its last gradient is
//      written
//   P6 home ranges cover every block exactly once
//   P7 the folds of the rounds add every lane exactly once and end in slot 0

#include "trainer/plan/plan.h"
#include "trainer/plan/slab_layout.h"

struct place_in {
    const struct plan *plan;
    enum section_kind kind;
    const struct section *section;
};

static enum verb wait_of(enum verb start)
{
    switch (start) {
    case VERB_GATHER:
        return VERB_GATHER_WAIT;
    case VERB_REDUCE:
        return VERB_REDUCE_WAIT;
    case VERB_SHARE:
        return VERB_SHARE_WAIT;
    case VERB_FETCH:
    case VERB_CAST:
    case VERB_GATHER_WAIT:
    case VERB_RUN:
    case VERB_RELEASE:
    case VERB_LOSS:
    case VERB_FOLD:
    case VERB_REDUCE_WAIT:
    case VERB_ACCUMULATE:
    case VERB_NORM:
    case VERB_SHARE_WAIT:
    case VERB_DECIDE:
    case VERB_UPDATE:
    case VERB_SAVE:
    case VERB_N:
        break;
    }
    return VERB_N;
}

static enum err broken(const struct place_in *at, int step, const char *what)
{
    return fail(ERR_INVARIANT, "plan: section %s step %d: %s", section_name(at->kind), step, what);
}

static enum err check_pair(const struct place_in *at, int i)
{
    const struct step *start = &at->section->steps[i];
    enum verb wait = wait_of(start->verb);
    if (wait == VERB_N) return OK;
    int n_waits = 0;
    for (int j = 0; j < at->section->n_steps; j++) {
        const struct step *s = &at->section->steps[j];
        if (s->verb != wait || s->after != i) continue;
        if (j < i || s->argument != start->argument || s->value != start->value)
            return broken(at, j, "a wait does not match its start");
        n_waits++;
    }
    return n_waits == 1 ? OK : broken(at, i, "a start does not have exactly one wait");
}

static enum err check_value(const struct place_in *at, int step, int value)
{
    if (value < 0) return OK;
    const struct value *v = &at->plan->values[value];
    bool inside =
        v->section < 0 || (v->section == (int)at->kind && v->first <= step && step <= v->last);
    return inside ? OK : broken(at, step, "a value is used outside its interval");
}

static enum err check_operands(const struct place_in *at, int i)
{
    const struct step *s = &at->section->steps[i];
    if (s->verb != VERB_RUN) return OK;
    const struct node *n = &at->section->graph->nodes[s->argument];
    for (int j = 0; j < n->n_inputs + n->n_outputs; j++)
        TRY(check_value(at, i, at->plan->operands[s->first_operand + j].value));
    return OK;
}

static enum err check_section(const struct plan *p, enum section_kind kind)
{
    struct place_in at = {p, kind, &p->sections[kind]};
    for (int i = 0; i < at.section->n_steps; i++) {
        if (at.section->steps[i].after >= i) return broken(&at, i, "waits for a later step");
        TRY(check_pair(&at, i));
        TRY(check_value(&at, i, at.section->steps[i].value));
        TRY(check_value(&at, i, at.section->steps[i].other));
        TRY(check_operands(&at, i));
    }
    return OK;
}

static enum err check_memory(const struct plan *p)
{
    for (int i = 0; i < p->n_values; i++) {
        const struct value *a = &p->values[i];
        if (a->offset_bytes + a->n_bytes > p->shared_bytes)
            return fail(ERR_INVARIANT, "plan: value v%d ends outside the slab", i);
        for (int j = i + 1; j < p->n_values; j++) {
            const struct value *b = &p->values[j];
            bool apart = a->offset_bytes + a->n_bytes <= b->offset_bytes ||
                         b->offset_bytes + b->n_bytes <= a->offset_bytes;
            if (!apart && slab_layout_overlap_in_time(a, b))
                return fail(ERR_INVARIANT, "plan: values v%d and v%d overlap", i, j);
        }
    }
    return OK;
}

static bool writes_gradient(const struct graph *g, const struct step *s, int unit)
{
    if (s->verb != VERB_RUN) return false;
    const struct node *n = &g->nodes[s->argument];
    for (int j = 0; j < n->n_outputs; j++) {
        int t = n->outputs[j];
        if (t != TENSOR_NONE && g->tensors[t].kind == TENSOR_GRADIENT && g->tensors[t].unit == unit)
            return true;
    }
    return false;
}

static enum err check_reduced(const struct plan *p)
{
    struct place_in at = {p, SECTION_LANES, &p->sections[SECTION_LANES]};
    for (int u = 0; u < p->train->n_units; u++) {
        int last_write = -1, fold = -1, n_reduced = 0;
        for (int i = 0; i < at.section->n_steps; i++) {
            const struct step *s = &at.section->steps[i];
            if (writes_gradient(p->train, s, u)) last_write = i;
            if (s->verb == VERB_FOLD && s->argument == u) fold = i;
            n_reduced += s->verb == VERB_REDUCE && s->argument == u;
        }
        if (n_reduced != (last_write >= 0))
            return broken(&at, last_write, "a unit is not reduced exactly once");
        if (fold >= 0 && fold < last_write)
            return broken(&at, fold, "a unit is folded before its last gradient");
    }
    return OK;
}

static enum err check_ownership(const struct plan *p)
{
    const struct ownership *o = p->ownership;
    for (int u = 0; u < o->graph->n_units; u++) {
        uint64_t next = o->units[u].first_block;
        for (int s = 0; s < o->n_ranks; s++) {
            struct range home = ownership_home_blocks(o, u, ownership_rank_of_shard(o, s));
            if (home.first != next || home.last < home.first)
                return fail(ERR_INVARIANT, "plan: unit %d: blocks are not covered once", u);
            next = home.last;
        }
        if (next != o->units[u].first_block + o->units[u].n_blocks)
            return fail(ERR_INVARIANT, "plan: unit %d: blocks are missing", u);
    }
    return OK;
}

// Plays the folds on intervals of lanes: a place holds the sum of consecutive lanes, and what is
// added to it continues them, so that nothing is added twice or in another order than the tree's.
struct fold_play {
    struct range *slots, *received;
    bool in_order;
};

static struct range *fold_place(const struct fold_play *f, int place)
{
    return place < 0 ? &f->slots[~place] : &f->received[place];
}

static void play_round(struct fold_play *f, const struct lane_round *round, int n_ranks)
{
    size_t n = 0;
    for (int r = 0; r < n_ranks; r++)
        for (size_t i = 0; i < round->covers[r].n_nodes; i++) {
            const struct tree_node *node = &round->covers[r].nodes[i];
            f->received[n++] = (struct range){node->first, node->first + node->size};
        }
    for (size_t i = 0; i < round->n_folds; i++) {
        struct range *to = fold_place(f, round->folds[i].to);
        const struct range *from = fold_place(f, round->folds[i].from);
        if (round->folds[i].action == FOLD_MOVE) {
            *to = *from;
            continue;
        }
        f->in_order &= to->last == from->first && from->first < from->last;
        to->last = from->last;
    }
}

static enum err check_folds(const struct lane_plan *l)
{
    struct arena a;
    arena_init(&a, "fold check");
    struct fold_play f = {.slots = ARENA_ARRAY(&a, struct range, l->n_slots),
                          .received = ARENA_ARRAY(&a, struct range, l->max_received + 1),
                          .in_order = true};
    for (uint64_t r = 0; r < l->lanes.n_rounds; r++)
        play_round(&f, &l->rounds[r], l->lanes.n_ranks);
    bool whole = f.in_order && f.slots[0].first == 0 && f.slots[0].last == l->lanes.n_lanes;
    arena_fini(&a);
    return whole ? OK : fail(ERR_INVARIANT, "plan: the folds do not add every lane once, in order");
}

enum err plan_check(const struct plan *p)
{
    for (int s = 0; s < SECTION_N; s++)
        TRY(check_section(p, (enum section_kind)s));
    TRY(check_memory(p));
    TRY(check_ownership(p));
    if (p->train == NULL) return OK;
    TRY(check_reduced(p));
    return check_folds(p->lanes);
}
