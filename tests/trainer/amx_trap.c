// AMX tiles in software, under programs as they are: linked beside a program's own objects, this
// file lets kernel/isa.c find a CPU with AMX, and executes the AMX instructions that the compiler
// put into matmul_amx.c when the real CPU refuses them with SIGILL. So encodings, addresses, the
// order of packing and loading, and what happens on every pool thread are tested, not just the
// source.
//
// An instruction that hardware would answer with #UD or #GP dies here too, with its reason (Intel
// SDM volume 2: the instructions' operation and exception classes AMX-E1 to E6). Beyond hardware: a
// thread must not configure twice without a release, or release twice, and at exit every
// configuration must have been released. TDPBF16PS is the sum contract: per row of pairs an even
// and an odd FMA chain from 0, then c += even + odd, to nearest, denormals flushed, whatever MXCSR
// says.
//
// Last line on stderr of a program that used tiles: "amx: N configurations, N products". Where the
// CPU has AMX, or lacks AVX-512, the program ends with 77 before main: the first runs its tests on
// the real tiles, the second never gets to them.
#include "tests/trainer/amx_cpu.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "trainer/kernel/isa.c"
#undef syscall
#undef __get_cpuid_count

enum { TILES = 8, LINES = 16, LINE_BYTES = 64, PAIRS = 16, TILE_CONFIG_BYTES = 64 };
enum { NO_PREFIX, PREFIX_66, PREFIX_F3, PREFIX_F2 }; // VEX.pp

struct tile {
    size_t rows, line_bytes; // 0: not configured
    _Alignas(64) uint8_t data[LINES][LINE_BYTES];
};

// An instruction of VEX map 0F38, and where its memory operand lies.
struct instruction {
    const uint8_t *at, *end;
    unsigned opcode, prefix, reg, rm, vvvv;
    bool memory, wide, w;
    bool sib;         // base and index, as sibmem needs them
    uint64_t address; // of the operand; without the index if sib
    uint64_t stride;
};

static _Thread_local bool configured;
static _Thread_local struct tile tiles[TILES];
static atomic_long n_configurations, n_releases, n_products;

// Called in a handler of SIGILL, which interrupts nothing but tile instructions.
static __attribute__((noreturn)) void fault(const struct instruction *i, const char *why)
{
    fprintf(stderr, "amx: the instruction at %p would fault: %s\n", (const void *)i->at, why);
    signal(SIGILL, SIG_DFL);
    raise(SIGILL);
    _exit(1);
}

static void require(bool condition, const struct instruction *i, const char *why)
{
    if (!condition) fault(i, why);
}

static bool all_zero(const uint8_t *bytes, size_t n)
{
    for (size_t x = 0; x < n; x++)
        if (bytes[x]) return false;
    return true;
}

static void load_configuration(const struct instruction *i)
{
    uint8_t bytes[TILE_CONFIG_BYTES];
    memcpy(bytes, (const void *)(uintptr_t)i->address, sizeof bytes);
    require(!configured, i, "configured twice without a release (this project's rule)");
    require(bytes[0] == 1, i, "#GP: palette is not 1");
    require(bytes[1] == 0, i, "start_row is not 0 (this project's rule)");
    require(all_zero(bytes + 2, 14), i, "#GP: bytes 2 to 15 are not 0");
    require(all_zero(bytes + 32, 16), i, "#GP: bytes 32 to 47 are not 0");
    require(all_zero(bytes + 56, 8), i, "#GP: bytes 56 to 63 are not 0");
    memset(tiles, 0, sizeof tiles);
    for (size_t t = 0; t < TILES; t++) {
        tiles[t].line_bytes = (size_t)(bytes[16 + 2 * t] | bytes[17 + 2 * t] << 8);
        tiles[t].rows = bytes[48 + t];
        require(tiles[t].line_bytes <= LINE_BYTES, i, "#GP: more than 64 bytes a row");
        require(tiles[t].rows <= LINES, i, "#GP: more than 16 rows");
        require((tiles[t].rows == 0) == (tiles[t].line_bytes == 0), i, "#GP: half a tile");
    }
    configured = true;
    atomic_fetch_add(&n_configurations, 1);
}

static void release(const struct instruction *i)
{
    require(configured, i, "released without a configuration (this project's rule)");
    memset(tiles, 0, sizeof tiles);
    configured = false;
    atomic_fetch_add(&n_releases, 1);
}

static struct tile *tile_of(const struct instruction *i, unsigned t)
{
    require(configured, i, "#UD: tiles are not configured");
    require(t < TILES, i, "#UD: no such tile");
    require(tiles[t].rows > 0, i, "#UD: the tile is not configured");
    require(tiles[t].line_bytes % 4 == 0, i, "#UD: a row is not whole double words");
    return &tiles[t];
}

static void require_sib(const struct instruction *i)
{
    require(i->memory && i->sib, i, "#UD: not base + index * stride");
}

static void load_tile(const struct instruction *i)
{
    require_sib(i);
    struct tile *t = tile_of(i, i->reg);
    memset(t->data, 0, sizeof t->data);
    for (size_t r = 0; r < t->rows; r++)
        memcpy(t->data[r], (const void *)(uintptr_t)(i->address + r * i->stride), t->line_bytes);
}

static void store_tile(const struct instruction *i)
{
    require_sib(i);
    const struct tile *t = tile_of(i, i->reg);
    for (size_t r = 0; r < t->rows; r++)
        memcpy((void *)(uintptr_t)(i->address + r * i->stride), t->data[r], t->line_bytes);
}

static float half_at(const struct tile *t, size_t row, size_t half)
{
    uint16_t h;
    memcpy(&h, &t->data[row][2 * half], sizeof h);
    const uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

// Row m of c. Its own function, so that no arithmetic moves past the change of MXCSR.
static __attribute__((noinline, target("avx2,fma"))) void
multiply_row(struct tile *c, const struct tile *a, const struct tile *b, size_t m)
{
    const size_t columns = c->line_bytes / 4;
    float sums[2][PAIRS] = {{0.0f}}, line[PAIRS];
    for (size_t k = 0; k < a->line_bytes / 2; k++)
        for (size_t n = 0; n < columns; n++)
            sums[k % 2][n] =
                __builtin_fmaf(half_at(a, m, k), half_at(b, k / 2, 2 * n + k % 2), sums[k % 2][n]);
    memcpy(line, c->data[m], sizeof line);
    for (size_t n = 0; n < columns; n++)
        line[n] += sums[0][n] + sums[1][n];
    memcpy(c->data[m], line, columns * sizeof *line);
}

// c[m, n] += a[m, k] b[k, n] over pairs of k: ModRM.reg, ModRM.rm, VEX.vvvv.
static void multiply_tiles(const struct instruction *i)
{
    struct tile *c = tile_of(i, i->reg);
    const struct tile *a = tile_of(i, i->rm), *b = tile_of(i, i->vvvv);
    require(c != a && c != b && a != b, i, "#UD: the same tile twice");
    require(c->rows == a->rows, i, "#UD: rows of c and a");
    require(a->line_bytes / 4 == b->rows, i, "#UD: columns of a, rows of b");
    require(c->line_bytes == b->line_bytes, i, "#UD: columns of c and b");
    const unsigned csr = _mm_getcsr();
    _mm_setcsr(0x1f80u | 0x8040u); // to nearest, no exceptions, FTZ, DAZ
    for (size_t m = 0; m < c->rows; m++)
        multiply_row(c, a, b, m);
    _mm_setcsr(csr);
    atomic_fetch_add(&n_products, 1);
}

static uint64_t register_value(const ucontext_t *u, unsigned number)
{
    static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};
    return (uint64_t)u->uc_mcontext.gregs[order[number]];
}

static int32_t displacement(const uint8_t *at, size_t n_bytes)
{
    int32_t wide = 0;
    if (n_bytes == 1) return (int8_t)*at;
    memcpy(&wide, at, n_bytes);
    return wide;
}

// The memory operand after ModRM; high: VEX's inverted R, X, B, upright.
static void decode_address(const ucontext_t *u, unsigned high, unsigned mod, struct instruction *i)
{
    unsigned base = i->rm, index = 4;
    if (i->rm == 4) {
        const unsigned sib = *i->end++;
        base = sib & 7;
        index = (sib >> 3 & 7) | (high >> 1 & 1) << 3;
        i->sib = index != 4;
        if (i->sib) i->stride = register_value(u, index) << (sib >> 6);
    }
    const bool no_base = mod == 0 && base == 5;
    const size_t n_bytes = no_base || mod == 2 ? 4 : mod;
    const uint64_t shift = (uint64_t)(int64_t)displacement(i->end, n_bytes);
    i->end += n_bytes;
    if (!no_base)
        i->address = register_value(u, base | (high & 1) << 3) + shift;
    else
        i->address =
            i->rm == 4 ? shift : (uint64_t)(uintptr_t)i->end + shift; // absolute, or of rip
}

// Three-byte VEX, map 0F38; false if it is something else.
static bool decode(const ucontext_t *u, struct instruction *i)
{
    i->at = (const uint8_t *)(uintptr_t)u->uc_mcontext.gregs[REG_RIP];
    if (i->at[0] != 0xc4 || (i->at[1] & 31) != 2) return false;
    const unsigned high = ~(unsigned)i->at[1] >> 5 & 7, vex = i->at[2], modrm = i->at[4];
    i->w = vex >> 7;
    i->vvvv = ~vex >> 3 & 15;
    i->wide = vex >> 2 & 1;
    i->prefix = vex & 3;
    i->opcode = i->at[3];
    i->end = i->at + 5;
    i->reg = modrm >> 3 & 7;
    i->rm = modrm & 7;
    i->memory = modrm >> 6 != 3;
    if (i->memory)
        decode_address(u, high, modrm >> 6, i);
    else
        i->rm |= (high & 1) << 3;
    i->reg |= (high >> 2) << 3;
    return true;
}

// Tile configuration and zeroing share an opcode.
static bool execute_49(const struct instruction *i)
{
    if (i->prefix == NO_PREFIX && i->memory && i->reg == 0) {
        load_configuration(i);
        return true;
    }
    if (i->prefix == NO_PREFIX && !i->memory && i->reg == 0 && i->rm == 0) {
        release(i);
        return true;
    }
    if (i->prefix != PREFIX_F2 || i->memory || i->rm != 0) return false;
    memset(tile_of(i, i->reg)->data, 0, sizeof tiles[0].data);
    return true;
}

static bool execute(const struct instruction *i)
{
    if (i->w || i->wide) return false;
    if (i->opcode == 0x5c && i->prefix == PREFIX_F3 && !i->memory) {
        multiply_tiles(i);
        return true;
    }
    if (i->vvvv != 0) return false;
    if (i->opcode == 0x49) return execute_49(i);
    if (i->opcode != 0x4b || i->prefix == NO_PREFIX) return false;
    if (i->prefix == PREFIX_F3)
        store_tile(i);
    else
        load_tile(i); // with or without a hint
    return true;
}

static void on_illegal(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    ucontext_t *u = context;
    struct instruction i = {0};
    if (!decode(u, &i) || !execute(&i)) fault(&i, "not one of AMX-TILE and AMX-BF16");
    u->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)i.end;
}

static __attribute__((noreturn)) void skip(const char *reason)
{
    printf("skipped: %s\n", reason);
    fflush(stdout);
    _exit(77);
}

static __attribute__((constructor)) void install(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) d = 0;
    if (d & CPUID_EDX_AMX_TILE) skip("this CPU has AMX: the ordinary tests use its tiles");
    if (lowered(ISA_AVX512) != ISA_AVX512) skip("this CPU has no AVX-512, which packing uses");
    amx_cpu = AMX_CPU;
    struct sigaction action = {.sa_sigaction = on_illegal, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    sigaction(SIGILL, &action, NULL);
}

static __attribute__((destructor)) void report(void)
{
    const long n = atomic_load(&n_configurations), products = atomic_load(&n_products);
    if (n == 0) return;
    fprintf(stderr, "amx: %ld configurations, %ld products\n", n, products);
    if (n == atomic_load(&n_releases)) return;
    fprintf(stderr, "amx: %ld releases\n", atomic_load(&n_releases));
    _exit(1);
}
