#include "trainer/model.h"

#include "trainer/graph/decoder.h"

static enum dtype compute_type(const struct config *c)
{
    return c->train.precision == CONFIG_BF16 ? DTYPE_BF16 : DTYPE_F32;
}

static struct decoder_config decoder_of(const struct config *c)
{
    const struct config_model *m = &c->model;
    return (struct decoder_config){
        .n_layers = m->n_layers,
        .width = m->width,
        .n_heads = m->n_heads,
        .n_kv_heads = m->n_kv_heads,
        .head_size = m->head_size,
        .inner = m->inner_width,
        .vocabulary = m->vocabulary,
        .context = m->context,
        .norm = m->norm == CONFIG_RMSNORM ? DECODER_RMSNORM : DECODER_LAYERNORM,
        .norm_eps = (float)m->norm_eps,
        .positions = m->positions == CONFIG_LEARNED ? DECODER_LEARNED : DECODER_ROPE,
        .rope_base = m->rope_base,
        .activation = (enum activation)m->activation,
        .gated = m->gated,
        .bias = m->bias,
        .tied = m->tied,
        .softcap = (float)m->softcap,
        .z_loss = (float)c->train.z_loss,
        .init_std = (float)m->init_std,
    };
}

static enum err build(const struct config *c, uint64_t rows, struct arena *a, struct graph **out)
{
    struct decoder_config d = decoder_of(c);
    return decoder_build(&d, DECODER_LOSS, rows, c->train.sequence, compute_type(c), a, out);
}

enum err model_plan(const struct config *c, const struct model_ranks *ranks, struct arena *a,
                    struct plan **out)
{
    struct graph *train, *evaluate = NULL;
    TRY(build(c, c->train.micro_batch, a, &train));
    TRY(graph_differentiate(train));
    if (c->train.eval_every > 0) TRY(build(c, c->train.micro_batch, a, &evaluate));
    struct plan_options o = {.n_ranks = ranks->n_ranks,
                             .n_nodes = ranks->n_nodes,
                             .n_lanes = config_step_lanes(c),
                             .n_eval_lanes = config_eval_lanes(c),
                             .lockstep = c->train.lockstep,
                             .n_threads = ranks->n_threads,
                             .zero = (int)c->train.zero,
                             .recompute = c->train.recompute};
    TRY(plan_build(a, train, evaluate, &o, out));
    return plan_check(*out);
}

enum err model_plan_decode(const struct config *c, uint64_t rows, uint64_t n_threads,
                           struct arena *a, struct plan **out)
{
    struct decoder_config d = decoder_of(c);
    struct graph *g;
    TRY(decoder_build(&d, DECODER_DECODE, 1, rows, compute_type(c), a, &g));
    TRY(plan_build_decode(a, g, n_threads, out));
    return plan_check(*out);
}
