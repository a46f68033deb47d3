// Every instruction set the CPU has against the scalar reference, with ==: random shapes, the three
// uses, accumulation, bias, hard values, lists, one and two threads.
#include <xmmintrin.h>

#include "tests/trainer/matmul_cases.h"
#include "trainer/kernel/matmul_kernel.h"
#include "trainer/kernel/peak.h"

enum { N_CASES = 200, LIST = 5 };

struct bench {
    struct cases cases;
    struct pool *pools[2];
    void *scratch;
};

static void check_product(struct bench *t, const struct matmul *m)
{
    const struct matmul want = with_copy(&t->cases, m);
    matmul_reference(&want);
    for (enum isa i = ISA_SCALAR; i <= ISA_AMX; i++) {
        if (isa_set(i) != i) continue;
        for (int p = 0; p < 2; p++) {
            const struct matmul got = with_copy(&t->cases, m);
            matmul_run(&got, 1, t->pools[p], t->scratch);
            check_same(&got, &want);
        }
        const struct matmul here = with_copy(&t->cases, m);
        matmul_run_here(&here, t->scratch);
        check_same(&here, &want);
    }
}

static void test_random(struct bench *t)
{
    for (int c = 0; c < N_CASES; c++) {
        const struct matmul m = draw_product(&t->cases, c % 8 == 0 ? 150 : 40);
        check_product(t, &m);
        arena_reset(&t->cases.arena);
    }
}

// Several blocks and chunks of k, odd edges: the panel kept between tasks must be the right one.
static void test_blocks(struct bench *t)
{
    for (enum use use = USE_FORWARD; use < N_USES; use++) {
        struct matmul m = {.type = DTYPE_BF16, .m = 421, .n = 613, .k = 700};
        set_use(&m, use, 1);
        m.a = draw_array(&t->cases, m.type, VALUES_NORMAL, (m.m + 1) * (m.k + 1));
        m.b = draw_array(&t->cases, m.type, VALUES_NORMAL, (m.n + 1) * (m.k + 1));
        m.out_row_stride = m.n;
        m.out = draw_array(&t->cases, DTYPE_F32, VALUES_NORMAL, m.m * m.n);
        struct matmul want = with_copy(&t->cases, &m);
        isa_set(ISA_AVX2);
        matmul_run_here(&want, t->scratch);
        for (enum isa i = ISA_AVX512; i <= ISA_AMX; i++) {
            if (isa_set(i) != i) continue;
            const struct matmul got = with_copy(&t->cases, &m);
            matmul_run(&got, 1, t->pools[1], t->scratch);
            check_same(&got, &want);
        }
        arena_reset(&t->cases.arena);
    }
}

static void test_list(struct bench *t)
{
    struct matmul got[LIST], want[LIST];
    for (int p = 0; p < LIST; p++) {
        got[p] = draw_product(&t->cases, 70);
        want[p] = with_copy(&t->cases, &got[p]);
        matmul_reference(&want[p]);
    }
    isa_set(ISA_AMX);
    matmul_run(got, LIST, t->pools[1], t->scratch);
    for (int p = 0; p < LIST; p++)
        check_same(&got[p], &want[p]);
    arena_reset(&t->cases.arena);
}

// Gradients of a weight over rows in chunks of a multiple of 32 continue the same chain.
static void test_chunks(struct bench *t, enum dtype type)
{
    struct matmul whole = {.type = type, .m = 40, .n = 50, .k = 233};
    set_use(&whole, USE_DW, 0);
    whole.a = draw_array(&t->cases, type, VALUES_NORMAL, whole.m * whole.k);
    whole.b = draw_array(&t->cases, type, VALUES_NORMAL, whole.n * whole.k);
    whole.out_row_stride = whole.n;
    whole.out = draw_array(&t->cases, DTYPE_F32, VALUES_NORMAL, whole.m * whole.n);
    const struct matmul pieces = with_copy(&t->cases, &whole);
    isa_set(ISA_AMX);
    matmul_run(&whole, 1, t->pools[0], t->scratch);
    for (size_t k = 0, n; k < whole.k; k += n) {
        n = size_min(32 * (1 + draw(&t->cases, 3)), whole.k - k);
        struct matmul piece = pieces;
        piece.accumulate = k != 0;
        piece.k = n;
        piece.a = (const char *)pieces.a + k * whole.a_k_stride * dtype_bytes(type);
        piece.b = (const char *)pieces.b + k * whole.b_k_stride * dtype_bytes(type);
        matmul_run(&piece, 1, t->pools[0], t->scratch);
    }
    check_same(&pieces, &whole);
    arena_reset(&t->cases.arena);
}

// The peak loop counts what it does; products leave MXCSR as it was.
static void test_peak_and_mode(struct bench *t)
{
    const size_t n = 1 << 20;
    const unsigned csr = _mm_getcsr();
    for (enum isa i = ISA_SCALAR; i <= ISA_AMX; i++) {
        if (isa_set(i) != i) continue;
        for (enum dtype type = DTYPE_F32; type <= DTYPE_BF16; type++) {
            const size_t done = matmul_kernel_get(type)->spin(n);
            CHECK(done <= n && done > n / 2);
        }
        CHECK(peak_flops_per_second(t->pools[1], DTYPE_BF16) > 0.0);
    }
    CHECK(peak_matmul_flops_per_second(t->pools[1], DTYPE_BF16, &t->cases.arena) > 0.0);
    CHECK_EQ(_mm_getcsr() & ~0x3fu, csr & ~0x3fu); // but for the flags of exceptions seen
    arena_reset(&t->cases.arena);
}

int main(int argc, char **argv)
{
    struct bench t = {.cases.key = rng_key(check_seed(argc, argv), "matmul")};
    struct arena life;
    arena_init(&life, "pools");
    arena_init(&t.cases.arena, "products");
    for (size_t p = 0; p < 2; p++)
        CHECK_OK(pool_open(&life, p + 1, &t.pools[p]));
    t.scratch = arena_alloc(&life, 2 * matmul_scratch_bytes(), 64);
    test_random(&t);
    test_blocks(&t);
    test_list(&t);
    test_peak_and_mode(&t);
    test_chunks(&t, DTYPE_BF16);
    test_chunks(&t, DTYPE_F32);
    for (enum isa i = ISA_SCALAR; i <= ISA_AMX; i++)
        printf("%s %s\n", isa_name(i), isa_set(i) == i ? "tested" : "not on this CPU");
    for (int p = 0; p < 2; p++)
        pool_close(t.pools[p]);
    arena_fini(&t.cases.arena);
    arena_fini(&life);
    return 0;
}
