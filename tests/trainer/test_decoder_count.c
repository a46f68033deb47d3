// Parameter counts: published models exactly, the closed form against the graph, and what
// decoder_check refuses.
#include "tests/check.h"
#include "tests/trainer/decoder_cases.h"

static uint64_t layer_parameters(const struct decoder_config *c)
{
    uint64_t q = c->n_heads * c->head_size, kv = c->n_kv_heads * c->head_size;
    uint64_t norms = 2 * c->width, mlp = (c->gated ? 3 : 2) * c->width * c->inner;
    uint64_t weights = c->width * (2 * q + 2 * kv) + mlp;
    uint64_t biases = q + 2 * kv + c->width + c->inner * (c->gated ? 2 : 1) + c->width;
    bool norm_bias = c->bias && c->norm == DECODER_LAYERNORM;
    return weights + norms * (norm_bias ? 2 : 1) + (c->bias ? biases : 0);
}

// Parameters of the whole model, tied ones once.
static uint64_t closed_form(const struct decoder_config *c)
{
    bool norm_bias = c->bias && c->norm == DECODER_LAYERNORM;
    uint64_t tables = (c->tied ? 1 : 2) * c->vocabulary * c->width;
    if (c->positions == DECODER_LEARNED) tables += c->context * c->width;
    return tables + c->n_layers * layer_parameters(c) + c->width * (norm_bias ? 2 : 1);
}

static uint64_t graph_count(const struct decoder_config *c, enum decoder_mode mode)
{
    struct arena a;
    arena_init(&a, "count");
    struct graph *g;
    CHECK_OK(decoder_build(c, mode, 1, 8, DTYPE_BF16, &a, &g));
    uint64_t n_elems = 0;
    for (int i = 0; i < g->n_parameters; i++)
        n_elems += g->parameters[i].n_elems;
    CHECK(g->n_units == (int)c->n_layers + 2);
    CHECK(g->units[g->n_units - 1].first_parameter + g->units[g->n_units - 1].n_parameters ==
          g->n_parameters);
    arena_fini(&a);
    return n_elems;
}

static void check_count(const struct decoder_config *c, uint64_t published)
{
    CHECK(closed_form(c) == published);
    CHECK(graph_count(c, DECODER_LOSS) == published);
    CHECK(graph_count(c, DECODER_DECODE) == published);
}

static void published_counts(void)
{
    struct decoder_config c = decoder_case_gpt2();
    check_count(&c, 124439808);
    c.n_layers = 24;
    c.width = 1024;
    c.n_heads = c.n_kv_heads = 16;
    c.inner = 4096;
    check_count(&c, 354823168); // GPT-2 medium
    c.n_layers = 48;
    c.width = 1600;
    c.n_heads = c.n_kv_heads = 25;
    c.inner = 6400;
    check_count(&c, 1557611200); // GPT-2 XL
    c = decoder_case_tinyllama();
    check_count(&c, 1100048384);
    c.n_layers = 32;
    c.width = 4096;
    c.n_kv_heads = 32;
    c.head_size = 128;
    c.inner = 11008;
    check_count(&c, 6738415616); // Llama 7B
}

static void hyperion_v(void)
{
    struct decoder_config c = decoder_case_tinyllama();
    c.n_layers = 60;
    c.width = 6656;
    c.n_heads = c.n_kv_heads = 52;
    c.head_size = 128;
    c.inner = 18176;
    c.vocabulary = 50257;
    c.context = 4096;
    double billions = (double)graph_count(&c, DECODER_LOSS) / 1e9;
    CHECK(billions > 33.08 * 0.995 && billions < 33.08 * 1.005);
    CHECK(closed_form(&c) == graph_count(&c, DECODER_LOSS));
}

// Model flops of a training step against the usual closed forms: 6 a weight of every matrix, and 6
// H D T^2 a layer for causal attention.
static void training_flops(void)
{
    struct decoder_config c = decoder_case_gpt2();
    struct arena a;
    arena_init(&a, "flops");
    struct graph *g;
    CHECK_OK(decoder_build(&c, DECODER_LOSS, 2, 1024, DTYPE_BF16, &a, &g));
    CHECK_OK(graph_differentiate(g));
    double flops = 0, weights = 12.0 * 12 * 768 * 768 + 50257.0 * 768;
    for (int i = 0; i < g->n_nodes; i++)
        flops += graph_node_cost(g, &g->nodes[i]).flops;
    CHECK(flops == 2 * (6 * weights * 1024 + 12 * 6.0 * 768 * 1024 * 1025));
    arena_fini(&a);
}

static void refusals(void)
{
    struct arena a;
    arena_init(&a, "refusals");
    struct graph *g;
    struct decoder_config c = decoder_case_tiny_llama();
    CHECK_ERR(decoder_build(&c, DECODER_LOSS, 1, 13, DTYPE_F32, &a, &g), ERR_CONFIG);
    CHECK_ERR(decoder_build(&c, DECODER_DECODE, 2, 8, DTYPE_F32, &a, &g), ERR_CONFIG);
    c.n_kv_heads = 3;
    CHECK_ERR(decoder_check(&c), ERR_CONFIG);
    c = decoder_case_tiny_llama();
    c.head_size = 12;
    CHECK_ERR(decoder_check(&c), ERR_CONFIG);
    c = decoder_case_tiny_llama();
    c.rope_base = 0;
    CHECK_ERR(decoder_check(&c), ERR_CONFIG);
    c = decoder_case_tiny_llama();
    c.n_layers = 0;
    CHECK_ERR(decoder_check(&c), ERR_CONFIG);
    arena_fini(&a);
}

int main(void)
{
    published_counts();
    hyperion_v();
    training_flops();
    refusals();
    return 0;
}
