// Decoding with a cache: the logits do not depend, to the bit, on how a sequence is cut into
// passes, nor on which decoder goes on; and the likelihood that they give to each next token is the
// loss of the whole-sequence forward of evaluation. Then the choice of tokens.

#include <math.h>

#include "base/rng.h"
#include "base/size.h"
#include "tests/check.h"
#include "topology/fabric.h"
#include "trainer/eval/decoding.h"
#include "trainer/eval/pick.h"
#include "trainer/model.h"
#include "trainer/run/state.h"

enum { T = 24, V = 61 };

static struct fabric *fabric;
static struct pool *pool;
static uint32_t ids[T];

static struct config config_of(bool gpt2, int precision)
{
    struct config c = {
        .model = {.n_layers = 2,
                  .width = 32,
                  .n_heads = 4,
                  .n_kv_heads = gpt2 ? 4 : 2,
                  .head_size = 8,
                  .inner_width = 48,
                  .vocabulary = V,
                  .context = T,
                  .norm = gpt2 ? CONFIG_LAYERNORM : CONFIG_RMSNORM,
                  .positions = gpt2 ? CONFIG_LEARNED : CONFIG_ROPE,
                  .activation = gpt2 ? 1 : 2, // gelu_tanh, silu
                  .rope_base = 10000,
                  .norm_eps = 1e-5,
                  .init_std = 0.3,
                  .softcap = gpt2 ? 0 : 5,
                  .gated = !gpt2,
                  .bias = gpt2,
                  .tied = gpt2},
        .train = {.n_steps = 1,
                  .sequence = T,
                  .global_batch = 1,
                  .micro_batch = 1,
                  .eval_every = 1,
                  .eval_rows = 1,
                  .zero = 3,
                  .precision = precision},
    };
    return c;
}

static void open(struct decoding *d, const struct config *c, uint64_t rows, struct arena *a)
{
    CHECK_OK(decoding_open(d, c, rows, pool, fabric, a));
    struct state state;
    state_open(&state, &d->executor, a);
    state_initialize(&state, &d->executor, 7);
    CHECK_OK(decoding_prepare(d));
}

// Logits [T, V] of the whole sequence, read `rows` positions a pass; the last pass may be short.
static float *logits_in_passes(const struct config *c, uint64_t rows, struct arena *a)
{
    struct decoding d;
    open(&d, c, rows, a);
    float *all = ARENA_ARRAY(a, float, T *V);
    for (uint64_t at = 0; at < T; at += rows) {
        uint64_t n = size_min(rows, T - at);
        CHECK_OK(decoding_read(&d, ids + at, n));
        for (uint64_t i = 0; i < n; i++)
            memcpy(all + (at + i) * V, decoding_logits(&d, i), V * sizeof(float));
    }
    CHECK_ERR(decoding_read(&d, ids, 1), ERR_DATA); // the context is full
    CHECK_LINE("25 tokens are more than the model's context of 24");
    decoding_close(&d);
    return all;
}

// 10 positions with one decoder in passes of 4, the rest one by one with another.
static float *logits_taken_over(const struct config *c, struct arena *a)
{
    struct decoding first, second;
    open(&first, c, 4, a);
    CHECK_OK(decoding_open(&second, c, 1, pool, fabric, a)); // no weights of its own
    float *all = ARENA_ARRAY(a, float, T *V);
    for (uint64_t at = 0; at < 10; at += 4) {
        uint64_t n = size_min(4, 10 - at);
        CHECK_OK(decoding_read(&first, ids + at, n));
        for (uint64_t i = 0; i < n; i++)
            memcpy(all + (at + i) * V, decoding_logits(&first, i), V * sizeof(float));
    }
    CHECK_OK(decoding_take_over(&second, &first));
    decoding_close(&first);
    for (uint64_t at = 10; at < T; at++) {
        CHECK_OK(decoding_read(&second, ids + at, 1));
        memcpy(all + at * V, decoding_logits(&second, 0), V * sizeof(float));
    }
    decoding_close(&second);
    return all;
}

static bool same(const float *a, const float *b)
{
    return memcmp(a, b, T * V * sizeof(float)) == 0;
}

// -log p(ids[at + 1]) by logits.
static double surprise(const float *logits, size_t at)
{
    double most = -(double)INFINITY, sum = 0;
    for (size_t i = 0; i < V; i++)
        most = fmax(most, (double)logits[at * V + i]);
    for (size_t i = 0; i < V; i++)
        sum += exp((double)logits[at * V + i] - most);
    return most + log(sum) - (double)logits[at * V + ids[at + 1]];
}

static void fill(struct executor *e, size_t at)
{
    const char *const names[] = {"tokens", "targets", "positions", "document_start"};
    for (size_t n = 0; n < 4; n++) {
        int32_t *values = execute_input(e, SECTION_EVALUATE, names[n]);
        for (size_t i = 0; values != NULL && i < T; i++)
            values[i] = (int32_t)(n == 0 ? ids[i] : n == 1 ? ids[(i + 1) % T] : n == 2 ? i : 0);
    }
    float *mask = execute_input(e, SECTION_EVALUATE, "mask");
    for (size_t i = 0; i < T; i++)
        mask[i] = i == at ? 1.0f : 0.0f;
}

// The evaluation graph, given the sequence with the loss of one position at a time.
static double check_losses(const struct config *c, const float *logits, struct arena *a)
{
    struct plan *plan;
    CHECK_OK(model_plan(c, &(struct model_ranks){1, 1, pool_n_threads(pool)}, a, &plan));
    struct executor e = {.config = c, .plan = plan, .fabric = fabric, .pool = pool};
    CHECK_OK(execute_open(&e, a));
    struct state state;
    state_open(&state, &e, a);
    state_initialize(&state, &e, 7);
    double most = 0;
    for (size_t at = 0; at + 1 < T; at++) {
        fill(&e, at);
        e.eval_tokens = 1;
        CHECK_OK(execute_section(&e, &(struct program_call){.section = SECTION_EVALUATE}));
        CHECK_OK(execute_section(&e, &(struct program_call){.section = SECTION_EVALUATE_END}));
        most = fmax(most, fabs(e.result.validation_loss - surprise(logits, at)));
    }
    execute_close(&e);
    return most;
}

static void check_model(bool gpt2, int precision)
{
    struct arena a;
    arena_init(&a, "model");
    const struct config c = config_of(gpt2, precision);
    const float *whole = logits_in_passes(&c, T, &a);
    float most = 0;
    for (size_t i = 0; i < T * V; i++)
        most = fmaxf(most, fabsf(whole[i]));
    CHECK(most > 0.5f && most < 100); // a model that says something
    const uint64_t rows[] = {1, 2, 3, 7, 23};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        CHECK(same(logits_in_passes(&c, rows[i], &a), whole));
    CHECK(same(logits_taken_over(&c, &a), whole));
    double loss = check_losses(&c, whole, &a);
    printf("%s %s: whole-sequence loss differs by %.2g\n", gpt2 ? "gpt2" : "llama",
           precision == CONFIG_F32 ? "f32" : "bf16", loss);
    CHECK(loss <= 1e-5);
    arena_fini(&a);
}

// --- pick ---

static uint32_t pick(const struct pick_options *o, const float *logits, size_t n, uint64_t position)
{
    struct arena a;
    arena_init(&a, "pick");
    struct pick p;
    pick_begin(&p, o, n, &a);
    uint32_t id = pick_token(&p, logits, position);
    arena_fini(&a);
    return id;
}

static void count(const struct pick_options *o, const float *logits, size_t n, uint64_t *counts)
{
    memset(counts, 0, n * sizeof *counts);
    for (uint64_t position = 0; position < 4000; position++)
        counts[pick(o, logits, n, position)]++;
}

static void check_pick(void)
{
    const float logits[] = {0, 2, 1, 2, -1}; // e^: 1 7.39 2.72 7.39 0.37 of 18.86
    uint64_t n[5];
    CHECK_EQ(pick(&(struct pick_options){.top_p = 1}, logits, 5, 0), 1);
    count(&(struct pick_options){.temperature = 1, .top_p = 1, .seed = 3}, logits, 5, n);
    const double expected[] = {0.0530, 0.3918, 0.1441, 0.3918, 0.0195};
    for (size_t i = 0; i < 5; i++) // 5 standard deviations
        CHECK(fabs((double)n[i] / 4000 - expected[i]) <
              5 * sqrt(expected[i] * (1 - expected[i]) / 4000));
    count(&(struct pick_options){.temperature = 1, .top_k = 3, .top_p = 1}, logits, 5, n);
    CHECK(n[0] == 0 && n[4] == 0 && n[1] > 0 && n[2] > 0 && n[3] > 0);
    count(&(struct pick_options){.temperature = 1, .top_p = 0.5}, logits, 5, n);
    CHECK(n[0] == 0 && n[2] == 0 && n[4] == 0 && n[1] > 0 && n[3] > 0);
    count(&(struct pick_options){.temperature = 1, .top_p = 0.39}, logits, 5, n);
    CHECK_EQ(n[1], 4000);
    count(&(struct pick_options){.temperature = 1e-3, .top_p = 1}, logits, 5, n);
    CHECK(n[1] + n[3] == 4000 && n[1] > 1800 && n[3] > 1800);
    count(&(struct pick_options){.temperature = 100, .top_p = 1}, logits, 5, n);
    for (size_t i = 0; i < 5; i++)
        CHECK(n[i] > 650 && n[i] < 950);
    const struct pick_options o = {.temperature = 1, .top_p = 1, .seed = 9},
                              other = {.temperature = 1, .top_p = 1, .seed = 10};
    int differ = 0;
    for (uint64_t i = 0; i < 100; i++) {
        CHECK_EQ(pick(&o, logits, 5, i), pick(&o, logits, 5, i));
        differ += pick(&o, logits, 5, i) != pick(&other, logits, 5, i);
    }
    CHECK(differ > 30);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    CHECK_OK(fabric_open_alone(&a, &fabric));
    CHECK_OK(pool_open(&a, 2, &pool));
    for (uint64_t i = 0; i < T; i++)
        ids[i] = (uint32_t)(rng_u64(seed, 0, i) % V);
    for (int gpt2 = 0; gpt2 < 2; gpt2++) {
        check_model(gpt2, CONFIG_F32);
        check_model(gpt2, CONFIG_BF16);
    }
    check_pick();
    pool_close(pool);
    fabric_close(fabric);
    arena_fini(&a);
    return 0;
}
