#pragma once
// What trainer/kernel/isa.c learns about AMX from CPU and kernel, as variables that start out as on
// a Sapphire Rapids whose kernel permits tiles. Included before isa.c, in place of the real
// sources.

#include <cpuid.h>
#include <errno.h>
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

struct amx_cpu {
    unsigned max_leaf, leaf_7_edx, max_palette;
    unsigned line_bytes, tiles, rows; // of palette 1
    uint64_t xcr0;
    int refusal;     // errno of the request, 0: granted
    int n_requests;  // so far
    long request[3]; // the last one's arguments
};

#define AMX_CPU                                                                           \
    (struct amx_cpu)                                                                      \
    {                                                                                     \
        .max_leaf = 0x20, .leaf_7_edx = 1u << 22 | 1u << 24 | 1u << 25, .max_palette = 1, \
        .line_bytes = 64, .tiles = 8, .rows = 16, .xcr0 = 0x602e7,                        \
    }

static struct amx_cpu amx_cpu;

static inline int amx_cpu_leaf(unsigned leaf, unsigned subleaf, unsigned *a, unsigned *b,
                               unsigned *c, unsigned *d)
{
    *a = *b = *c = *d = 0;
    if (leaf > amx_cpu.max_leaf) return 0;
    if (leaf == 7 && subleaf == 0) *d = amx_cpu.leaf_7_edx;
    if (leaf == 0x1d && subleaf == 0) *a = amx_cpu.max_palette;
    if (leaf == 0x1d && subleaf == 1 && amx_cpu.max_palette > 0) {
        *b = amx_cpu.tiles << 16 | amx_cpu.line_bytes;
        *c = amx_cpu.rows;
        *a = amx_cpu.tiles * amx_cpu.line_bytes * amx_cpu.rows;
        *a |= (amx_cpu.line_bytes * amx_cpu.rows) << 16;
    }
    return 1;
}

static inline long amx_cpu_syscall(long number, long code, long argument)
{
    amx_cpu.n_requests++;
    amx_cpu.request[0] = number;
    amx_cpu.request[1] = code;
    amx_cpu.request[2] = argument;
    errno = amx_cpu.refusal;
    return amx_cpu.refusal ? -1 : 0;
}

#undef _xgetbv
#define __get_cpuid_count amx_cpu_leaf
#define syscall amx_cpu_syscall
#define _xgetbv(index) ((index) == 0 ? amx_cpu.xcr0 : 0)
