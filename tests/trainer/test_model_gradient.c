// The gradient of whole tiny decoders (GPT-2 and Llama settings): as graph in f64 against central
// differences along random directions and coordinates, then f32 and bf16 runs of the kernels
// against the f64 gradient.
#include "tests/trainer/model_case.h"

enum { DIRECTIONS = 4, COORDINATES = 3 };

static struct graph *build(const struct decoder_config *c, enum dtype compute, struct arena *a)
{
    struct graph *g;
    CHECK_OK(decoder_build(c, DECODER_LOSS, 2, 8, compute, a, &g));
    CHECK_OK(graph_differentiate(g));
    return g;
}

static double objective(struct executor *e)
{
    executor_reference(e, 0, e->g->n_nodes);
    double sum = 0;
    for (size_t i = 0; i < graph_elems(e->g, e->g->loss); i++)
        sum += 0.25 * executor_get(e, e->g->loss, 0, i);
    return sum;
}

static double direction_at(uint64_t seed, int direction, int parameter, size_t i)
{
    uint64_t key = rng_key(seed + (uint64_t)direction, "direction");
    return (double)rng_normal(key, (uint64_t)parameter, i);
}

static void move(struct executor *e, uint64_t seed, int direction, double distance)
{
    for (int p = 0; p < e->g->n_parameters; p++)
        for (size_t i = 0; i < e->g->parameters[p].n_elems; i++) {
            int tensor = e->g->parameters[p].tensor;
            double value = executor_get(e, tensor, 0, i);
            executor_set(e, tensor, 0, i, value + distance * direction_at(seed, direction, p, i));
        }
}

static void check_near(const char *what, double analytic, double numeric)
{
    if (fabs(analytic - numeric) <= 1e-7 * (1 + fabs(numeric))) return;
    check_failed(__FILE__, __LINE__, "%s: gradient %.12g, differences %.12g", what, analytic,
                 numeric);
}

static void check_directions(struct executor *e, uint64_t seed)
{
    for (int direction = 0; direction < DIRECTIONS; direction++) {
        const double step = 2e-6;
        objective(e);
        double analytic = 0;
        for (int p = 0; p < e->g->n_parameters; p++)
            for (size_t i = 0; i < e->g->parameters[p].n_elems; i++)
                analytic += direction_at(seed, direction, p, i) *
                            executor_get(e, e->g->parameters[p].gradient, 0, i);
        move(e, seed, direction, step);
        double above = objective(e);
        move(e, seed, direction, -2 * step);
        double below = objective(e);
        move(e, seed, direction, step);
        CHECK(fabs(analytic) > 1e-3);
        check_near("a direction", analytic, (above - below) / (2 * step));
    }
}

static void check_coordinates(struct executor *e, uint64_t seed)
{
    uint64_t key = rng_key(seed, "coordinates");
    for (int p = 0; p < e->g->n_parameters; p++)
        for (uint64_t j = 0; j < COORDINATES; j++) {
            const struct parameter *parameter = &e->g->parameters[p];
            const double step = 1e-5;
            size_t i = rng_u64(key, (uint64_t)p, j) % parameter->n_elems;
            objective(e);
            double analytic = executor_get(e, parameter->gradient, 0, i);
            double value = executor_get(e, parameter->tensor, 0, i);
            executor_set(e, parameter->tensor, 0, i, value + step);
            double above = objective(e);
            executor_set(e, parameter->tensor, 0, i, value - step);
            double below = objective(e);
            executor_set(e, parameter->tensor, 0, i, value);
            check_near(parameter->name, analytic, (above - below) / (2 * step));
        }
}

// |kernels - f64| against |f64|, over all of one parameter's gradient.
static void check_parameter(const struct executor *e, const struct executor *exact, int p,
                            double tolerance)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < e->g->parameters[p].n_elems; i++) {
        double value = executor_get(exact, exact->g->parameters[p].gradient, 0, i);
        double error = executor_get(e, e->g->parameters[p].gradient, 0, i) - value;
        difference += error * error;
        size += value * value;
    }
    if (sqrt(difference) <= tolerance * sqrt(size)) return;
    check_failed(__FILE__, __LINE__, "%s in %s: |error| %.3g of |gradient| %.3g",
                 e->g->parameters[p].name, dtype_name(e->g->compute), sqrt(difference), sqrt(size));
}

static void check_kernels(const struct decoder_config *c, const struct executor *exact,
                          enum dtype compute, double tolerance, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "kernels");
    struct executor e;
    executor_open(&e, build(c, compute, &a), 1, false);
    CHECK_OK(pool_open(&a, 2, &e.pool));
    model_case_fill_parameters(&e, seed);
    model_case_fill_batch(&e, seed, c->vocabulary);
    executor_run(&e);
    for (int p = 0; p < e.g->n_parameters; p++) {
        // Softmax does not see a constant added to all scores: the gradient of k's bias is 0 but
        // for rounding.
        if (strstr(e.g->parameters[p].name, "attention.k.bias") != NULL) continue;
        check_parameter(&e, exact, p, tolerance);
    }
    pool_close(e.pool);
    executor_close(&e);
    arena_fini(&a);
}

static void check_model(const struct decoder_config *c, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "model");
    struct executor e;
    executor_open(&e, build(c, DTYPE_F32, &a), 1, true);
    model_case_fill_parameters(&e, seed);
    model_case_fill_batch(&e, seed, c->vocabulary);
    check_directions(&e, seed);
    check_coordinates(&e, seed);
    model_case_fill_parameters(&e, seed);
    objective(&e);
    check_kernels(c, &e, DTYPE_F32, 1e-4, seed);
    check_kernels(c, &e, DTYPE_BF16, 5e-2, seed);
    executor_close(&e);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct decoder_config c = decoder_case_tiny_gpt2();
    check_model(&c, seed);
    c = decoder_case_tiny_llama();
    check_model(&c, seed);
    c = decoder_case_tiny_llama();
    c.tied = true;
    c.activation = ACTIVATION_RELU2;
    c.gated = false;
    check_model(&c, seed);
    return 0;
}
