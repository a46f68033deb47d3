// Which instruction set is chosen when something of AMX is missing: the CPU's bits, the palette,
// the state in XCR0, the kernel's permission, AVX-512, or WEFT_ISA's leave. isa.c is compiled here
// a second time, on a CPU made of variables.
#include "tests/trainer/amx_cpu.h"

static unsigned absent; // bits of FEATURES that the CPU does not have

static const char *const FEATURES[] = {"avx2",     "fma",      "avx512f",
                                       "avx512bw", "avx512dq", "avx512vl"};

enum { N_FEATURES = sizeof FEATURES / sizeof FEATURES[0], FIRST_AVX512 = 2 };

static int has_feature(const char *name);

#define __builtin_cpu_init() ((void)0)
#define __builtin_cpu_supports(name) has_feature(name)
#include "trainer/kernel/isa.c"

#include "tests/check.h"

static int has_feature(const char *name)
{
    for (int f = 0; f < N_FEATURES; f++)
        if (strcmp(name, FEATURES[f]) == 0) return !(absent >> f & 1u);
    check_failed(__FILE__, __LINE__, "isa.c asks for %s, which this test does not know", name);
}

static void check_falls_to_avx512(struct amx_cpu cpu, int n_requests)
{
    amx_cpu = cpu;
    CHECK_EQ(isa_set(ISA_AMX), ISA_AVX512);
    CHECK_EQ(amx_cpu.n_requests, n_requests);
}

static void test_whole(void)
{
    amx_cpu = AMX_CPU;
    CHECK_EQ(isa_set(ISA_AMX), ISA_AMX);
    CHECK_EQ(isa_get(), ISA_AMX);
    CHECK_EQ(amx_cpu.n_requests, 1);
    CHECK_EQ(amx_cpu.request[0], SYS_arch_prctl);
    CHECK_EQ(amx_cpu.request[1], 0x1023);
    CHECK_EQ(amx_cpu.request[2], 18);
    for (enum isa i = ISA_SCALAR; i < ISA_AMX; i++) // a lower wish asks for no permission
        CHECK_EQ(isa_set(i), i);
    CHECK_EQ(amx_cpu.n_requests, 1);
}

static void test_bits(void)
{
    struct amx_cpu cpu = AMX_CPU;
    cpu.leaf_7_edx &= ~(1u << 22); // amx-bf16
    check_falls_to_avx512(cpu, 0);
    cpu = AMX_CPU;
    cpu.leaf_7_edx &= ~(1u << 24); // amx-tile
    check_falls_to_avx512(cpu, 0);
    cpu = AMX_CPU;
    cpu.max_leaf = 7;
    check_falls_to_avx512(cpu, 0);
    cpu = AMX_CPU;
    cpu.xcr0 &= ~(1ull << 17);
    check_falls_to_avx512(cpu, 0);
    cpu = AMX_CPU;
    cpu.xcr0 &= ~(1ull << 18);
    check_falls_to_avx512(cpu, 0);
}

static void test_palette(void)
{
    struct amx_cpu cpu = AMX_CPU;
    cpu.max_palette = 0;
    check_falls_to_avx512(cpu, 0);
    cpu = AMX_CPU;
    cpu.tiles = 4;
    check_falls_to_avx512(cpu, 0);
    cpu = AMX_CPU;
    cpu.rows = 8;
    check_falls_to_avx512(cpu, 0);
    cpu = AMX_CPU;
    cpu.line_bytes = 32;
    check_falls_to_avx512(cpu, 0);
}

static void test_refusals(void)
{
    static const int refusals[] = {ENOSYS, EINVAL, EOPNOTSUPP, ENOSPC, EPERM};
    for (size_t r = 0; r < sizeof refusals / sizeof refusals[0]; r++) {
        struct amx_cpu cpu = AMX_CPU;
        cpu.refusal = refusals[r];
        check_falls_to_avx512(cpu, 1);
    }
}

static void test_features(void)
{
    for (int f = 0; f < N_FEATURES; f++) {
        absent = 1u << f;
        amx_cpu = AMX_CPU;
        CHECK_EQ(isa_set(ISA_AMX), f < FIRST_AVX512 ? ISA_SCALAR : ISA_AVX2);
        CHECK_EQ(amx_cpu.n_requests, 0);
    }
    absent = 0;
}

static void test_caps(void)
{
    for (enum isa i = ISA_SCALAR; i <= ISA_AMX; i++) {
        CHECK(setenv("WEFT_ISA", isa_name(i), 1) == 0);
        atomic_store(&chosen, UNKNOWN);
        amx_cpu = AMX_CPU;
        CHECK_EQ(isa_get(), i);
        CHECK_EQ(amx_cpu.n_requests, i == ISA_AMX);
    }
    unsetenv("WEFT_ISA");
    atomic_store(&chosen, UNKNOWN);
    CHECK_EQ(isa_get(), ISA_AMX);
}

int main(void)
{
    test_whole();
    test_bits();
    test_palette();
    test_refusals();
    test_features();
    test_caps();
    return 0;
}
