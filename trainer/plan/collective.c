#include "trainer/plan/collective.h"

#include "base/size.h"

size_t collective_limit(const struct plan *p)
{
    size_t n_ranks = (size_t)p->options.n_ranks;
    size_t most = 6 * n_ranks;
    const struct lane_plan *l = p->lanes;
    return size_max(most, l->max_received + l->max_own * n_ranks) + 2;
}

void collective_open(struct collective *c, const struct plan *p, int rank, unsigned char *slab,
                     struct arena *a)
{
    *c = (struct collective){.plan = p, .rank = rank, .slab = slab};
    c->messages = ARENA_ARRAY(a, struct fabric_message, collective_limit(p));
    c->owned = ARENA_ARRAY(a, struct range, (size_t)p->options.n_ranks);
}

static unsigned char *at(const struct collective *c, int value)
{
    return c->slab == NULL ? NULL : c->slab + c->plan->values[value].offset_bytes;
}

static struct schedule_ranks who(const struct collective *c)
{
    return (struct schedule_ranks){.n_ranks = c->plan->options.n_ranks, .rank = c->rank};
}

static size_t gather(struct collective *c, const struct step *s)
{
    if (c->plan->ownership->whole) return 0;
    size_t elem_bytes = dtype_bytes(c->plan->ownership->graph->compute);
    for (int r = 0; r < c->plan->options.n_ranks; r++) {
        struct range home = ownership_home_elems(c->plan->ownership, s->argument, r);
        c->owned[r] = (struct range){home.first * elem_bytes, home.last * elem_bytes};
    }
    return schedule_gather(who(c), c->owned, at(c, s->value), c->messages);
}

size_t collective_received_stride(const struct plan *p, int unit)
{
    size_t longest = 0;
    for (int r = 0; r < p->options.n_ranks; r++) {
        struct range kept = ownership_kept_elems(p->ownership, unit, r);
        longest = size_max(longest, kept.last - kept.first);
    }
    return size_align(longest * sizeof(float), 64);
}

static size_t reduce(struct collective *c, const struct step *s, uint64_t round)
{
    const struct plan *p = c->plan;
    for (int r = 0; r < p->options.n_ranks; r++) {
        struct range kept = ownership_kept_elems(p->ownership, s->argument, r);
        c->owned[r] = (struct range){kept.first * sizeof(float), kept.last * sizeof(float)};
    }
    struct schedule_reduce reduce = {
        .who = who(c),
        .owned = c->owned,
        .covers = p->lanes->rounds[round].covers,
        .sent = at(c, s->value),
        .sent_stride_bytes = p->ownership->units[s->argument].n_elems * sizeof(float),
        .received = at(c, s->other),
        .received_stride_bytes = collective_received_stride(p, s->argument),
    };
    return schedule_reduce_messages(&reduce, c->messages);
}

size_t collective_share_nodes(const struct plan *p)
{
    return size_max(p->options.n_lanes, p->options.n_eval_lanes);
}

size_t collective_share_node(const struct plan *p, int rank, int unit)
{
    size_t n_units = (size_t)p->ownership->graph->n_units;
    return collective_share_nodes(p) + p->share_first[(size_t)rank * n_units + (size_t)unit];
}

size_t collective_share_flags(const struct plan *p)
{
    return collective_share_node(p, p->options.n_ranks, 0);
}

size_t collective_share_doubles(const struct plan *p)
{
    return collective_share_flags(p) + (size_t)p->options.n_ranks;
}

static struct range doubles(size_t first, size_t last)
{
    return (struct range){first * sizeof(double), last * sizeof(double)};
}

// Ranks own their lanes' losses, their tree nodes and their flag: three gathers in one collective.
static size_t share(struct collective *c, enum section_kind section, const struct step *s)
{
    const struct plan *p = c->plan;
    bool evaluate = section == SECTION_EVALUATE_END;
    const struct lanes *l = evaluate ? &p->eval_lanes->lanes : &p->lanes->lanes;
    for (int r = 0; r < p->options.n_ranks; r++) {
        struct range turns = lanes_turns_of_rank(l, r);
        c->owned[r] = doubles(turns.first, turns.last);
    }
    size_t n = schedule_gather(who(c), c->owned, at(c, s->value), c->messages);
    if (evaluate) return n;
    size_t flags = collective_share_flags(p);
    for (int r = 0; r < p->options.n_ranks; r++)
        c->owned[r] = doubles(collective_share_node(p, r, 0), collective_share_node(p, r + 1, 0));
    n += schedule_gather(who(c), c->owned, at(c, s->value), c->messages + n);
    for (int r = 0; r < p->options.n_ranks; r++)
        c->owned[r] = doubles(flags + (size_t)r, flags + (size_t)r + 1);
    return n + schedule_gather(who(c), c->owned, at(c, s->value), c->messages + n);
}

size_t collective_messages(struct collective *c, enum section_kind section, const struct step *s,
                           uint64_t round)
{
    if (s->verb == VERB_GATHER) return gather(c, s);
    if (s->verb == VERB_REDUCE) return reduce(c, s, round);
    ASSERT(s->verb == VERB_SHARE);
    return share(c, section, s);
}
