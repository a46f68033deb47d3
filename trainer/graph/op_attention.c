// Attention: causal and document-aware over whole sequences with its gradient, and over a cache of
// keys and values for decoding.
#include <math.h>
#include <string.h>

#include "trainer/graph/gradient.h"
#include "trainer/graph/op_reference.h"
#include "trainer/graph/op_run.h"
#include "trainer/graph/op_shape.h"
#include "trainer/kernel/attention.h"

static size_t q_width(const struct node *n)
{
    return n->attributes.n_heads * n->attributes.head_size;
}

static size_t kv_width(const struct node *n)
{
    return n->attributes.n_kv_heads * n->attributes.head_size;
}

static void require_heads(const struct graph *g, const struct node *n)
{
    const struct attributes *a = &n->attributes;
    op_shape_require(g, n, a->n_kv_heads > 0 && a->n_heads % a->n_kv_heads == 0,
                     "n_heads must be a multiple of n_kv_heads");
    enum dtype type = op_shape_input(g, n, 0)->type;
    op_shape_require(g, n,
                     op_shape_input(g, n, 1)->type == type && op_shape_input(g, n, 2)->type == type,
                     "q, k and v have different types");
    op_shape_matrix(g, n, 0, op_shape_rows(g), q_width(n));
    op_shape_matrix(g, n, 1, op_shape_rows(g), kv_width(n));
    op_shape_matrix(g, n, 2, op_shape_rows(g), kv_width(n));
}

// Inputs q k v document_start; outputs o[R,H*D], lse f32 [R,H].
static void attention_shape(struct graph *g, struct node *n)
{
    require_heads(g, n);
    op_shape_vector(g, n, 3, DTYPE_I32, op_shape_rows(g));
    op_shape_require(g, n, n->attributes.sequence == g->sequence, "attention spans a sequence");
    op_shape_output_like(g, n, 0, n->inputs[0]);
    op_shape_output(g, n, 1, DTYPE_F32, 2, (size_t[]){op_shape_rows(g), n->attributes.n_heads});
}

// Flops of one product over all pairs (row, key it may see): 2 D a pair and head; documents are not
// looked at.
static double pair_flops(const struct graph *g, const struct node *n)
{
    double sequence = (double)g->sequence;
    return 2 * (double)g->rows * (sequence * (sequence + 1) / 2) * (double)q_width(n);
}

static struct cost attention_cost(const struct graph *g, const struct node *n)
{
    return op_shape_cost(g, n, 2 * pair_flops(g, n)); // q k^T, p v
}

static void attention_gradient_rule(struct gradient *d, int node)
{
    struct node n = d->g->nodes[node];
    int inputs[] = {n.inputs[0],
                    n.inputs[1],
                    n.inputs[2],
                    n.inputs[3],
                    n.outputs[0],
                    n.outputs[1],
                    gradient_of(d, n.outputs[0])};
    int parts[3];
    struct node *made = gradient_node(d, OP_ATTENTION_GRADIENT, 7, inputs, &n.attributes, 0, NULL);
    for (int i = 0; i < 3; i++)
        parts[i] = made->outputs[i];
    for (int i = 0; i < 3; i++)
        if (gradient_wanted(d, n.inputs[i])) gradient_add(d, n.inputs[i], parts[i]);
}

// One row of one head: which keys it sees and where its operands lie.
struct view {
    const struct op_call *c;
    size_t row, first, last, q_at, kv_at, kv_stride, size;
    double scale;
};

static struct view view_of(const struct op_call *c, size_t row, size_t head)
{
    const struct attributes *a = &c->node->attributes;
    size_t sequence_row = row / a->sequence * a->sequence;
    size_t group = a->n_heads / a->n_kv_heads;
    return (struct view){.c = c,
                         .row = row,
                         .first = sequence_row + (size_t)op_reference_index(c, 3, row),
                         .last = row + 1,
                         .q_at = row * q_width(c->node) + head * a->head_size,
                         .kv_at = head / group * a->head_size,
                         .kv_stride = kv_width(c->node),
                         .size = a->head_size,
                         .scale = (double)a->scale};
}

static double score(const struct view *v, size_t key)
{
    double sum = 0;
    for (size_t j = 0; j < v->size; j++)
        sum += op_reference_in(v->c, 0, v->q_at + j) *
               op_reference_in(v->c, 1, key * v->kv_stride + v->kv_at + j);
    return v->scale * sum;
}

static double log_sum_exp(const struct view *v)
{
    double top = -HUGE_VAL, sum = 0;
    for (size_t key = v->first; key < v->last; key++)
        top = fmax(top, score(v, key));
    for (size_t key = v->first; key < v->last; key++)
        sum += exp(score(v, key) - top);
    return top + log(sum);
}

// sums[sums_at ..] += factor * a head-sized slice of input `in`.
static void slice_add(const struct view *v, double *sums, size_t sums_at, double factor, int in,
                      size_t in_at)
{
    for (size_t j = 0; j < v->size; j++)
        sums[sums_at + j] += factor * op_reference_in(v->c, in, in_at + j);
}

// o = softmax(scores) v, with v's rows from input `values`.
static void attend(const struct view *v, double lse, int values)
{
    struct arena a;
    arena_init(&a, "attention reference");
    double *sums = ARENA_ARRAY(&a, double, v->size);
    for (size_t key = v->first; key < v->last; key++)
        slice_add(v, sums, 0, exp(score(v, key) - lse), values, key * v->kv_stride + v->kv_at);
    for (size_t j = 0; j < v->size; j++)
        op_reference_set(v->c, 0, v->q_at + j, sums[j]);
    arena_fini(&a);
}

static void attention_reference_rule(const struct op_call *c)
{
    const size_t n_heads = c->node->attributes.n_heads;
    for (size_t row = 0; row < op_reference_in_dims(c, 0)[0]; row++)
        for (size_t head = 0; head < n_heads; head++) {
            const struct view v = view_of(c, row, head);
            double lse = log_sum_exp(&v);
            attend(&v, lse, 2);
            op_reference_set(c, 1, row * n_heads + head, lse);
        }
}

// The kernel's view of `n_lanes` lanes from `lane` on, without operands of the gradient.
static struct attention kernel_view(const struct op_call *c, size_t lane, size_t n_lanes)
{
    const struct attributes *a = &c->node->attributes;
    return (struct attention){.type = op_run_in_type(c, 0),
                              .n_sequences = n_lanes * c->graph->rows,
                              .sequence = a->sequence,
                              .n_heads = a->n_heads,
                              .n_kv_heads = a->n_kv_heads,
                              .head_size = a->head_size,
                              .scale = a->scale,
                              .document_start = op_run_in(c, 3, lane, 0),
                              .q = op_run_in(c, 0, lane, 0),
                              .k = op_run_in(c, 1, lane, 0),
                              .v = op_run_in(c, 2, lane, 0)};
}

static void attention_lanes(const struct op_call *c, size_t lane, size_t n_lanes)
{
    struct attention a = kernel_view(c, lane, n_lanes);
    a.o = op_run_out(c, 0, lane, 0);
    a.lse = op_run_out(c, 1, lane, 0);
    attention_forward(&a, c->pool, c->scratch);
}

static void attention_gradient_lanes(const struct op_call *c, size_t lane, size_t n_lanes)
{
    struct attention a = kernel_view(c, lane, n_lanes);
    a.o = op_run_in(c, 4, lane, 0);
    a.lse = op_run_in(c, 5, lane, 0);
    a.d_o = op_run_in(c, 6, lane, 0);
    a.d_q = op_run_out(c, 0, lane, 0);
    a.d_k = op_run_out(c, 1, lane, 0);
    a.d_v = op_run_out(c, 2, lane, 0);
    attention_gradient(&a, c->pool, c->scratch);
}

// Sequences of all lanes in one job when they lie one after another.
static void run_sequences(const struct op_call *c,
                          void (*lanes)(const struct op_call *c, size_t lane, size_t n_lanes))
{
    if (c->n_lanes == 0) return;
    if (op_run_dense(c, ~0u, ~0u)) {
        lanes(c, 0, c->n_lanes);
        return;
    }
    for (size_t lane = 0; lane < c->n_lanes; lane++)
        lanes(c, lane, 1);
}

static void attention_run(const struct op_call *c)
{
    run_sequences(c, attention_lanes);
}

static void attention_gradient_run(const struct op_call *c)
{
    run_sequences(c, attention_gradient_lanes);
}

static size_t attention_scratch(const struct graph *g, const struct node *n, size_t n_lanes,
                                size_t n_threads)
{
    const struct op_call c = {.graph = g, .node = n};
    const struct attention a = kernel_view(&c, 0, n_lanes);
    return attention_scratch_bytes(&a, n_threads);
}

const struct op_row op_row_attention = {.name = "attention",
                                        .shape = attention_shape,
                                        .cost = attention_cost,
                                        .gradient = attention_gradient_rule,
                                        .run = attention_run,
                                        .scratch_bytes = attention_scratch,
                                        .reference = attention_reference_rule};

// Inputs q k v document_start o lse d_o; outputs d_q d_k d_v.
static void attention_gradient_shape(struct graph *g, struct node *n)
{
    require_heads(g, n);
    op_shape_require(g, n, n->n_inputs == 7, "q k v document_start o lse d_o are expected");
    op_shape_matrix(g, n, 4, op_shape_rows(g), q_width(n));
    op_shape_matrix(g, n, 5, op_shape_rows(g), n->attributes.n_heads);
    op_shape_matrix(g, n, 6, op_shape_rows(g), q_width(n));
    for (int i = 0; i < 3; i++)
        op_shape_output_like(g, n, i, n->inputs[i]);
}

static struct cost attention_gradient_cost(const struct graph *g, const struct node *n)
{
    return op_shape_cost(g, n, 4 * pair_flops(g, n)); // d_p, d_v, d_q, d_k
}

// dot of two head-sized slices: input a at a_at, input b at b_at.
static double slice_dot(const struct view *v, int a, size_t a_at, int b, size_t b_at)
{
    double sum = 0;
    for (size_t j = 0; j < v->size; j++)
        sum += op_reference_in(v->c, a, a_at + j) * op_reference_in(v->c, b, b_at + j);
    return sum;
}

// ds = p * (d_o . v - d_o . o); d_q += scale ds k, d_k += scale ds q, d_v += p d_o.
static void attention_gradient_row(const struct view *v, double lse, double *const sums[3])
{
    double mean = slice_dot(v, 6, v->q_at, 4, v->q_at);
    for (size_t key = v->first; key < v->last; key++) {
        size_t key_at = key * v->kv_stride + v->kv_at;
        double p = exp(score(v, key) - lse);
        double ds = v->scale * p * (slice_dot(v, 6, v->q_at, 2, key_at) - mean);
        slice_add(v, sums[0], v->q_at, ds, 1, key_at);
        slice_add(v, sums[1], key_at, ds, 0, v->q_at);
        slice_add(v, sums[2], key_at, p, 6, v->q_at);
    }
}

static void attention_gradient_reference_rule(const struct op_call *c)
{
    struct arena a;
    arena_init(&a, "attention reference");
    const size_t n_heads = c->node->attributes.n_heads;
    double *sums[3];
    for (int i = 0; i < 3; i++)
        sums[i] = ARENA_ARRAY(&a, double, graph_elems(c->graph, c->node->outputs[i]));
    for (size_t row = 0; row < op_reference_in_dims(c, 0)[0]; row++)
        for (size_t head = 0; head < n_heads; head++) {
            const struct view v = view_of(c, row, head);
            attention_gradient_row(&v, op_reference_in(c, 5, row * n_heads + head), sums);
        }
    for (int i = 0; i < 3; i++)
        for (size_t j = 0; j < graph_elems(c->graph, c->node->outputs[i]); j++)
            op_reference_set(c, i, j, sums[i][j]);
    arena_fini(&a);
}

const struct op_row op_row_attention_gradient = {.name = "attention_gradient",
                                                 .shape = attention_gradient_shape,
                                                 .cost = attention_gradient_cost,
                                                 .run = attention_gradient_run,
                                                 .scratch_bytes = attention_scratch,
                                                 .reference = attention_gradient_reference_rule};

// Inputs q k v k_cache v_cache; k and v of rows < state_rows go to the caches at state_position,
// then q attends to the caches. Output o[R,H*D]; rows from state_rows on are left alone.
static void attention_cached_shape(struct graph *g, struct node *n)
{
    require_heads(g, n);
    op_shape_require(g, n, n->n_inputs == 5, "q k v k_cache v_cache are expected");
    for (int i = 3; i < 5; i++) {
        const struct tensor *cache = op_shape_input(g, n, i);
        op_shape_require(g, n, cache->kind == TENSOR_STATE, "caches must be state tensors");
        op_shape_matrix(g, n, i, cache->dims[0], kv_width(n));
    }
    op_shape_output_like(g, n, 0, n->inputs[0]);
}

// Counted as the first call: no rows before these.
static struct cost attention_cached_cost(const struct graph *g, const struct node *n)
{
    return op_shape_cost(g, n, 2 * pair_flops(g, n));
}

// One element of a cache: input `cache` takes input `from`'s element.
static void cache_copy(const struct op_call *c, int cache, size_t at, int from, size_t from_at)
{
    enum dtype type = c->graph->tensors[c->node->inputs[cache]].type;
    size_t bytes = c->f64 ? sizeof(double) : dtype_bytes(type);
    memcpy((char *)c->in[cache] + at * bytes, (char *)c->in[from] + from_at * bytes, bytes);
}

static void attention_cached_reference(const struct op_call *c)
{
    const size_t width = kv_width(c->node),
                 group = c->node->attributes.n_heads / c->node->attributes.n_kv_heads;
    for (size_t i = 0; i < c->state_rows * width; i++) {
        cache_copy(c, 3, c->state_position * width + i, 1, i);
        cache_copy(c, 4, c->state_position * width + i, 2, i);
    }
    struct op_call cached = *c;
    cached.in[1] = c->in[3];
    for (size_t row = 0; row < c->state_rows; row++)
        for (size_t head = 0; head < c->node->attributes.n_heads; head++) {
            const size_t size = c->node->attributes.head_size;
            const struct view v = {.c = &cached,
                                   .row = row,
                                   .last = c->state_position + row + 1,
                                   .q_at = row * q_width(c->node) + head * size,
                                   .kv_at = head / group * size,
                                   .kv_stride = width,
                                   .size = size,
                                   .scale = (double)c->node->attributes.scale};
            attend(&v, log_sum_exp(&v), 4);
        }
}

static void cache_rows(const struct op_call *c, int cache, int from)
{
    size_t width = kv_width(c->node), bytes = width * dtype_bytes(op_run_in_type(c, cache));
    memcpy(op_run_in(c, cache, 0, c->state_position * width), c->in[from], c->state_rows * bytes);
}

static void attention_cached_run(const struct op_call *c)
{
    if (c->n_lanes == 0) return;
    const struct attributes *a = &c->node->attributes;
    ASSERT(c->n_lanes == 1 && c->state_rows <= op_run_in_dims(c, 0)[0]);
    ASSERT(c->state_position + c->state_rows <= op_run_in_dims(c, 3)[0]);
    cache_rows(c, 3, 1);
    cache_rows(c, 4, 2);
    const struct attention_cached cached = {.type = op_run_in_type(c, 0),
                                            .n_rows = c->state_rows,
                                            .first_position = c->state_position,
                                            .n_heads = a->n_heads,
                                            .n_kv_heads = a->n_kv_heads,
                                            .head_size = a->head_size,
                                            .scale = a->scale,
                                            .q = c->in[0],
                                            .k_cache = c->in[3],
                                            .v_cache = c->in[4],
                                            .o = c->out[0]};
    attention_cached_forward(&cached, c->pool, c->scratch);
}

static size_t attention_cached_scratch(const struct graph *g, const struct node *n, size_t n_lanes,
                                       size_t n_threads)
{
    (void)n_lanes;
    const struct attributes *a = &n->attributes;
    const struct attention_cached cached = {.type = op_shape_input(g, n, 0)->type,
                                            .n_rows = op_shape_rows(g),
                                            .n_heads = a->n_heads,
                                            .n_kv_heads = a->n_kv_heads,
                                            .head_size = a->head_size,
                                            .scale = a->scale};
    return attention_cached_scratch_bytes(&cached, n_threads);
}

const struct op_row op_row_attention_cached = {.name = "attention_cached",
                                               .shape = attention_cached_shape,
                                               .cost = attention_cached_cost,
                                               .run = attention_cached_run,
                                               .scratch_bytes = attention_cached_scratch,
                                               .reference = attention_cached_reference};
