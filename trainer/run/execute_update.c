// The end of a step: norm, loss, clipping and the optimizer.

#include <math.h>

#include "trainer/kernel/rows.h"
#include "trainer/optim/adamw.h"
#include "trainer/optim/gradient_norm.h"
#include "trainer/optim/learning_rate.h"
#include "trainer/run/execute_verbs.h"

// --- norm: squares of home blocks summed to the nodes of their cover ---

struct norm_work {
    const struct executor *e;
    int unit;
    struct range kept; // elements
    const struct tree_node *nodes;
    double *sums;
};

static double block_squares(const struct norm_work *w, uint64_t block)
{
    const struct ownership *o = w->e->plan->ownership;
    struct block_place at = ownership_block(o, block);
    if (!o->graph->parameters[at.parameter].trainable) return 0;
    const float *gradient = execute_segment(w->e, w->e->at.slots[w->unit]);
    return rows_kernels()->sum_squares(gradient + (at.unit_elem - w->kept.first), at.n_elems);
}

static void norm_task(void *context, size_t task, size_t thread)
{
    (void)thread;
    const struct norm_work *w = context;
    struct tree_sum sum;
    tree_sum_begin(&sum);
    for (uint64_t i = 0; i < w->nodes[task].size; i++) {
        uint64_t block = w->nodes[task].first + i;
        tree_sum_push(&sum, (struct tree_node){block, 1}, block_squares(w, block));
    }
    w->sums[task] = tree_sum_total(&sum);
}

// Sums of the tree nodes that rank reports of unit.
static double *shared_nodes(const struct executor *e, int rank, int unit)
{
    return (double *)execute_value(e, e->plan->share) + collective_share_node(e->plan, rank, unit);
}

enum err execute_norm(const struct execute_call *c)
{
    struct executor *e = c->e;
    int rank = fabric_rank(e->fabric), unit = c->step->argument;
    struct range home = ownership_home_blocks(e->plan->ownership, unit, rank);
    struct tree_node cover[TREE_COVER_LIMIT];
    size_t n = tree_cover(home.first, home.last, cover);
    struct norm_work work = {e, unit, execute_kept(c), cover, shared_nodes(e, rank, unit)};
    pool_run(e->pool, n, norm_task, &work);
    return OK;
}

// --- decide ---

static double total_loss(const struct execute_call *c)
{
    const struct lanes *l = execute_lanes(c);
    const double *losses = execute_value(c->e, c->e->plan->share);
    struct tree_sum sum;
    tree_sum_begin(&sum);
    uint64_t lane = 0; // rounds and ranks in order give the lanes in order
    for (uint64_t round = 0; round < l->n_rounds; round++)
        for (int rank = 0; rank < l->n_ranks; rank++) {
            struct range turns = lanes_turns_of_round(l, rank, round);
            for (uint64_t turn = turns.first; turn < turns.last; turn++)
                tree_sum_push(&sum, (struct tree_node){lane++, 1}, losses[turn]);
        }
    ASSERT(lane == l->n_lanes);
    return tree_sum_total(&sum);
}

static double total_squares(const struct executor *e)
{
    const struct ownership *o = e->plan->ownership;
    struct tree_sum sum;
    tree_sum_begin(&sum);
    for (int u = 0; u < o->graph->n_units; u++)
        for (int s = 0; s < o->n_ranks; s++) {
            int rank = ownership_rank_of_shard(o, s);
            struct range home = ownership_home_blocks(o, u, rank);
            struct tree_node cover[TREE_COVER_LIMIT];
            size_t n = tree_cover(home.first, home.last, cover);
            const double *sums = shared_nodes(e, rank, u);
            for (size_t i = 0; i < n; i++)
                tree_sum_push(&sum, cover[i], sums[i]);
        }
    return tree_sum_total(&sum);
}

static enum err decide_evaluation(const struct execute_call *c)
{
    struct executor *e = c->e;
    e->result.validation_loss = e->eval_tokens == 0 ? 0 : total_loss(c) / (double)e->eval_tokens;
    e->result.validated = true;
    if (isfinite(e->result.validation_loss)) return OK;
    return fail(ERR_DIVERGED,
                "step %lu: validation loss %g: not saved; resume from the last checkpoint with a "
                "lower train.lr",
                c->program->step + 1, e->result.validation_loss);
}

static double rate_at(const struct executor *e, uint64_t step)
{
    const struct config_train *t = &e->config->train;
    return learning_rate_at(&(struct learning_rate){.decay = (enum learning_rate_decay)t->schedule,
                                                    .peak = t->lr,
                                                    .minimum_ratio = t->min_lr_ratio,
                                                    .warmup_steps = t->warmup_steps,
                                                    .total_steps = e->schedule_steps},
                            step);
}

static bool anyone_stops(const struct executor *e)
{
    const double *flags =
        (double *)execute_value(e, e->plan->share) + collective_share_flags(e->plan);
    bool stop = false;
    for (int r = 0; r < e->plan->options.n_ranks; r++)
        stop |= flags[r] != 0;
    return stop;
}

enum err execute_decide(const struct execute_call *c)
{
    if (execute_is_evaluation(c)) return decide_evaluation(c);
    struct executor *e = c->e;
    struct execute_result *r = &e->result;
    r->stop = anyone_stops(e);
    r->loss = r->loss_tokens == 0 ? 0 : total_loss(c) / (double)r->loss_tokens;
    r->gradient_norm = sqrt(total_squares(e));
    enum err err = isfinite(r->loss) ? gradient_norm_scale(r->gradient_norm, e->config->train.clip,
                                                           &e->clip_scale)
                                     : ERR_DIVERGED;
    if (err != OK)
        return fail(err,
                    "step %lu: loss %g, gradient norm %g: not applied; resume from the last "
                    "checkpoint with a lower train.lr",
                    c->program->step + 1, r->loss, r->gradient_norm);
    r->learning_rate = rate_at(e, c->program->step);
    return OK;
}

// --- update ---

static struct adamw rule_of(const struct executor *e, uint64_t step, bool decays)
{
    const struct config_train *t = &e->config->train;
    struct adamw_options options = {t->beta1, t->beta2, t->eps, t->weight_decay};
    return adamw_step(&options, e->result.learning_rate, step, e->clip_scale, decays);
}

static void update_parameter(const struct execute_call *c, int p)
{
    struct executor *e = c->e;
    const struct ownership *o = e->plan->ownership;
    int unit = c->step->argument;
    struct range blocks = ownership_kept_blocks(o, unit, fabric_rank(e->fabric));
    struct parameter_part part = ownership_part(o, p, blocks);
    if (part.n_elems == 0 || !o->graph->parameters[p].trainable) return;
    struct adamw rule = rule_of(e, c->program->step, o->graph->parameters[p].decay);
    size_t first = part.unit_elem - execute_kept(c).first;
    struct adamw_state state = {.w = execute_segment(e, e->at.master[unit]) + first,
                                .m = execute_segment(e, e->at.moment1[unit]) + first,
                                .v = execute_segment(e, e->at.moment2[unit]) + first,
                                .gradient = execute_segment(e, e->at.slots[unit]) + first,
                                .n_elems = part.n_elems};
    adamw_update(&rule, &state, e->pool);
}

enum err execute_update(const struct execute_call *c)
{
    const struct unit *unit = &c->e->plan->ownership->graph->units[c->step->argument];
    for (int i = 0; i < unit->n_parameters; i++)
        update_parameter(c, unit->first_parameter + i);
    return OK;
}
