// For every row of OP_TABLE with a gradient: the gradient as graph, run through the references in
// f64, against central differences of the row's reference in f64, element by element. A row without
// a case fails.
#include "tests/trainer/op_cases.h"

static const double step = 1e-5, tolerance = 1e-7;

// Sum of seed * out (HEAD: loss_scale * loss).
static double objective(const struct op_built *b, struct executor *e)
{
    executor_reference(e, 0, e->g->n_forward_nodes);
    double sum = 0;
    for (size_t i = 0; i < graph_elems(e->g, b->o.out); i++) {
        double seed = b->seed >= 0 ? executor_get(e, b->seed, 0, i) : 0.7;
        sum += seed * executor_get(e, b->o.out, 0, i);
    }
    return sum;
}

static int gradient_tensor(const struct op_built *b, int tensor)
{
    int parameter = b->o.g->tensors[tensor].parameter;
    if (parameter >= 0) return b->o.g->parameters[parameter].gradient;
    return gradient_of(b->d, tensor);
}

static double difference(const struct op_built *b, struct executor *e, int tensor, size_t i)
{
    double value = executor_get(e, tensor, 0, i);
    executor_set(e, tensor, 0, i, value + step);
    double above = objective(b, e);
    executor_set(e, tensor, 0, i, value - step);
    double below = objective(b, e);
    executor_set(e, tensor, 0, i, value);
    return (above - below) / (2 * step);
}

static void check_tensor(const struct op_built *b, struct executor *e, int tensor, const char *op)
{
    int gradient = gradient_tensor(b, tensor);
    CHECK(gradient >= 0);
    size_t n_nonzero = 0;
    for (size_t i = 0; i < graph_elems(e->g, tensor); i++) {
        double analytic = executor_get(e, gradient, 0, i);
        double numeric = difference(b, e, tensor, i);
        n_nonzero += analytic != 0;
        if (fabs(analytic - numeric) <= tolerance * (1 + fabs(numeric))) continue;
        check_failed(__FILE__, __LINE__, "%s variant %d: d(%s)[%zu] is %.12g, differences %.12g",
                     op, b->o.variant, e->g->tensors[tensor].name, i, analytic, numeric);
    }
    CHECK(n_nonzero > 0);
}

static void check_case(int op, int variant, enum dtype compute, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "case");
    const struct op_built b = op_case_build(op, variant, &op_sizes_small, compute, &a);
    struct executor e;
    executor_open(&e, b.o.g, 1, true);
    op_case_fill(&b, &e, seed);
    executor_reference(&e, 0, b.o.g->n_nodes);
    for (int i = 0; i < b.o.n_wanted; i++)
        check_tensor(&b, &e, b.o.wanted[i], op_row(op)->name);
    executor_close(&e);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    for (int op = 0; op < OP_N; op++) {
        if (op_row(op)->gradient == NULL) continue;
        if (op_cases[op].build == NULL)
            check_failed(__FILE__, __LINE__, "op %s has a gradient but no case in op_cases.h",
                         op_row(op)->name);
        for (int variant = 0; variant < op_cases[op].n_variants; variant++) {
            check_case(op, variant, DTYPE_F32, seed);
            check_case(op, variant, DTYPE_BF16, seed); // other casts in the graph, same mathematics
        }
    }
    return 0;
}
