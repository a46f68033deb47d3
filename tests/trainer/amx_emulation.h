#pragma once
// AMX tiles in plain C, so that matmul_amx.c can be compiled and checked where the CPU has none:
// the intrinsics that it uses, with their faults (a wrong configuration, a tile that is not
// configured) as failed checks. The sum is TDPBF16PS's: per row of pairs an even and an odd chain
// from 0, then c += even + odd, denormals flushed whatever MXCSR says.

#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "tests/check.h"

enum { AMX_TILES = 8, AMX_ROWS = 16, AMX_LINE_BYTES = 64 };

struct amx_tile {
    size_t rows, line_bytes; // 0: not configured
    _Alignas(64) uint8_t data[AMX_ROWS][AMX_LINE_BYTES];
};

static _Thread_local struct amx_tile amx_tiles[AMX_TILES];

static void amx_release(void)
{
    memset(amx_tiles, 0, sizeof amx_tiles);
}

static void amx_load_config(const void *config)
{
    const uint8_t *bytes = config;
    CHECK(bytes[0] == 1 && bytes[1] == 0);
    amx_release();
    for (size_t i = 2; i < 64; i++)
        if (i < 16 || (i >= 32 && i < 48) || i >= 56) CHECK(bytes[i] == 0);
    for (size_t t = 0; t < AMX_TILES; t++) {
        amx_tiles[t].line_bytes = (size_t)(bytes[16 + 2 * t] | bytes[17 + 2 * t] << 8);
        amx_tiles[t].rows = bytes[48 + t];
        CHECK(amx_tiles[t].line_bytes <= AMX_LINE_BYTES && amx_tiles[t].rows <= AMX_ROWS);
    }
}

static struct amx_tile *amx_tile(int t)
{
    CHECK(t >= 0 && t < AMX_TILES && amx_tiles[t].rows > 0);
    return &amx_tiles[t];
}

static void amx_load(int t, const void *base, long stride)
{
    struct amx_tile *tile = amx_tile(t);
    memset(tile->data, 0, sizeof tile->data);
    for (size_t r = 0; r < tile->rows; r++)
        memcpy(tile->data[r], (const char *)base + (long)r * stride, tile->line_bytes);
}

static void amx_store(int t, void *base, long stride)
{
    const struct amx_tile *tile = amx_tile(t);
    for (size_t r = 0; r < tile->rows; r++)
        memcpy((char *)base + (long)r * stride, tile->data[r], tile->line_bytes);
}

static float amx_half(const struct amx_tile *t, size_t row, size_t half)
{
    uint16_t h;
    memcpy(&h, &t->data[row][2 * half], sizeof h);
    const uint32_t bits = (uint32_t)h << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

// Its own function, so that the compiler cannot move arithmetic past the change of MXCSR.
static __attribute__((noinline)) void
amx_multiply_flushed(struct amx_tile *c, const struct amx_tile *a, const struct amx_tile *b)
{
    for (size_t m = 0; m < c->rows; m++)
        for (size_t n = 0; n < c->line_bytes / 4; n++) {
            float sums[2] = {0.0f, 0.0f}, sum;
            for (size_t k = 0; k < a->line_bytes / 2; k++)
                sums[k % 2] = __builtin_fmaf(amx_half(a, m, k), amx_half(b, k / 2, 2 * n + k % 2),
                                             sums[k % 2]);
            memcpy(&sum, &c->data[m][4 * n], sizeof sum);
            sum += sums[0] + sums[1];
            memcpy(&c->data[m][4 * n], &sum, sizeof sum);
        }
}

static void amx_multiply(int c, int a, int b)
{
    struct amx_tile *out = amx_tile(c);
    const struct amx_tile *left = amx_tile(a), *right = amx_tile(b);
    CHECK(c != a && c != b && a != b);
    CHECK(out->rows == left->rows && out->line_bytes == right->line_bytes);
    CHECK(left->line_bytes / 4 == right->rows);
    const unsigned csr = _mm_getcsr();
    _mm_setcsr(0x1f80u | 0x8040u); // round to nearest, no exceptions, FTZ, DAZ
    amx_multiply_flushed(out, left, right);
    _mm_setcsr(csr);
}

static void amx_zero(int t)
{
    memset(amx_tile(t)->data, 0, sizeof amx_tiles[t].data);
}

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbf16ps
#define _tile_loadconfig amx_load_config
#define _tile_release amx_release
#define _tile_loadd amx_load
#define _tile_stored amx_store
#define _tile_zero amx_zero
#define _tile_dpbf16ps amx_multiply
