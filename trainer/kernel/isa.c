#include "trainer/kernel/isa.h"

#include <cpuid.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const NAMES[] = {
    [ISA_SCALAR] = "scalar", [ISA_AVX2] = "avx2", [ISA_AVX512] = "avx512", [ISA_AMX] = "amx"};

enum { N_ISAS = sizeof NAMES / sizeof NAMES[0], UNKNOWN = -1 };
enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };
enum { CPUID_EDX_AMX_BF16 = 1 << 22, CPUID_EDX_AMX_TILE = 1 << 24 };

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

// Tile data is granted to a process on request only; without it the first tile load is a SIGILL.
// The kernel refuses where it lacks AMX itself, so XCR0 need not be read.
static int may_use_tiles(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const unsigned needed = CPUID_EDX_AMX_BF16 | CPUID_EDX_AMX_TILE;
    if ((d & needed) != needed) return 0;
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
