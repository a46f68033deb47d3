#include "trainer/kernel/peak.h"

#include "base/clock.h"
#include "base/size.h"
#include "trainer/kernel/matmul_kernel.h"

enum { MEASURE_NS = 50 * 1000 * 1000, SPIN_FMAS = 1 << 24, ROWS = 1024, WIDTH = 768 };

struct spin {
    const struct matmul_kernel *kernel;
    size_t n_fmas; // of one call
};

static void spin_task(void *context, size_t task, size_t thread)
{
    (void)task;
    (void)thread;
    const struct spin *s = context;
    s->kernel->spin(s->n_fmas);
}

static void spin_slice(struct pool *pool, void *context)
{
    pool_run(pool, pool_n_threads(pool), spin_task, context);
}

struct product {
    struct matmul matmul;
    void *scratch;
};

static void product_slice(struct pool *pool, void *context)
{
    struct product *p = context;
    matmul_run(&p->matmul, 1, pool, p->scratch);
}

// The shortest of the slices that fit, ns; at least one after the first, which warms up.
static double shortest_ns(struct pool *pool, void (*slice)(struct pool *, void *), void *context)
{
    slice(pool, context);
    const uint64_t start = clock_now_ns();
    uint64_t now = start, best = UINT64_MAX;
    while (now - start < MEASURE_NS) {
        slice(pool, context);
        const uint64_t end = clock_now_ns();
        if (end - now < best) best = end - now;
        now = end;
    }
    return (double)(best ? best : 1);
}

double peak_flops_per_second(struct pool *pool, enum dtype type)
{
    const struct matmul_kernel *kernel = matmul_kernel_get(type);
    struct spin s = {kernel, size_min(SPIN_FMAS, kernel->task_fmas)};
    const double fmas = (double)kernel->spin(s.n_fmas) * (double)pool_n_threads(pool);
    return 2e9 * fmas / shortest_ns(pool, spin_slice, &s);
}

double peak_matmul_flops_per_second(struct pool *pool, enum dtype type, struct arena *a)
{
    const size_t bytes = dtype_bytes(type);
    struct product p = {
        .matmul = {.type = type, .out_type = type, .m = ROWS, .n = WIDTH, .k = WIDTH}};
    p.matmul.a_row_stride = p.matmul.b_row_stride = p.matmul.out_row_stride = WIDTH;
    p.matmul.a_k_stride = p.matmul.b_k_stride = 1;
    p.matmul.a = arena_alloc(a, ROWS * WIDTH * bytes, 64);
    p.matmul.b = arena_alloc(a, WIDTH * WIDTH * bytes, 64);
    p.matmul.out = arena_alloc(a, ROWS * WIDTH * bytes, 64);
    p.scratch = arena_alloc(a, pool_n_threads(pool) * matmul_scratch_bytes(), 64);
    return 2e9 * ROWS * WIDTH * WIDTH / shortest_ns(pool, product_slice, &p);
}
