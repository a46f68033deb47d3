#pragma once
// One small graph a case and op: the op between parameters, an activation "x" that nothing produces
// and an output to be seeded. A row of OP_TABLE with a gradient needs cases here; tests walk the
// table and fail for a row without one.

#include "tests/trainer/graph_executor.h"
#include "trainer/graph/gradient.h"
#include "trainer/kernel/rows.h"

struct op_sizes {
    size_t rows, sequence, width, outputs, vocabulary, n_heads, n_kv_heads, head_size;
};

static const struct op_sizes op_sizes_small = {2, 5, 6, 7, 9, 4, 2, 8};

struct op_case {
    struct graph *g;
    const struct op_sizes *sizes;
    int variant;
    int out;       // what the seed multiplies; graph.loss for HEAD
    int wanted[4]; // tensors whose gradients are checked (parameters and free activations)
    int n_wanted;
};

static inline int op_case_x(struct op_case *o, size_t width, enum dtype type)
{
    int t = graph_add_tensor(o->g, TENSOR_ACTIVATION, type, "x", 2,
                             (size_t[]){o->g->rows * o->g->sequence, width});
    return o->wanted[o->n_wanted++] = t;
}

static inline int op_case_parameter(struct op_case *o, const char *name, size_t n, size_t m)
{
    int t = graph_parameter(o->g, name, m > 0 ? 2 : 1, (size_t[]){n, m}, INIT_NORMAL, 1, true);
    return o->wanted[o->n_wanted++] = t;
}

static inline int op_case_node(struct op_case *o, int op, int n_inputs, const int *inputs,
                               const struct attributes *attributes)
{
    return graph_node(o->g, op, n_inputs, inputs, attributes)->outputs[0];
}

// Variant 1 looks a table up twice: the second gradient accumulates.
static inline void op_case_embed(struct op_case *o)
{
    int table = op_case_parameter(o, "table", o->sizes->vocabulary, o->sizes->width);
    int tokens = graph_input(o->g, "tokens", DTYPE_I32);
    o->out = op_case_node(o, OP_EMBED, 2, (int[]){table, tokens}, NULL);
    if (o->variant == 0) return;
    int positions = graph_input(o->g, "positions", DTYPE_I32);
    int second = op_case_node(o, OP_EMBED, 2, (int[]){table, positions}, NULL);
    o->out = op_case_node(o, OP_ADD, 2, (int[]){o->out, second}, NULL);
}

// Without bias, with bias, and with one square matrix used twice.
static inline void op_case_linear(struct op_case *o)
{
    size_t k = o->sizes->width, n = o->variant == 2 ? k : o->sizes->outputs;
    int x = op_case_x(o, k, o->g->compute), w = op_case_parameter(o, "w", n, k);
    int bias = o->variant > 0 ? op_case_parameter(o, "bias", n, 0) : TENSOR_NONE;
    o->out = op_case_node(o, OP_LINEAR, 3, (int[]){x, w, bias}, NULL);
    if (o->variant == 2) o->out = op_case_node(o, OP_LINEAR, 3, (int[]){o->out, w, bias}, NULL);
}

static inline void op_case_rmsnorm(struct op_case *o)
{
    const struct attributes attributes = {.eps = 1e-3f};
    int x = op_case_x(o, o->sizes->width, DTYPE_F32);
    int gain = op_case_parameter(o, "gain", o->sizes->width, 0);
    o->out = op_case_node(o, OP_RMSNORM, 2, (int[]){x, gain}, &attributes);
    if (o->variant == 1)
        o->out = op_case_node(o, OP_RMSNORM, 2, (int[]){o->out, gain}, &attributes);
}

static inline void op_case_layernorm(struct op_case *o)
{
    const struct attributes attributes = {.eps = 1e-3f};
    int x = op_case_x(o, o->sizes->width, DTYPE_F32);
    int gain = op_case_parameter(o, "gain", o->sizes->width, 0);
    int bias = o->variant > 0 ? op_case_parameter(o, "bias", o->sizes->width, 0) : TENSOR_NONE;
    o->out = op_case_node(o, OP_LAYERNORM, 3, (int[]){x, gain, bias}, &attributes);
    if (o->variant == 2)
        o->out = op_case_node(o, OP_LAYERNORM, 3, (int[]){o->out, gain, bias}, &attributes);
}

static inline void op_case_rope(struct op_case *o)
{
    const struct op_sizes *s = o->sizes;
    int x = op_case_x(o, s->n_heads * s->head_size, o->g->compute);
    int positions = graph_input(o->g, "positions", DTYPE_I32);
    int table = graph_add_tensor(o->g, TENSOR_CONSTANT, DTYPE_F32, "angles", 3,
                                 (size_t[]){s->sequence, s->head_size / 2, 2});
    o->g->tensors[table].base = 100;
    o->out = op_case_node(o, OP_ROPE, 3, (int[]){x, positions, table},
                          &(struct attributes){.n_heads = s->n_heads, .head_size = s->head_size});
}

// Grouped heads; variant 1 uses one k/v head for each head, variant 2 one tensor for q, k and v.
static inline void op_case_attention(struct op_case *o)
{
    const struct op_sizes *s = o->sizes;
    size_t n_kv_heads = o->variant == 0 ? s->n_kv_heads : s->n_heads;
    int q = op_case_x(o, s->n_heads * s->head_size, o->g->compute), k = q, v = q;
    if (o->variant < 2) {
        k = op_case_x(o, n_kv_heads * s->head_size, o->g->compute);
        v = op_case_x(o, n_kv_heads * s->head_size, o->g->compute);
    }
    int start = graph_input(o->g, "document_start", DTYPE_I32);
    const struct attributes attributes = {.n_heads = s->n_heads,
                                          .n_kv_heads = n_kv_heads,
                                          .head_size = s->head_size,
                                          .sequence = s->sequence,
                                          .scale = 0.5f};
    o->out = op_case_node(o, OP_ATTENTION, 4, (int[]){q, k, v, start}, &attributes);
}

static inline void op_case_activate(struct op_case *o)
{
    int x = op_case_x(o, o->sizes->width, o->g->compute);
    o->out = op_case_node(o, OP_ACTIVATE, 1, &x, &(struct attributes){.activation = o->variant});
}

// Variant 1: a square.
static inline void op_case_multiply(struct op_case *o)
{
    int a = op_case_x(o, o->sizes->width, o->g->compute), b = a;
    if (o->variant == 0) b = op_case_x(o, o->sizes->width, o->g->compute);
    o->out = op_case_node(o, OP_MULTIPLY, 2, (int[]){a, b}, NULL);
}

// f32 + compute; compute + f32; a tensor to itself.
static inline void op_case_add(struct op_case *o)
{
    int a = op_case_x(o, o->sizes->width, o->variant == 0 ? DTYPE_F32 : o->g->compute), b = a;
    if (o->variant < 2)
        b = op_case_x(o, o->sizes->width, o->variant == 1 ? DTYPE_F32 : o->g->compute);
    o->out = op_case_node(o, OP_ADD, 2, (int[]){a, b}, NULL);
}

static inline void op_case_cast(struct op_case *o)
{
    int x = op_case_x(o, o->sizes->width, DTYPE_F32);
    o->out = op_case_node(o, OP_CAST, 1, &x, &(struct attributes){.type = o->g->compute});
}

// Plain; softcap and z-loss; x frozen; w tied to an embedding that x comes from.
static inline void op_case_head(struct op_case *o)
{
    const struct op_sizes *s = o->sizes;
    struct attributes attributes = {0};
    if (o->variant > 0) attributes = (struct attributes){.softcap = 3, .z_loss = 0.05f};
    int w = op_case_parameter(o, "w", s->vocabulary, s->width);
    int targets = graph_input(o->g, "targets", DTYPE_I32);
    int mask = graph_input(o->g, "mask", DTYPE_F32), x;
    if (o->variant == 3) {
        int tokens = graph_input(o->g, "tokens", DTYPE_I32);
        x = op_case_node(o, OP_EMBED, 2, (int[]){w, tokens}, NULL);
        if (o->g->compute != DTYPE_F32)
            x = op_case_node(o, OP_CAST, 1, &x, &(struct attributes){.type = o->g->compute});
    } else {
        x = op_case_x(o, s->width, o->g->compute);
    }
    if (o->variant == 2) o->n_wanted--; // x stays without a gradient
    o->out = o->g->loss = op_case_node(o, OP_HEAD, 4, (int[]){x, w, targets, mask}, &attributes);
}

struct op_cases {
    void (*build)(struct op_case *o);
    int n_variants;
};

static const struct op_cases op_cases[OP_N] = {
    [OP_EMBED] = {op_case_embed, 2},       [OP_LINEAR] = {op_case_linear, 3},
    [OP_RMSNORM] = {op_case_rmsnorm, 2},   [OP_LAYERNORM] = {op_case_layernorm, 3},
    [OP_ROPE] = {op_case_rope, 1},         [OP_ATTENTION] = {op_case_attention, 3},
    [OP_ACTIVATE] = {op_case_activate, 4}, [OP_MULTIPLY] = {op_case_multiply, 2},
    [OP_ADD] = {op_case_add, 3},           [OP_CAST] = {op_case_cast, 1},
    [OP_HEAD] = {op_case_head, 4},
};

struct op_built {
    struct op_case o;
    struct gradient *d;
    int seed; // input that stands for the gradient of o.out; TENSOR_NONE for HEAD
};

/// The case's graph with the gradients of what it wants.
static inline struct op_built op_case_build(int op, int variant, const struct op_sizes *sizes,
                                            enum dtype compute, struct arena *a)
{
    struct op_built b = {.o = {.g = graph_open(a, sizes->rows, sizes->sequence, compute),
                               .sizes = sizes,
                               .variant = variant}};
    struct graph *g = b.o.g;
    graph_begin_unit(g, "unit");
    op_cases[op].build(&b.o);
    const struct tensor out = g->tensors[b.o.out];
    b.seed = TENSOR_NONE;
    if (g->loss < 0)
        b.seed = graph_add_tensor(g, TENSOR_INPUT, out.type, "seed", out.n_dims, out.dims);
    b.d = gradient_begin(g);
    for (int i = 0; i < b.o.n_wanted; i++)
        if (g->tensors[b.o.wanted[i]].kind == TENSOR_ACTIVATION) gradient_want(b.d, b.o.wanted[i]);
    if (b.seed >= 0) gradient_add(b.d, b.o.out, b.seed);
    gradient_walk(b.d);
    return b;
}

/// Random values for whatever no node makes.
static inline void op_case_fill(const struct op_built *b, struct executor *e, uint64_t seed)
{
    const struct graph *g = b->o.g;
    int positions = TENSOR_NONE, document_start = TENSOR_NONE;
    for (int t = 0; t < g->n_tensors; t++) {
        const char *name = g->tensors[t].name;
        enum tensor_kind kind = g->tensors[t].kind;
        if (kind == TENSOR_INPUT && strcmp(name, "positions") == 0) positions = t;
        if (kind == TENSOR_INPUT && strcmp(name, "document_start") == 0) document_start = t;
        if (kind == TENSOR_INPUT && g->tensors[t].type == DTYPE_I32)
            executor_fill_index(e, t, seed, b->o.sizes->vocabulary);
        else if (kind == TENSOR_INPUT && strcmp(name, "loss_scale") == 0)
            executor_fill(e, t, seed, 0.7, 0);
        else if (kind != TENSOR_CONSTANT && kind != TENSOR_GRADIENT)
            executor_fill(e, t, seed, 0, 1);
    }
    executor_fill_documents(e, positions, document_start, seed);
    executor_fill_angles(e);
}
