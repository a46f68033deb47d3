// Batches into input values.

#include <string.h>

#include "trainer/run/execute_verbs.h"

static int input_value(const struct execute_call *c, const char *name)
{
    const struct plan *p = c->e->plan;
    for (int v = 0; v < p->n_values; v++) {
        const struct value *value = &p->values[v];
        bool input = value->kind == VALUE_INPUT || value->kind == VALUE_LOSS_SCALE;
        if (input && value->section == (int)c->program->section &&
            strcmp(c->section->graph->tensors[value->reference].name, name) == 0)
            return v;
    }
    return -1;
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
    TRY(fetch_lanes(c, evaluate ? e->validation : e->train, step, execute_round_lanes(c)));
    int scale = input_value(c, "loss_scale");
    if (scale < 0) return OK;
    float *out = (float *)execute_value(e, scale);
    *out = e->result.loss_tokens == 0 ? 0.0f : (float)(1.0 / (double)e->result.loss_tokens);
    return OK;
}
