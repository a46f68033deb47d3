#include "trainer/eval/decoding.h"

#include <string.h>

#include "base/size.h"
#include "trainer/model.h"

static enum err run_section(struct decoding *d, enum section_kind section)
{
    return execute_section(&d->executor, &(struct program_call){.section = section});
}

enum err decoding_open(struct decoding *d, const struct config *c, uint64_t rows, struct pool *pool,
                       struct fabric *fabric, struct arena *a)
{
    *d = (struct decoding){.config = *c, .rows = size_min(rows, c->model.context)};
    struct plan *plan;
    TRY(model_plan_decode(&d->config, d->rows, pool_n_threads(pool), a, &plan));
    d->plan = plan;
    d->executor =
        (struct executor){.config = &d->config, .plan = plan, .fabric = fabric, .pool = pool};
    TRY(execute_open(&d->executor, a));
    d->logits = execute_tensor(&d->executor, SECTION_DECODE, plan->decode->logits);
    ASSERT(d->logits != NULL);
    return OK;
}

void decoding_close(struct decoding *d)
{
    execute_close(&d->executor);
}

enum err decoding_prepare(struct decoding *d)
{
    return run_section(d, SECTION_PREPARE);
}

static enum err check_ids(const struct decoding *d, const uint32_t *ids, uint64_t n)
{
    uint64_t context = d->config.model.context;
    if (n > context - d->n_positions)
        return fail(ERR_DATA, "%lu tokens are more than the model's context of %lu",
                    d->n_positions + n, context);
    for (uint64_t i = 0; i < n; i++)
        if (ids[i] >= d->config.model.vocabulary)
            return fail(ERR_DATA, "token %u is outside the model's vocabulary of %lu", ids[i],
                        d->config.model.vocabulary);
    return OK;
}

// Rows that do not count are given token 0 at position 0: they are computed, and seen by nobody.
static void fill_inputs(struct decoding *d, const uint32_t *ids, uint64_t n)
{
    int32_t *tokens = execute_input(&d->executor, SECTION_DECODE, "tokens");
    int32_t *positions = execute_input(&d->executor, SECTION_DECODE, "positions");
    for (uint64_t i = 0; i < d->rows; i++) {
        tokens[i] = i < n ? (int32_t)ids[i] : 0;
        if (positions != NULL) positions[i] = i < n ? (int32_t)(d->n_positions + i) : 0;
    }
}

enum err decoding_read(struct decoding *d, const uint32_t *ids, uint64_t n)
{
    ASSERT(n >= 1 && n <= d->rows);
    TRY(check_ids(d, ids, n));
    fill_inputs(d, ids, n);
    d->executor.state_position = d->n_positions;
    d->executor.state_rows = n;
    TRY(run_section(d, SECTION_DECODE));
    d->n_positions += n;
    return OK;
}

const float *decoding_logits(const struct decoding *d, uint64_t row)
{
    ASSERT(row < d->executor.state_rows);
    return d->logits + row * d->config.model.vocabulary;
}

static void copy_weights(struct decoding *to, const struct decoding *from)
{
    const struct placement *at = &from->executor.at;
    for (int u = 0; u < from->plan->decode->n_units; u++)
        memcpy(to->executor.slab.data + to->executor.at.master[u],
               from->executor.slab.data + at->master[u], at->segment_bytes[u]);
}

enum err decoding_take_over(struct decoding *to, const struct decoding *from)
{
    const struct graph *g = from->plan->decode;
    ASSERT(g->n_tensors == to->plan->decode->n_tensors);
    copy_weights(to, from);
    for (int t = 0; t < g->n_tensors; t++)
        if (g->tensors[t].kind == TENSOR_STATE)
            memcpy(execute_tensor(&to->executor, SECTION_DECODE, t),
                   execute_tensor(&from->executor, SECTION_DECODE, t), graph_bytes(g, t));
    to->n_positions = from->n_positions;
    return decoding_prepare(to);
}
