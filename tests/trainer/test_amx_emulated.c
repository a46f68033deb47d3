// The AMX kernel's packing, tiling and walk on tiles in software, against the reference with ==.
// The kernel and the walk are compiled here a second time, with the emulated intrinsics and with
// AMX as the instruction set. Needs AVX-512 for packing. Where the CPU has AMX, test_matmul tests
// the real one.
#include "tests/trainer/amx_emulation.h"

#include "trainer/kernel/isa.h"

#define isa_get() ISA_AMX
#include "trainer/kernel/matmul.c"
#include "trainer/kernel/matmul_amx.c"
#undef isa_get

#include "tests/trainer/matmul_cases.h"

enum { N_CASES = 60 };

static void check_product(struct cases *t, struct matmul m, struct pool *pool, void *scratch)
{
    const struct matmul want = with_copy(t, &m), here = with_copy(t, &m);
    matmul_reference(&want);
    matmul_run(&m, 1, pool, scratch);
    check_same(&m, &want);
    matmul_run_here(&here, scratch);
    check_same(&here, &want);
}

int main(int argc, char **argv)
{
    if (isa_set(ISA_AVX512) != ISA_AVX512)
        CHECK_SKIP("this CPU has no AVX-512, which packing uses");
    CHECK(matmul_kernel_get(DTYPE_BF16) == &matmul_amx_bf16);
    struct cases t = {.key = rng_key(check_seed(argc, argv), "amx")};
    struct arena life;
    struct pool *pool;
    arena_init(&life, "pool");
    arena_init(&t.arena, "products");
    CHECK_OK(pool_open(&life, 2, &pool));
    void *scratch = arena_alloc(&life, 2 * matmul_scratch_bytes(), 64);
    for (int c = 0; c < N_CASES; c++) {
        struct matmul m = draw_product(&t, c % 8 == 0 ? 150 : 40);
        if (m.type == DTYPE_BF16) check_product(&t, m, pool, scratch);
        arena_reset(&t.arena);
    }
    CHECK(matmul_amx_bf16.spin(1 << 20) == 1 << 20);
    pool_close(pool);
    arena_fini(&t.arena);
    arena_fini(&life);
    return 0;
}
