// Every row's run function against its reference, in f32 and bf16; the same bits with 1 and 2
// threads, and with lanes in lockstep or one by one. A row that no graph here reaches fails.
#include "tests/trainer/decoder_cases.h"
#include "tests/trainer/op_cases.h"

// Large enough for several tasks a lane, several tiles of attention and chunks of the head, none of
// them full.
static const struct op_sizes sizes_rows = {3, 128, 112, 72, 150, 4, 2, 24};
static const struct op_sizes sizes_head = {2, 49, 72, 0, 133, 0, 0, 0};
enum { LANES = 3 };

static struct pool *one_thread, *two_threads;
static bool reached[OP_N];

struct outputs {
    void *data[NODE_OUTPUTS];
};

static struct outputs outputs_save(const struct executor *e, const struct node *n)
{
    struct outputs o = {{NULL}};
    for (int i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] < 0) continue;
        size_t n_bytes = executor_tensor_bytes(e, n->outputs[i]);
        o.data[i] = malloc(n_bytes);
        CHECK(o.data[i] != NULL);
        memcpy(o.data[i], e->data[n->outputs[i]], n_bytes);
    }
    return o;
}

static void outputs_restore(const struct executor *e, const struct node *n, const struct outputs *o)
{
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] >= 0)
            memcpy(e->data[n->outputs[i]], o->data[i], executor_tensor_bytes(e, n->outputs[i]));
}

static void outputs_free(struct outputs *o)
{
    for (int i = 0; i < NODE_OUTPUTS; i++)
        free(o->data[i]);
}

// NaN everywhere, so that an element that is not written shows.
static void outputs_poison(const struct executor *e, const struct node *n)
{
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] >= 0 && !n->attributes.accumulate)
            memset(e->data[n->outputs[i]], 0xff, executor_tensor_bytes(e, n->outputs[i]));
}

static void check_bits(const struct executor *e, const struct node *n, const struct outputs *o,
                       const char *what)
{
    for (int i = 0; i < n->n_outputs; i++) {
        if (n->outputs[i] < 0) continue;
        size_t n_bytes = executor_tensor_bytes(e, n->outputs[i]);
        if (memcmp(e->data[n->outputs[i]], o->data[i], n_bytes) == 0) continue;
        check_failed(__FILE__, __LINE__, "%s: bits of output %d differ: %s", op_row(n->op)->name, i,
                     what);
    }
}

static bool has_bf16(const struct graph *g, const struct node *n)
{
    bool found = false;
    for (int i = 0; i < n->n_inputs; i++)
        found |= n->inputs[i] >= 0 && g->tensors[n->inputs[i]].type == DTYPE_BF16;
    for (int i = 0; i < n->n_outputs; i++)
        found |= n->outputs[i] >= 0 && g->tensors[n->outputs[i]].type == DTYPE_BF16;
    return found;
}

static double expected_at(const struct executor *e, int tensor, const void *expected, size_t lane,
                          size_t i)
{
    return op_reference_load(expected, e->g->tensors[tensor].type, false,
                             lane * executor_lane_elems(e, tensor) + i);
}

// Root mean square of a tensor's values and of its errors; rows that a cached attention leaves
// alone are NaN in both.
struct errors {
    double value, error, largest;
};

static struct errors measure(const struct executor *e, int tensor, const void *reference)
{
    struct errors m = {0};
    size_t n_elems = graph_elems(e->g, tensor), n_sums = 0;
    for (size_t lane = 0; lane < e->n_lanes; lane++)
        for (size_t i = 0; i < n_elems; i++) {
            double expected = expected_at(e, tensor, reference, lane, i);
            double actual = executor_get(e, tensor, lane, i);
            CHECK(isnan(expected) == isnan(actual));
            if (isnan(expected)) continue;
            double error = fabs(actual - expected);
            m.value += expected * expected;
            m.error += error * error;
            m.largest = fmax(m.largest, error);
            n_sums++;
        }
    m.value = sqrt(m.value / (double)n_sums);
    m.error = sqrt(m.error / (double)n_sums);
    return m;
}

// Rounding: bf16 keeps 8 bits, f32 24; sums of a few hundred terms.
static void check_close(const struct executor *e, const struct node *n, const struct outputs *o,
                        int output)
{
    const struct errors m = measure(e, n->outputs[output], o->data[output]);
    bool coarse = has_bf16(e->g, n);
    CHECK(m.value > 0);
    double most = coarse ? 4e-3 : 1e-6;
    if (m.error <= most * m.value && m.largest <= 30 * most * m.value) return;
    check_failed(__FILE__, __LINE__, "%s %s: output %d: rms %.3g, rms of errors %.3g, largest %.3g",
                 op_row(n->op)->name, dtype_name(e->g->compute), output, m.value, m.error,
                 m.largest);
}

static void run_on(struct executor *e, const struct node *n, struct pool *pool, size_t n_lanes)
{
    e->pool = pool;
    executor_run_node(e, n, 0, n_lanes);
}

// Leaves the reference's outputs, so that every node starts from the same inputs.
static void check_node(struct executor *e, int node)
{
    const struct node *n = &e->g->nodes[node];
    if (op_row(n->op)->run == NULL)
        check_failed(__FILE__, __LINE__, "op %s has no run function", op_row(n->op)->name);
    reached[n->op] = true;
    outputs_poison(e, n);
    struct outputs before = outputs_save(e, n);
    executor_reference(e, node, node + 1);
    struct outputs expected = outputs_save(e, n);

    outputs_restore(e, n, &before);
    run_on(e, n, one_thread, e->n_lanes);
    for (int i = 0; i < n->n_outputs; i++)
        if (n->outputs[i] >= 0) check_close(e, n, &expected, i);
    struct outputs first = outputs_save(e, n);

    outputs_restore(e, n, &before);
    run_on(e, n, two_threads, e->n_lanes);
    check_bits(e, n, &first, "2 threads");
    outputs_restore(e, n, &before);
    for (size_t lane = 0; lane < e->n_lanes; lane++)
        executor_run_node(e, n, lane, 1);
    check_bits(e, n, &first, "lane by lane");
    outputs_restore(e, n, &before);
    run_on(e, n, two_threads, 0);
    check_bits(e, n, &before, "no lane");

    outputs_restore(e, n, &expected);
    outputs_free(&before);
    outputs_free(&expected);
    outputs_free(&first);
}

static void check_case(int op, int variant, enum dtype compute, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "case");
    const struct op_sizes *sizes = op == OP_HEAD ? &sizes_head : &sizes_rows;
    const struct op_built b = op_case_build(op, variant, sizes, compute, &a);
    struct executor e;
    executor_open(&e, b.o.g, LANES, false);
    op_case_fill(&b, &e, seed);
    for (int i = 0; i < b.o.g->n_nodes; i++)
        check_node(&e, i);
    executor_close(&e);
    arena_fini(&a);
}

// Rows 3..5 of a sequence whose caches hold 3; the graph has room for 4 rows.
static void check_decode(const struct decoder_config *c, enum dtype compute, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "decode");
    struct graph *g;
    CHECK_OK(decoder_build(c, DECODER_DECODE, 1, 4, compute, &a, &g));
    const struct op_sizes sizes = {.vocabulary = c->vocabulary};
    const struct op_built b = {.o = {.g = g, .sizes = &sizes}};
    struct executor e;
    executor_open(&e, g, 1, false);
    op_case_fill(&b, &e, seed);
    e.state_position = 3;
    e.state_rows = 3;
    for (int i = 0; i < g->n_nodes; i++) {
        check_node(&e, i);
        const struct node *n = &g->nodes[i];
        if (n->op == OP_ATTENTION_CACHED) // the row that does not count: anything but NaN
            for (size_t j = 0; j < g->tensors[n->outputs[0]].dims[1]; j++)
                executor_set(&e, n->outputs[0], 0, 3 * g->tensors[n->outputs[0]].dims[1] + j, 0.5);
    }
    executor_close(&e);
    arena_fini(&a);
}

static void check_all(enum dtype compute, uint64_t seed)
{
    for (int op = 0; op < OP_N; op++)
        for (int variant = 0; variant < op_cases[op].n_variants; variant++)
            check_case(op, variant, compute, seed);
    struct decoder_config c = decoder_case_tiny_gpt2();
    check_decode(&c, compute, seed);
    c = decoder_case_tiny_llama();
    check_decode(&c, compute, seed);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "pools");
    CHECK_OK(pool_open(&a, 1, &one_thread));
    CHECK_OK(pool_open(&a, 2, &two_threads));
    check_all(DTYPE_F32, seed);
    check_all(DTYPE_BF16, seed);
    for (int op = 0; op < OP_N; op++)
        if (!reached[op]) check_failed(__FILE__, __LINE__, "no graph has op %s", op_row(op)->name);
    pool_close(two_threads);
    pool_close(one_thread);
    arena_fini(&a);
    return 0;
}
