#include "trainer/kernel/isa.h"

#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const NAMES[] = {
    [ISA_SCALAR] = "scalar", [ISA_AVX2] = "avx2", [ISA_AVX512] = "avx512", [ISA_AMX] = "amx"};

enum { N_ISAS = sizeof NAMES / sizeof NAMES[0], UNKNOWN = -1 };
enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
enum { CPUID_TILES = 0x1d, CPUID_EDX_AMX_BF16 = 1 << 22, CPUID_EDX_AMX_TILE = 1 << 24 };
enum { XCR0_TILES = 1 << 17 | 1 << 18 }; // configuration and data

static atomic_int chosen = UNKNOWN;

const char *isa_name(enum isa i)
{
    return NAMES[i];
}

enum err isa_from_environment(enum isa *cap)
{
    const char *text = getenv("WEFT_ISA");
    if (!text) {
        *cap = ISA_AMX;
        return OK;
    }
    for (int i = 0; i < N_ISAS; i++) {
        if (strcmp(text, NAMES[i]) != 0) continue;
        *cap = (enum isa)i;
        return OK;
    }
    return fail(ERR_USAGE, "WEFT_ISA=%s: not one of scalar, avx2, avx512, amx", text);
}

// What matmul_amx.c configures: palette 1 with 8 tiles of 16 lines of 64 bytes.
static bool has_tiles(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const unsigned needed = CPUID_EDX_AMX_BF16 | CPUID_EDX_AMX_TILE;
    if ((d & needed) != needed) return false;
    if (!__get_cpuid_count(CPUID_TILES, 0, &a, &b, &c, &d) || a < 1) return false;
    if (!__get_cpuid_count(CPUID_TILES, 1, &a, &b, &c, &d)) return false;
    return (b & 0xffffu) >= 64 && b >> 16 >= 8 && (c & 0xffffu) >= 16;
}

// Only where AVX-512 was found: its detection has seen that XGETBV exists.
static __attribute__((target("xsave"))) bool tiles_enabled(void)
{
    return (_xgetbv(0) & XCR0_TILES) == XCR0_TILES;
}

// Tile data is granted to a process on request only; without it the first tile load is a SIGILL.
// Old kernels do not know the request (EINVAL), others refuse it (EOPNOTSUPP), also where a
// thread's sigaltstack is too small for the state (ENOSPC).
static bool may_use_tiles(void)
{
    if (!has_tiles() || !tiles_enabled()) return false;
    return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

static enum isa lowered(enum isa wish)
{
    __builtin_cpu_init();
    if (wish < ISA_AVX2 || !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
        return ISA_SCALAR;
    const int avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (wish < ISA_AVX512 || !avx512) return ISA_AVX2;
    return wish == ISA_AMX && may_use_tiles() ? ISA_AMX : ISA_AVX512;
}

enum isa isa_set(enum isa wish)
{
    const enum isa i = lowered(wish);
    atomic_store(&chosen, (int)i);
    return i;
}

enum isa isa_get(void)
{
    const int known = atomic_load(&chosen);
    if (known != UNKNOWN) return (enum isa)known;
    enum isa cap = ISA_AMX;
    if (isa_from_environment(&cap) != OK) cap = ISA_AMX; // the run's start reports it
    return isa_set(cap);
}
