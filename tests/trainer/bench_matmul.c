// How much of the register-resident peak the matrix products reach, by shape and use. One thread;
// product and peak loop alternate, the median of their ratios is printed: on a noisy machine ratios
// of neighbours in time say something, times do not; beside it the quotient of the best slices.
// Built with the tests, run by hand:
//
//     bench_matmul [bf16|f32] [rounds]
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/rng.h"
#include "tests/check.h"
#include "trainer/kernel/isa.h"
#include "trainer/kernel/matmul_kernel.h"

enum { MAX_ROUNDS = 101, SLICE_FMAS = 1 << 27 };

struct shape {
    const char *name;
    size_t rows, inputs, outputs; // of a linear layer: x[rows, inputs] w[outputs, inputs]
};

static const struct shape SHAPES[] = {
    {"attention out", 1024, 768, 768}, {"mlp in", 1024, 768, 3072},    {"mlp out", 1024, 3072, 768},
    {"quickstart", 1024, 256, 1024},   {"head chunk", 256, 256, 8192}, {"score tile", 64, 64, 64},
};

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Of this thread's CPU time, so that other processes count little.
static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static double rate(uint64_t start_ns, double fmas)
{
    return fmas / (double)(cpu_ns() - start_ns);
}

struct rates {
    double ratios[MAX_ROUNDS];
    double best_product, best_spin;
};

static void measure(const struct matmul *m, void *scratch, int round, struct rates *r)
{
    const struct matmul_kernel *kernel = matmul_kernel_get(m->type);
    const double fmas = (double)m->m * (double)m->n * (double)m->k;
    const int repeats = 1 + (int)(SLICE_FMAS / fmas);
    uint64_t start = cpu_ns();
    for (int i = 0; i < repeats; i++)
        matmul_run_here(m, scratch);
    const double product = rate(start, fmas * repeats);
    start = cpu_ns();
    const size_t done = kernel->spin(SLICE_FMAS);
    const double spin = rate(start, (double)done);
    r->ratios[round] = product / spin;
    r->best_product = product > r->best_product ? product : r->best_product;
    r->best_spin = spin > r->best_spin ? spin : r->best_spin;
}

static void bench(const char *use, const struct matmul *m, int n_rounds, void *scratch)
{
    struct rates r = {.best_spin = 0.0};
    for (int i = 0; i < n_rounds; i++)
        measure(m, scratch, i, &r);
    qsort(r.ratios, (size_t)n_rounds, sizeof *r.ratios, compare);
    printf("  %s %3.0f%% (%.0f-%.0f, best %.0f)", use, 100 * r.ratios[n_rounds / 2],
           100 * r.ratios[n_rounds / 4], 100 * r.ratios[n_rounds * 3 / 4],
           100 * r.best_product / r.best_spin);
}

static void *values(struct arena *a, enum dtype type, size_t n)
{
    void *out = arena_alloc(a, n * dtype_bytes(type), 64);
    for (size_t i = 0; i < n; i++) {
        const float f = rng_uniform(7, 0, i) - 0.5f;
        if (type == DTYPE_F32)
            ((float *)out)[i] = f;
        else
            ((uint16_t *)out)[i] = bf16_from_f32(f);
    }
    return out;
}

static void bench_shape(const struct shape *s, enum dtype type, int n_rounds)
{
    struct arena a;
    arena_init(&a, "bench");
    const size_t R = s->rows, K = s->inputs, N = s->outputs;
    const void *x = values(&a, type, R * K), *w = values(&a, type, N * K);
    const void *dy = values(&a, type, R * N);
    void *out = arena_alloc(&a, 4 * (R * K + R * N + N * K), 64);
    void *scratch = arena_alloc(&a, matmul_scratch_bytes(), 64);
    const struct matmul forward = {.type = type,
                                   .out_type = type,
                                   .out = out,
                                   .m = R,
                                   .n = N,
                                   .k = K,
                                   .a = x,
                                   .a_row_stride = K,
                                   .a_k_stride = 1,
                                   .b = w,
                                   .b_row_stride = K,
                                   .b_k_stride = 1,
                                   .out_row_stride = N};
    const struct matmul dx = {.type = type,
                              .out_type = type,
                              .out = out,
                              .m = R,
                              .n = K,
                              .k = N,
                              .a = dy,
                              .a_row_stride = N,
                              .a_k_stride = 1,
                              .b = w,
                              .b_row_stride = 1,
                              .b_k_stride = K,
                              .out_row_stride = K};
    const struct matmul dw = {.type = type,
                              .out_type = DTYPE_F32,
                              .out = out,
                              .m = N,
                              .n = K,
                              .k = R,
                              .a = dy,
                              .a_row_stride = 1,
                              .a_k_stride = N,
                              .b = x,
                              .b_row_stride = 1,
                              .b_k_stride = K,
                              .out_row_stride = K};
    printf("%-14s %5zu x %5zu -> %5zu", s->name, R, K, N);
    bench("forward", &forward, n_rounds, scratch);
    bench("dx", &dx, n_rounds, scratch);
    bench("dw", &dw, n_rounds, scratch);
    printf("\n");
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const enum dtype type = argc > 1 && strcmp(argv[1], "f32") == 0 ? DTYPE_F32 : DTYPE_BF16;
    int n_rounds = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 11;
    if (n_rounds < 1 || n_rounds > MAX_ROUNDS) n_rounds = MAX_ROUNDS;
    printf("%s %s, median (quartiles, best over best) of the share of the register-resident peak\n",
           isa_name(isa_get()), dtype_name(type));
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++)
        bench_shape(&SHAPES[i], type, n_rounds);
    return 0;
}
