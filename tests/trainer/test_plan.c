// The plan's invariants and the walk, over ranks, lanes, lockstep, recomputation, ZeRO policies and
// models, without a run.

#include <stdio.h>

#include "base/rng.h"
#include "tests/check.h"
#include "trainer/graph/decoder.h"
#include "trainer/run/walk.h"

static const struct walk_machine machine = {1e12, 1e10, 1e9, 1e-5};

static struct decoder_config tiny(bool gpt2)
{
    return (struct decoder_config){.n_layers = 3,
                                   .width = 32,
                                   .n_heads = 4,
                                   .n_kv_heads = gpt2 ? 4 : 2,
                                   .head_size = 8,
                                   .inner = 96,
                                   .vocabulary = 700,
                                   .context = 32,
                                   .norm = gpt2 ? DECODER_LAYERNORM : DECODER_RMSNORM,
                                   .norm_eps = 1e-5f,
                                   .positions = gpt2 ? DECODER_LEARNED : DECODER_ROPE,
                                   .rope_base = 10000,
                                   .activation = gpt2 ? ACTIVATION_GELU_TANH : ACTIVATION_SILU,
                                   .gated = !gpt2,
                                   .bias = gpt2,
                                   .tied = gpt2,
                                   .init_std = 0.02f};
}

static struct plan *build(struct arena *a, bool gpt2, const struct plan_options *o)
{
    struct decoder_config c = tiny(gpt2);
    struct graph *train, *evaluate;
    CHECK_OK(decoder_build(&c, DECODER_LOSS, 2, 32, DTYPE_BF16, a, &train));
    CHECK_OK(graph_differentiate(train));
    CHECK_OK(decoder_build(&c, DECODER_LOSS, 2, 32, DTYPE_BF16, a, &evaluate));
    struct plan *p;
    CHECK_OK(plan_build(a, train, evaluate, o, &p));
    return p;
}

static void check_and_walk(const struct plan *p)
{
    CHECK_OK(plan_check(p));
    struct program_options program = {.last_step = 2, .eval_every = 1, .save_at_end = true};
    struct walk_result result;
    CHECK_OK(walk_plan(p, &program, &machine, NULL, &result));
    struct plan_bytes bytes = plan_bytes(p, 0);
    CHECK(result.peak_bytes >= bytes.peak);
    CHECK(result.n_steps_played > 0);
}

static void test_random_plans(uint64_t seed)
{
    uint64_t key = rng_key(seed, "plans");
    for (uint64_t i = 0; i < 60; i++) {
        uint32_t r[4];
        rng_block(key, 0, i, r);
        uint64_t n_lanes = 1 + r[0] % 17, n_ranks = 1 + r[1] % n_lanes;
        struct plan_options o = {.n_ranks = (int)n_ranks,
                                 .n_nodes = n_ranks % 2 == 0 ? 2 : 1,
                                 .n_lanes = n_lanes,
                                 .n_eval_lanes = 1 + r[2] % 9,
                                 .lockstep = r[3] % 5,
                                 .n_threads = 1 + r[2] % 2,
                                 .zero = r[3] / 5 % 2 == 0 ? 3 : 0,
                                 .recompute = r[3] / 10 % 2};
        struct arena a;
        arena_init(&a, "plan");
        check_and_walk(build(&a, r[3] / 20 % 2, &o));
        arena_fini(&a);
    }
}

static void test_every_rank_count(void)
{
    for (int n_ranks = 1; n_ranks <= 64; n_ranks++) {
        struct arena a;
        arena_init(&a, "plan");
        struct plan_options o = {.n_ranks = n_ranks,
                                 .n_nodes = 1,
                                 .n_lanes = 64,
                                 .n_eval_lanes = 8,
                                 .n_threads = 1,
                                 .zero = 3};
        check_and_walk(build(&a, false, &o));
        arena_fini(&a);
    }
}

// A plan that is spoilt must not pass.
static void test_check_can_fail(void)
{
    struct plan_options o = {
        .n_ranks = 3, .n_nodes = 1, .n_lanes = 8, .n_eval_lanes = 2, .n_threads = 1, .zero = 3};
    for (int spoil = 0; spoil < 6; spoil++) {
        struct arena a;
        arena_init(&a, "plan");
        struct plan *p = build(&a, false, &o);
        struct section *s = &p->sections[SECTION_LANES];
        int wait = 0, reduce = 0;
        for (int i = 0; i < s->n_steps; i++) {
            if (s->steps[i].verb == VERB_GATHER_WAIT) wait = i;
            if (s->steps[i].verb == VERB_REDUCE) reduce = i;
        }
        if (spoil == 0) s->steps[wait].after = wait + 1;
        if (spoil == 1) s->steps[wait].verb = VERB_RELEASE;
        if (spoil == 2) s->steps[reduce].verb = VERB_GATHER;
        if (spoil == 3) p->ownership->cuts[1] = p->ownership->cuts[2] + 1;
        if (spoil == 4) p->lanes->rounds[0].folds[0].action = FOLD_MOVE;
        if (spoil == 5)
            for (int v = 0; v < p->n_values; v++)
                if (p->values[v].kind == VALUE_ACTIVATION) p->values[v].offset_bytes = 0;
        CHECK_ERR(plan_check(p), ERR_INVARIANT);
        arena_fini(&a);
    }
}

static void test_memory_falls_with_ranks(void)
{
    size_t one_rank = 0;
    for (int n_ranks = 1; n_ranks <= 8; n_ranks *= 2) {
        struct arena a;
        arena_init(&a, "plan");
        struct plan_options o = {.n_ranks = n_ranks,
                                 .n_nodes = 1,
                                 .n_lanes = 8,
                                 .n_eval_lanes = 2,
                                 .n_threads = 1,
                                 .zero = 3};
        struct plan *p = build(&a, false, &o);
        size_t total = 0, most = 0;
        for (int r = 0; r < n_ranks; r++) {
            struct plan_bytes b = plan_bytes(p, r);
            size_t kept = b.parameters + b.gradients + b.optimizer;
            total += kept;
            most = kept > most ? kept : most;
        }
        if (n_ranks == 1) one_rank = total;
        // Blocks of 4,096 elements do not divide evenly in so small a model: within one block a
        // unit.
        size_t block_bytes = (size_t)p->train->n_units * BLOCK_ELEMS * 4 * 4;
        CHECK(total >= one_rank &&
              total <= one_rank + (size_t)n_ranks * (size_t)p->train->n_units * 64 * 4);
        CHECK(most <= one_rank / (size_t)n_ranks + block_bytes);
        arena_fini(&a);
    }
}

int main(void)
{
    test_random_plans(20261122);
    test_every_rank_count();
    test_check_can_fail();
    test_memory_falls_with_ranks();
    return 0;
}
