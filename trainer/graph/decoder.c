#include "trainer/graph/decoder.h"

#include <math.h>
#include <stdio.h>

#include "trainer/graph/op.h"

// A decoder under construction: where names begin, and what layers share.
struct build {
    const struct decoder_config *c;
    enum decoder_mode mode;
    struct graph *g;
    char prefix[GRAPH_NAME_BYTES / 2]; // "layers.3." or "head."
    int positions, document_start, angles;
};

static enum err check_sizes(const struct decoder_config *c)
{
    if (c->n_layers == 0) return fail(ERR_CONFIG, "a model needs at least one layer");
    if (c->width == 0 || c->inner == 0) return fail(ERR_CONFIG, "width and inner must be positive");
    if (c->vocabulary < 2 || c->vocabulary > INT32_MAX)
        return fail(ERR_CONFIG, "vocabulary %zu is not in 2..2^31-1", c->vocabulary);
    if (c->context == 0 || c->context > INT32_MAX)
        return fail(ERR_CONFIG, "context %zu is not in 1..2^31-1", c->context);
    const size_t limit = (size_t)1 << 24;
    if (c->n_layers > 1 << 16 || c->width > limit || c->inner > limit || c->n_heads > limit ||
        c->head_size > limit)
        return fail(ERR_CONFIG, "layers, width, inner or heads are absurdly large");
    return OK;
}

enum err decoder_check(const struct decoder_config *c)
{
    TRY(check_sizes(c));
    if (c->n_heads == 0 || c->n_kv_heads == 0 || c->n_heads % c->n_kv_heads != 0)
        return fail(ERR_CONFIG, "heads %zu is not a multiple of kv heads %zu", c->n_heads,
                    c->n_kv_heads);
    if (c->head_size == 0 || c->head_size % 8 != 0)
        return fail(ERR_CONFIG, "head size %zu is not a multiple of 8", c->head_size);
    if (c->positions == DECODER_ROPE && !(c->rope_base > 1))
        return fail(ERR_CONFIG, "rope base %g is not above 1", c->rope_base);
    if (!(c->norm_eps > 0)) return fail(ERR_CONFIG, "norm eps must be positive");
    if (!(c->softcap >= 0) || !(c->z_loss >= 0) || !(c->init_std >= 0))
        return fail(ERR_CONFIG, "softcap, z loss and init std must not be negative");
    return OK;
}

static int parameter(struct build *b, const char *name, const char *kind, int n_dims,
                     const size_t *dims, enum initializer init, float std)
{
    char full[GRAPH_NAME_BYTES];
    snprintf(full, sizeof full, "%s%s.%s", b->prefix, name, kind);
    return graph_parameter(b->g, full, n_dims, dims, init, std, init == INIT_NORMAL);
}

// Adds a node and names its first output prefix + name.
static int node(struct build *b, int op, const char *name, int n_inputs, const int *inputs,
                const struct attributes *attributes)
{
    int out = graph_node(b->g, op, n_inputs, inputs, attributes)->outputs[0];
    graph_name(b->g, out, "%s%s", b->prefix, name);
    return out;
}

static int linear(struct build *b, const char *name, int x, size_t inputs, size_t outputs,
                  float std)
{
    int w = parameter(b, name, "weight", 2, (size_t[]){outputs, inputs}, INIT_NORMAL, std);
    int bias = TENSOR_NONE;
    if (b->c->bias) bias = parameter(b, name, "bias", 1, &outputs, INIT_ZEROS, 0);
    return node(b, OP_LINEAR, name, 3, (int[]){x, w, bias}, NULL);
}

static int norm(struct build *b, const char *name, int x)
{
    const struct attributes attributes = {.eps = b->c->norm_eps};
    int gain = parameter(b, name, "gain", 1, &b->c->width, INIT_ONES, 0);
    if (b->c->norm == DECODER_RMSNORM)
        return node(b, OP_RMSNORM, name, 2, (int[]){x, gain}, &attributes);
    int bias = TENSOR_NONE;
    if (b->c->bias) bias = parameter(b, name, "bias", 1, &b->c->width, INIT_ZEROS, 0);
    return node(b, OP_LAYERNORM, name, 3, (int[]){x, gain, bias}, &attributes);
}

static float residual_std(const struct decoder_config *c)
{
    return (float)((double)c->init_std / sqrt(2 * (double)c->n_layers));
}

static int rope(struct build *b, const char *name, int x, size_t n_heads)
{
    if (b->c->positions != DECODER_ROPE) return x;
    const struct attributes attributes = {.n_heads = n_heads, .head_size = b->c->head_size};
    return node(b, OP_ROPE, name, 3, (int[]){x, b->positions, b->angles}, &attributes);
}

static int cache(struct build *b, const char *name)
{
    const size_t dims[] = {b->c->context, b->c->n_kv_heads * b->c->head_size};
    char full[GRAPH_NAME_BYTES];
    snprintf(full, sizeof full, "%s%s", b->prefix, name);
    return graph_add_tensor(b->g, TENSOR_STATE, b->g->compute, full, 2, dims);
}

static int attend(struct build *b, int q, int k, int v)
{
    const struct decoder_config *c = b->c;
    const struct attributes attributes = {.n_heads = c->n_heads,
                                          .n_kv_heads = c->n_kv_heads,
                                          .head_size = c->head_size,
                                          .sequence = b->g->sequence,
                                          .scale = (float)(1 / sqrt((double)c->head_size))};
    if (b->mode == DECODER_LOSS)
        return node(b, OP_ATTENTION, "attention", 4, (int[]){q, k, v, b->document_start},
                    &attributes);
    int k_cache = cache(b, "k_cache"), v_cache = cache(b, "v_cache");
    return node(b, OP_ATTENTION_CACHED, "attention", 5, (int[]){q, k, v, k_cache, v_cache},
                &attributes);
}

static int attention_block(struct build *b, int x)
{
    const struct decoder_config *c = b->c;
    size_t q_width = c->n_heads * c->head_size, kv_width = c->n_kv_heads * c->head_size;
    int y = norm(b, "attention_norm", x);
    int q = linear(b, "attention.q", y, c->width, q_width, c->init_std);
    int k = linear(b, "attention.k", y, c->width, kv_width, c->init_std);
    int v = linear(b, "attention.v", y, c->width, kv_width, c->init_std);
    q = rope(b, "attention.q_turned", q, c->n_heads);
    k = rope(b, "attention.k_turned", k, c->n_kv_heads);
    int o = linear(b, "attention.o", attend(b, q, k, v), q_width, c->width, residual_std(c));
    return node(b, OP_ADD, "attention_residual", 2, (int[]){x, o}, NULL);
}

static int mlp_block(struct build *b, int x)
{
    const struct decoder_config *c = b->c;
    const struct attributes attributes = {.activation = (int)c->activation};
    int y = norm(b, "mlp_norm", x), gate = TENSOR_NONE;
    if (c->gated) gate = linear(b, "mlp.gate", y, c->width, c->inner, c->init_std);
    int up = linear(b, "mlp.up", y, c->width, c->inner, c->init_std);
    int active = node(b, OP_ACTIVATE, "mlp.active", 1, c->gated ? &gate : &up, &attributes);
    if (c->gated) active = node(b, OP_MULTIPLY, "mlp.product", 2, (int[]){active, up}, NULL);
    int down = linear(b, "mlp.down", active, c->inner, c->width, residual_std(c));
    return node(b, OP_ADD, "mlp_residual", 2, (int[]){x, down}, NULL);
}

static int embedding(struct build *b, int *token_table)
{
    const struct decoder_config *c = b->c;
    graph_begin_unit(b->g, "embedding");
    snprintf(b->prefix, sizeof b->prefix, "embedding.");
    *token_table = parameter(b, "token", "weight", 2, (size_t[]){c->vocabulary, c->width},
                             INIT_NORMAL, c->init_std);
    int tokens = graph_input(b->g, "tokens", DTYPE_I32);
    int x = node(b, OP_EMBED, "token", 2, (int[]){*token_table, tokens}, NULL);
    if (c->positions == DECODER_ROPE) return x;
    int table = parameter(b, "position", "weight", 2, (size_t[]){c->context, c->width}, INIT_NORMAL,
                          c->init_std);
    int position = node(b, OP_EMBED, "position", 2, (int[]){table, b->positions}, NULL);
    return node(b, OP_ADD, "sum", 2, (int[]){x, position}, NULL);
}

static void head(struct build *b, int x, int w)
{
    const struct decoder_config *c = b->c;
    graph_begin_unit(b->g, "head");
    snprintf(b->prefix, sizeof b->prefix, "head.");
    x = norm(b, "norm", x);
    if (!c->tied)
        w = parameter(b, "output", "weight", 2, (size_t[]){c->vocabulary, c->width}, INIT_NORMAL,
                      c->init_std);
    const struct attributes attributes = {.softcap = c->softcap, .z_loss = c->z_loss};
    if (b->mode == DECODER_DECODE) {
        b->g->logits = node(b, OP_LOGITS, "logits", 2, (int[]){x, w}, &attributes);
        return;
    }
    int targets = graph_input(b->g, "targets", DTYPE_I32);
    int mask = graph_input(b->g, "mask", DTYPE_F32);
    b->g->loss = node(b, OP_HEAD, "loss", 4, (int[]){x, w, targets, mask}, &attributes);
}

static void shared_inputs(struct build *b)
{
    const struct decoder_config *c = b->c;
    b->positions = graph_input(b->g, "positions", DTYPE_I32);
    if (b->mode == DECODER_LOSS) b->document_start = graph_input(b->g, "document_start", DTYPE_I32);
    if (c->positions != DECODER_ROPE) return;
    b->angles = graph_add_tensor(b->g, TENSOR_CONSTANT, DTYPE_F32, "rope.angles", 3,
                                 (size_t[]){c->context, c->head_size / 2, 2});
    b->g->tensors[b->angles].base = c->rope_base;
}

enum err decoder_build(const struct decoder_config *c, enum decoder_mode mode, size_t rows,
                       size_t sequence, enum dtype compute, struct arena *a, struct graph **out)
{
    TRY(decoder_check(c));
    if (rows == 0 || sequence == 0 || sequence > c->context)
        return fail(ERR_CONFIG, "sequence %zu is not in 1..%zu (the model's context)", sequence,
                    c->context);
    if (mode == DECODER_DECODE && rows != 1)
        return fail(ERR_CONFIG, "decoding takes one sequence at a time, not %zu", rows);
    struct build b = {.c = c, .mode = mode, .g = graph_open(a, rows, sequence, compute)};
    shared_inputs(&b);
    int token_table, x = embedding(&b, &token_table);
    b.g->n_layers = (int)c->n_layers;
    for (int i = 0; i < b.g->n_layers; i++) {
        char name[GRAPH_NAME_BYTES];
        snprintf(name, sizeof name, "layer.%d", i);
        graph_begin_unit(b.g, name);
        snprintf(b.prefix, sizeof b.prefix, "layers.%d.", i);
        b.g->layer = i;
        x = mlp_block(&b, attention_block(&b, x));
    }
    b.g->layer = -1;
    head(&b, x, token_table);
    *out = b.g;
    return OK;
}
