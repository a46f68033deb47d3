// Batches into input values.

#include <string.h>

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

static int input_value(const struct execute_call *c, const char *name)
{
    return named_value(c->e->plan, c->program->section, name);
}

static enum err copy_array(const struct execute_call *c, const struct batch_array *array,
                           size_t slot)
{
    int v = input_value(c, array->name);
    if (v < 0) return OK; // an array that this graph does not read
    int t = c->e->plan->values[v].reference;
    size_t n_bytes = graph_bytes(c->section->graph, t);
    if (array->count * 4 != n_bytes || array->dtype == BATCH_U8)
        return fail(ERR_DATA, "batch array %s has %zu elements, the plan has %zu bytes",
                    array->name, array->count, n_bytes);
    memcpy((unsigned char *)execute_value(c->e, v) + slot * n_bytes, array->data, n_bytes);
    return OK;
}

static enum err take_batch(const struct execute_call *c, struct client *client, uint64_t step,
                           uint64_t lane, size_t slot, bool copy)
{
    struct batch batch;
    TRY(client_wait(client, step, lane, &batch));
    enum err err = OK;
    for (size_t i = 0; copy && err == OK && i < batch.n_arrays; i++)
        err = copy_array(c, &batch.arrays[i], slot);
    if (c->program->section == SECTION_EVALUATE)
        c->e->eval_tokens = batch.step_loss_tokens;
    else
        c->e->result.loss_tokens = batch.step_loss_tokens;
    client_release(client, &batch);
    return err;
}

static enum err fetch_lanes(const struct execute_call *c, struct client *client, uint64_t step,
                            struct range lanes)
{
    for (uint64_t lane = lanes.first; lane < lanes.last; lane++)
        TRY(client_request(client, step, lane));
    for (uint64_t lane = lanes.first; lane < lanes.last; lane++)
        TRY(take_batch(c, client, step, lane, lane - lanes.first, true));
    if (lanes.first < lanes.last || c->program->round > 0) return OK;
    // A rank without lanes still needs the step's count of loss tokens.
    TRY(client_request(client, step, 0));
    return take_batch(c, client, step, 0, 0, false);
}

enum err execute_fetch(const struct execute_call *c)
{
    struct executor *e = c->e;
    bool evaluate = c->program->section == SECTION_EVALUATE;
    uint64_t step = evaluate ? 0 : c->program->step;
    struct client *client = evaluate ? e->validation : e->train;
    if (client == NULL) return OK;
    TRY(fetch_lanes(c, client, step, execute_round_lanes(c)));
    int scale = input_value(c, "loss_scale");
    if (scale < 0) return OK;
    float *out = (float *)execute_value(e, scale);
    *out = e->result.loss_tokens == 0 ? 0.0f : (float)(1.0 / (double)e->result.loss_tokens);
    return OK;
}
