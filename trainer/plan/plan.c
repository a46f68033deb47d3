#include "trainer/plan/plan.h"

#include <string.h>

#include "base/size.h"
#include "trainer/graph/op.h"
#include "trainer/plan/collective.h"
#include "trainer/plan/section_build.h"
#include "trainer/plan/slab_layout.h"

static const struct {
    const char *name;
    enum plan_queue queue;
} verbs[] = {
#define X(name, queue, argument) {#name, QUEUE_##queue},
    VERB_TABLE(X)
#undef X
};

static const char *const sections[] = {
#define X(name, text) text,
    SECTION_TABLE(X)
#undef X
};

const char *verb_name(enum verb v)
{
    return verbs[v].name;
}

enum plan_queue verb_queue(enum verb v)
{
    return verbs[v].queue;
}

const char *section_name(enum section_kind s)
{
    return sections[s];
}

// Tree nodes that each rank reports of each unit: the covers of its home blocks.
static void plan_share_nodes(struct plan *p)
{
    size_t n_units = (size_t)p->ownership->graph->n_units, i = 0;
    struct tree_node cover[TREE_COVER_LIMIT];
    p->share_first = ARENA_ARRAY(p->arena, uint64_t, (size_t)p->options.n_ranks * n_units + 1);
    for (int r = 0; r < p->options.n_ranks; r++)
        for (size_t u = 0; u < n_units; u++, i++) {
            struct range home = ownership_home_blocks(p->ownership, (int)u, r);
            p->share_first[i + 1] = p->share_first[i] + tree_cover(home.first, home.last, cover);
        }
}

static void plan_share(struct plan *p)
{
    plan_share_nodes(p);
    uint64_t n_lanes = size_max(p->options.n_lanes, p->options.n_eval_lanes);
    p->lane_loss = section_add_run_value(p, VALUE_LANE_LOSS, -1, n_lanes * sizeof(double));
    p->share =
        section_add_run_value(p, VALUE_SHARE, -1, collective_share_doubles(p) * sizeof(double));
}

static void finish(struct plan *p)
{
    slab_layout_values(p);
    struct arena scratch;
    arena_init(&scratch, "plan hash");
    const char *text = plan_print(p, &scratch);
    p->hash = hash_xxh3_128(text, strlen(text));
    arena_fini(&scratch);
}

static enum err check_options(const struct plan_options *o)
{
    if ((uint64_t)o->n_ranks > o->n_lanes)
        return fail(ERR_CONFIG,
                    "%d ranks but %lu lanes a step (train.global_batch / train.micro_batch): use "
                    "at most %lu ranks or more lanes",
                    o->n_ranks, o->n_lanes, o->n_lanes);
    return OK;
}

enum err plan_build(struct arena *a, const struct graph *train, const struct graph *evaluate,
                    const struct plan_options *o, struct plan **out)
{
    TRY(check_options(o));
    struct plan *p = ARENA_NEW(a, struct plan);
    p->arena = a;
    p->options = *o;
    p->train = train;
    p->evaluate = evaluate;
    p->ownership = ownership_split(a, train, o->n_ranks, o->n_nodes, o->zero == 0);
    p->lanes = lanes_plan(a, o->n_ranks, o->n_lanes, o->lockstep);
    p->options.lockstep = p->lanes->lanes.lockstep;
    plan_share(p);
    section_build_prepare(p);
    section_build_round(p, SECTION_LANES, train, p->lanes);
    section_build_update(p);
    if (evaluate != NULL) {
        p->eval_lanes = lanes_plan(a, o->n_ranks, o->n_eval_lanes, p->options.lockstep);
        section_build_round(p, SECTION_EVALUATE, evaluate, p->eval_lanes);
        section_build_evaluate_end(p);
    }
    section_build_save(p);
    finish(p);
    *out = p;
    return OK;
}

enum err plan_build_decode(struct arena *a, const struct graph *decode, uint64_t n_threads,
                           struct plan **out)
{
    struct plan *p = ARENA_NEW(a, struct plan);
    p->arena = a;
    p->options = (struct plan_options){
        .n_ranks = 1, .n_nodes = 1, .n_lanes = 1, .lockstep = 1, .n_threads = n_threads};
    p->decode = decode;
    p->ownership = ownership_split(a, decode, 1, 1, true);
    p->lanes = lanes_plan(a, 1, 1, 1);
    plan_share(p);
    section_build_prepare(p);
    section_build_round(p, SECTION_DECODE, decode, p->lanes);
    finish(p);
    *out = p;
    return OK;
}

struct placement plan_place(const struct plan *p, int rank, struct arena *a)
{
    size_t n_units = (size_t)p->ownership->graph->n_units;
    struct placement at = {.slab_bytes = p->shared_bytes};
    at.segment_bytes = ARENA_ARRAY(a, size_t, n_units);
    for (size_t u = 0; u < n_units; u++) {
        struct range kept = ownership_kept_elems(p->ownership, (int)u, rank);
        at.segment_bytes[u] = size_align((kept.last - kept.first) * sizeof(float), 64);
    }
    bool training = p->train != NULL;
    struct {
        size_t **offsets;
        size_t copies;
    } regions[] = {{&at.master, 1},
                   {&at.moment1, training},
                   {&at.moment2, training},
                   {&at.slots, training ? p->lanes->n_slots : 0}};
    for (size_t i = 0; i < sizeof regions / sizeof regions[0]; i++) {
        *regions[i].offsets = ARENA_ARRAY(a, size_t, n_units);
        for (size_t u = 0; u < n_units; u++) {
            (*regions[i].offsets)[u] = at.slab_bytes;
            at.slab_bytes += regions[i].copies * at.segment_bytes[u];
        }
    }
    return at;
}

// Most bytes of the given kinds alive at one step of any section.
static size_t most_alive(const struct plan *p, unsigned kinds)
{
    size_t most = 0;
    for (int s = 0; s < SECTION_N; s++) {
        size_t n_steps = (size_t)p->sections[s].n_steps;
        struct arena a;
        arena_init(&a, "plan bytes");
        int64_t *change = ARENA_ARRAY(&a, int64_t, n_steps + 2);
        for (int v = 0; v < p->n_values; v++) {
            const struct value *value = &p->values[v];
            if ((kinds >> value->kind & 1) == 0) continue;
            if (value->section >= 0 && value->section != s) continue;
            change[value->section < 0 ? 0 : value->first] += (int64_t)value->n_bytes;
            change[value->section < 0 ? (int)n_steps : value->last + 1] -= (int64_t)value->n_bytes;
        }
        int64_t alive = 0;
        for (size_t i = 0; i <= n_steps; i++) {
            alive += change[i];
            most = size_max(most, (size_t)alive);
        }
        arena_fini(&a);
    }
    return most;
}

struct plan_bytes plan_bytes(const struct plan *p, int rank)
{
    struct arena a;
    arena_init(&a, "plan bytes");
    struct placement at = plan_place(p, rank, &a);
    size_t kept = 0;
    for (int u = 0; u < p->ownership->graph->n_units; u++)
        kept += at.segment_bytes[u];
    bool training = p->train != NULL;
    struct plan_bytes b = {
        .parameters = kept,
        .gradients = training ? kept * p->lanes->n_slots : 0,
        .optimizer = training ? 2 * kept : 0,
        .activations = most_alive(p, 1u << VALUE_ACTIVATION),
        .gathered = most_alive(p, 1u << VALUE_GATHERED),
        .buffers = most_alive(p, ~(1u << VALUE_ACTIVATION | 1u << VALUE_GATHERED)),
        .shared = p->shared_bytes,
        .peak = at.slab_bytes,
    };
    arena_fini(&a);
    return b;
}

static double section_flops(const struct plan *p)
{
    double flops = 0;
    const struct section *s = &p->sections[SECTION_LANES];
    for (int i = 0; i < s->n_steps; i++)
        if (s->steps[i].verb == VERB_RUN)
            flops += graph_node_cost(s->graph, &s->graph->nodes[s->steps[i].argument]).flops;
    return flops * (double)p->options.n_lanes;
}

double plan_hardware_flops(const struct plan *p)
{
    return section_flops(p);
}

double plan_model_flops(const struct plan *p)
{
    double flops = 0;
    for (int i = 0; i < p->train->n_nodes; i++)
        flops += graph_node_cost(p->train, &p->train->nodes[i]).flops;
    return flops * (double)p->options.n_lanes;
}
