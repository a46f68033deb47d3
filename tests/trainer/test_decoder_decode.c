// The decode graph with its caches against the loss graph: the logits of a sequence fed in pieces
// give the loss of the whole sequence.
#include "tests/trainer/model_case.h"

// 8 positions fed to a graph with room for 4 rows.
static const size_t pieces[] = {3, 1, 4};

static double cross_entropy(const struct executor *e, size_t row, size_t target, double z_loss)
{
    const size_t vocabulary = e->g->tensors[e->g->logits].dims[1];
    double sum = 0;
    for (size_t j = 0; j < vocabulary; j++)
        sum += exp(executor_get(e, e->g->logits, 0, row * vocabulary + j));
    double log_z = log(sum);
    return log_z - executor_get(e, e->g->logits, 0, row * vocabulary + target) +
           z_loss * log_z * log_z;
}

static void run(struct executor *e)
{
    if (e->f64)
        executor_reference(e, 0, e->g->n_nodes);
    else
        executor_run(e);
}

static void check_piece(const struct decoder_config *c, struct executor *decode,
                        const struct executor *whole, size_t first, size_t n_rows, double tolerance)
{
    const struct graph *g = decode->g;
    int tokens = model_case_tensor(whole->g, "tokens");
    int targets = model_case_tensor(whole->g, "targets");
    decode->state_position = first;
    decode->state_rows = n_rows;
    for (size_t i = 0; i < g->sequence; i++) {
        size_t row = i < n_rows ? first + i : 0; // rows that do not count hold anything valid
        executor_set_index(decode, model_case_tensor(g, "tokens"), 0, i,
                           (size_t)((int32_t *)whole->data[tokens])[row]);
        executor_set_index(decode, model_case_tensor(g, "positions"), 0, i, row);
    }
    run(decode);
    for (size_t i = 0; i < n_rows; i++) {
        size_t target = (size_t)((int32_t *)whole->data[targets])[first + i];
        double expected = executor_get(whole, whole->g->loss, 0, first + i);
        double actual = cross_entropy(decode, i, target, (double)c->z_loss);
        if (fabs(actual - expected) <= tolerance) continue;
        check_failed(__FILE__, __LINE__, "position %zu: loss %.9g from logits, %.9g from head",
                     first + i, actual, expected);
    }
}

static void check_decoder(const struct decoder_config *c, enum dtype compute, bool f64,
                          double tolerance, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "decode");
    struct graph *loss_graph, *decode_graph;
    CHECK_OK(decoder_build(c, DECODER_LOSS, 1, 8, compute, &a, &loss_graph));
    CHECK_OK(decoder_build(c, DECODER_DECODE, 1, 4, compute, &a, &decode_graph));
    struct executor whole, decode;
    executor_open(&whole, loss_graph, 1, f64);
    executor_open(&decode, decode_graph, 1, f64);
    CHECK_OK(pool_open(&a, 2, &whole.pool));
    decode.pool = whole.pool;
    model_case_fill_parameters(&whole, seed);
    model_case_fill_parameters(&decode, seed);
    model_case_fill_batch(&whole, seed, c->vocabulary);
    for (size_t i = 0; i < 8; i++) { // one document, every target counts
        executor_set_index(&whole, model_case_tensor(loss_graph, "positions"), 0, i, i);
        executor_set_index(&whole, model_case_tensor(loss_graph, "document_start"), 0, i, 0);
        executor_set(&whole, model_case_tensor(loss_graph, "mask"), 0, i, 1);
    }
    run(&whole);
    size_t first = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        check_piece(c, &decode, &whole, first, pieces[i], tolerance);
        first += pieces[i];
    }
    pool_close(whole.pool);
    executor_close(&whole);
    executor_close(&decode);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    const struct decoder_config cases[] = {decoder_case_tiny_gpt2(), decoder_case_tiny_llama()};
    for (size_t i = 0; i < 2; i++) {
        check_decoder(&cases[i], DTYPE_F32, true, 1e-12, seed);
        check_decoder(&cases[i], DTYPE_F32, false, 1e-4, seed);
        check_decoder(&cases[i], DTYPE_BF16, false, 0.1, seed);
    }
    return 0;
}
