// graph_print of tiny decoders against tests/data/graph_*.txt; `--bless` rewrites them. And the
// rules that a differentiated graph keeps.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "tests/check.h"
#include "tests/trainer/decoder_cases.h"
#include "trainer/graph/op.h"

static bool bless;

static void compare(const struct graph *g, struct arena *a, const char *name)
{
    const char *source = getenv("WEFT_SOURCE");
    const char *path =
        arena_printf(a, "%s/tests/data/graph_%s.txt", source == NULL ? "." : source, name);
    const char *text = graph_print(g, a);
    if (bless) {
        CHECK_OK(file_replace(path, text, strlen(text)));
        return;
    }
    struct span golden;
    CHECK_OK(file_read(path, 1 << 20, a, &golden));
    bool same = golden.n_bytes == strlen(text) && memcmp(golden.data, text, golden.n_bytes) == 0;
    if (!same) printf("%s differs; review and rewrite with --bless. Now:\n%s", path, text);
    CHECK(same);
}

static void golden(const char *name, const struct decoder_config *c, enum dtype compute)
{
    struct arena a;
    arena_init(&a, "golden");
    struct graph *g;
    CHECK_OK(decoder_build(c, DECODER_LOSS, 2, 8, compute, &a, &g));
    CHECK_OK(graph_differentiate(g));
    compare(g, &a, arena_printf(&a, "%s_train", name));
    CHECK_OK(decoder_build(c, DECODER_DECODE, 1, 4, compute, &a, &g));
    compare(g, &a, arena_printf(&a, "%s_decode", name));
    arena_fini(&a);
}

static int count_writers(const struct graph *g, int tensor)
{
    int n_writers = 0;
    for (int i = 0; i < g->n_nodes; i++)
        for (int j = 0; j < g->nodes[i].n_outputs; j++)
            n_writers += g->nodes[i].outputs[j] == tensor;
    return n_writers;
}

static int count_op(const struct graph *g, int op)
{
    int n_nodes = 0;
    for (int i = 0; i < g->n_nodes; i++)
        n_nodes += g->nodes[i].op == op;
    return n_nodes;
}

// Every activation is written before it is read, once; the loss comes from HEAD_GRADIENT alone.
static void check_order(const struct graph *g)
{
    bool *written = calloc((size_t)g->n_tensors, sizeof *written);
    for (int i = 0; i < g->n_nodes; i++) {
        const struct node *n = &g->nodes[i];
        CHECK(n->backward == (i >= g->n_forward_nodes));
        for (int j = 0; j < n->n_inputs; j++)
            if (n->inputs[j] >= 0 && g->tensors[n->inputs[j]].kind == TENSOR_ACTIVATION)
                CHECK(written[n->inputs[j]]);
        for (int j = 0; j < n->n_outputs; j++) {
            if (n->outputs[j] < 0) continue;
            bool again = written[n->outputs[j]];
            bool gradient = g->tensors[n->outputs[j]].kind == TENSOR_GRADIENT;
            CHECK(!again || gradient);
            if (gradient) CHECK(n->attributes.accumulate == again);
            written[n->outputs[j]] = true;
        }
    }
    free(written);
    CHECK(count_op(g, OP_HEAD) == 0 && count_op(g, OP_HEAD_GRADIENT) == 1);
    CHECK(count_writers(g, g->loss) == 1);
}

static void order_holds(void)
{
    struct arena a;
    arena_init(&a, "order");
    struct graph *g;
    struct decoder_config c = decoder_case_tiny_gpt2();
    CHECK_OK(decoder_build(&c, DECODER_LOSS, 2, 8, DTYPE_BF16, &a, &g));
    CHECK_OK(graph_differentiate(g));
    check_order(g);
    CHECK(count_writers(g, g->parameters[0].gradient) == 2); // tied: head, then embedding
    c = decoder_case_tiny_llama();
    CHECK_OK(decoder_build(&c, DECODER_LOSS, 2, 8, DTYPE_BF16, &a, &g));
    CHECK_OK(graph_differentiate(g));
    check_order(g);
    arena_fini(&a);
}

// I8: with everything frozen but the last layer, nothing below it runs backwards.
static void frozen_cost_nothing(void)
{
    struct arena a;
    arena_init(&a, "frozen");
    struct graph *g;
    struct decoder_config c = decoder_case_tiny_llama();
    CHECK_OK(decoder_build(&c, DECODER_LOSS, 2, 8, DTYPE_BF16, &a, &g));
    for (int i = 0; i < g->n_parameters; i++)
        g->parameters[i].trainable = strncmp(g->parameters[i].name, "layers.1.", 9) == 0;
    CHECK_OK(graph_differentiate(g));
    for (int i = 0; i < g->n_parameters; i++)
        CHECK((g->parameters[i].gradient >= 0) == g->parameters[i].trainable);
    for (int i = g->n_forward_nodes; i < g->n_nodes; i++)
        CHECK(g->nodes[i].layer != 0);
    CHECK(count_op(g, OP_EMBED_GRADIENT) == 0);
    check_order(g);

    CHECK_OK(decoder_build(&c, DECODER_LOSS, 2, 8, DTYPE_BF16, &a, &g));
    for (int i = 0; i < g->n_parameters; i++)
        g->parameters[i].trainable = false;
    CHECK_OK(graph_differentiate(g));
    CHECK(g->n_nodes == g->n_forward_nodes && count_op(g, OP_HEAD) == 1);
    arena_fini(&a);
}

static void unused_parameter_is_refused(void)
{
    struct arena a;
    arena_init(&a, "unused");
    struct graph *g;
    struct decoder_config c = decoder_case_tiny_llama();
    CHECK_OK(decoder_build(&c, DECODER_LOSS, 2, 8, DTYPE_F32, &a, &g));
    graph_begin_unit(g, "extra");
    graph_parameter(g, "extra.weight", 1, (size_t[]){3}, INIT_ONES, 0, false);
    CHECK_ERR(graph_differentiate(g), ERR_CONFIG);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    bless = argc > 1 && strcmp(argv[1], "--bless") == 0;
    struct decoder_config c = decoder_case_tiny_gpt2();
    golden("gpt2", &c, DTYPE_F32);
    c = decoder_case_tiny_llama();
    golden("llama", &c, DTYPE_BF16);
    order_holds();
    frozen_cost_nothing();
    unused_parameter_is_refused();
    return 0;
}
