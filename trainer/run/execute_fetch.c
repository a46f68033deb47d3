// Batches into input values. A rank takes its lanes in one order, step after step, and asks its
// client for the next ones while it computes, so that datad's work and the way here are hidden;
// what it takes does not depend on what it asked for ahead.

#include <string.h>

#include "trainer/run/batch_check.h"
#include "trainer/run/execute_verbs.h"

static bool is_of(const struct value *v, enum section_kind section)
{
    return v->kind == VALUE_STATE ||
           (v->section == (int)section &&
            (v->kind == VALUE_INPUT || v->kind == VALUE_LOSS_SCALE || v->kind == VALUE_ACTIVATION));
}

static int tensor_value(const struct plan *p, enum section_kind section, int t)
{
    for (int v = 0; v < p->n_values; v++)
        if (p->values[v].reference == t && is_of(&p->values[v], section)) return v;
    return -1;
}

static int named_value(const struct plan *p, enum section_kind section, const char *name)
{
    const struct graph *g = p->sections[section].graph;
    for (int t = 0; t < g->n_tensors; t++)
        if (g->tensors[t].kind == TENSOR_INPUT && strcmp(g->tensors[t].name, name) == 0)
            return tensor_value(p, section, t);
    return -1;
}

void *execute_tensor(const struct executor *e, enum section_kind section, int t)
{
    int v = tensor_value(e->plan, section, t);
    return v < 0 ? NULL : execute_value(e, v);
}

void *execute_input(const struct executor *e, enum section_kind section, const char *name)
{
    int v = named_value(e->plan, section, name);
    return v < 0 ? NULL : execute_value(e, v);
}

// The lanes of one client, as this rank takes them.
struct source {
    struct client *client;
    struct fetch *ahead;
    const struct lanes *lanes;
    int rank;
    uint64_t n_lanes;    // of this rank, in a step
    uint64_t first_step; // the k-th lane that it takes belongs to step first_step + k / n_lanes
    uint64_t limit;      // lanes that it may ask for, ever
    bool again;          // every step takes the same rows: validation
};

static enum err ask(const struct source *s)
{
    uint64_t k = s->ahead->n_asked++;
    uint64_t step = s->again ? 0 : s->first_step + k / s->n_lanes;
    return client_request(s->client, step, lanes_taken(s->lanes, s->rank, k % s->n_lanes));
}

// Twice the same validation rows are never asked for at once.
static enum err ask_ahead(const struct source *s)
{
    uint64_t window = s->again ? size_min(CLIENT_WINDOW, s->n_lanes) : CLIENT_WINDOW;
    while (s->ahead->n_asked < s->limit && s->ahead->n_asked - s->ahead->n_taken < window)
        TRY(ask(s));
    return OK;
}

static int next_input(const struct execute_call *c, int v)
{
    const struct plan *p = c->e->plan;
    while (v < p->n_values &&
           !(p->values[v].kind == VALUE_INPUT && p->values[v].section == (int)c->program->section))
        v++;
    return v;
}

static enum err copy_array(const struct execute_call *c, const struct batch *batch, int value,
                           size_t slot)
{
    const struct graph *g = c->section->graph;
    const struct tensor *t = &g->tensors[c->e->plan->values[value].reference];
    size_t n_bytes = graph_bytes(g, c->e->plan->values[value].reference);
    unsigned char *out = (unsigned char *)execute_value(c->e, value) + slot * n_bytes;
    TRY(batch_check_copy(batch, t, n_bytes, out));
    struct batch_limits limits = {.vocabulary = c->e->config->model.vocabulary,
                                  .context = c->e->config->model.context,
                                  .sequence = g->sequence};
    return batch_check_values(t->name, out, n_bytes / 4, &limits);
}

static enum err copy_inputs(const struct execute_call *c, const struct batch *batch, size_t slot)
{
    for (int v = next_input(c, 0); v < c->e->plan->n_values; v = next_input(c, v + 1)) {
        enum err err = copy_array(c, batch, v, slot);
        if (err != OK) return fail_at(err, "batch of step %lu lane %lu", batch->step, batch->lane);
    }
    return OK;
}

static enum err take(const struct execute_call *c, struct client *client, uint64_t step,
                     uint64_t lane, size_t slot, bool copy)
{
    struct batch batch;
    TRY(client_wait(client, step, lane, &batch));
    enum err err = copy ? copy_inputs(c, &batch, slot) : OK;
    if (c->program->section == SECTION_EVALUATE)
        c->e->eval_tokens = batch.step_loss_tokens;
    else {
        c->e->result.loss_tokens = batch.step_loss_tokens;
        c->e->history = batch.history;
    }
    client_release(client, &batch);
    return err;
}

static enum err fetch_lanes(const struct execute_call *c, const struct source *s, uint64_t step,
                            struct range lanes)
{
    for (uint64_t lane = lanes.first; lane < lanes.last; lane++) {
        ASSERT(lanes_taken(s->lanes, s->rank, s->ahead->n_taken % s->n_lanes) == lane);
        TRY(ask_ahead(s));
        TRY(take(c, s->client, step, lane, lane - lanes.first, true));
        s->ahead->n_taken++;
    }
    return s->n_lanes > 0 ? ask_ahead(s) : OK;
}

// A rank without lanes still needs the step's count of loss tokens.
static enum err fetch_count(const struct execute_call *c, struct client *client, uint64_t step)
{
    TRY(client_request(client, step, 0));
    return take(c, client, step, 0, 0, false);
}

static struct source source_of(const struct execute_call *c)
{
    struct executor *e = c->e;
    bool evaluate = c->program->section == SECTION_EVALUATE;
    struct source s = {.client = evaluate ? e->validation : e->train,
                       .ahead = evaluate ? &e->validation_ahead : &e->train_ahead,
                       .lanes = execute_lanes(c),
                       .rank = fabric_rank(e->fabric),
                       .first_step = e->first_step,
                       .again = evaluate};
    struct range turns = lanes_turns_of_rank(s.lanes, s.rank);
    s.n_lanes = turns.last - turns.first;
    s.limit = evaluate ? UINT64_MAX : (e->last_step - e->first_step) * s.n_lanes;
    return s;
}

enum err execute_fetch(const struct execute_call *c)
{
    struct executor *e = c->e;
    struct source s = source_of(c);
    uint64_t step = s.again ? 0 : c->program->step;
    if (s.client == NULL) return OK; // the caller has filled the inputs
    TRY(fetch_lanes(c, &s, step, execute_round_lanes(c)));
    if (s.n_lanes == 0 && c->program->round == 0) TRY(fetch_count(c, s.client, step));
    float *scale = execute_input(e, c->program->section, "loss_scale");
    if (scale == NULL) return OK;
    *scale = e->result.loss_tokens == 0 ? 0.0f : (float)(1.0 / (double)e->result.loss_tokens);
    return OK;
}
