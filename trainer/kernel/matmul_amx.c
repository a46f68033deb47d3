// 32 x 32 of c in four tiles: each pair of tiles of A and of B, loaded once, serves two products.
//
//   A strip  [k / 32][32 rows][32 k] bf16
//   B strip  [k / 32][2][16 pairs of k][16 columns][2] bf16
//
// Tiles are configured at entry and released at exit: nothing else may rely on them. gcc 12
// declares only 8 of the 64 bytes of a configuration as read, hence static const, and tile loads do
// not declare memory at all, hence the fences.
#include <immintrin.h>
#include <stdatomic.h>

#include "trainer/kernel/matmul_tile.h"
#include "trainer/kernel/pack_avx512.h"

enum { ROWS = 32, COLUMNS = 32, TILE = 16, K_CHUNK = 512 };
enum { LINE_BYTES = 64, C_STRIDE = COLUMNS * 4, TILE_FMAS = TILE * TILE * MATMUL_GROUP };
enum { TILE_ELEMS = TILE * MATMUL_GROUP, STRIP_GROUP_ELEMS = 2 * TILE_ELEMS };

struct configuration {
    uint8_t palette, start_row, reserved[14];
    uint16_t line_bytes[16];
    uint8_t rows[16];
};

static const _Alignas(64) struct configuration FULL_TILES = {
    .palette = 1,
    .line_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

static void multiply_strip(const uint16_t *a, const uint16_t *b, float *c, size_t n_groups)
{
    _tile_loadd(0, c, C_STRIDE);
    _tile_loadd(1, c + TILE, C_STRIDE);
    _tile_loadd(2, c + TILE * COLUMNS, C_STRIDE);
    _tile_loadd(3, c + TILE * COLUMNS + TILE, C_STRIDE);
    for (size_t g = 0; g < n_groups; g++, a += STRIP_GROUP_ELEMS, b += STRIP_GROUP_ELEMS) {
        _tile_loadd(4, a, LINE_BYTES);
        _tile_loadd(6, b, LINE_BYTES);
        _tile_loadd(7, b + TILE_ELEMS, LINE_BYTES);
        _tile_loadd(5, a + TILE_ELEMS, LINE_BYTES);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, C_STRIDE);
    _tile_stored(1, c + TILE, C_STRIDE);
    _tile_stored(2, c + TILE * COLUMNS, C_STRIDE);
    _tile_stored(3, c + TILE * COLUMNS + TILE, C_STRIDE);
}

static void multiply(const void *panel, const void *strip, float *c, size_t n_strips, size_t n_k)
{
    const size_t n_groups = size_ceil_div(n_k, MATMUL_GROUP);
    const uint16_t *a = panel;
    _tile_loadconfig(&FULL_TILES);
    atomic_signal_fence(memory_order_seq_cst);
    for (size_t s = 0; s < n_strips; s++, a += n_groups * STRIP_GROUP_ELEMS, c += ROWS * COLUMNS)
        multiply_strip(a, strip, c, n_groups);
    atomic_signal_fence(memory_order_seq_cst);
    _tile_release();
}

static void pack_a(const struct matmul *m, size_t i, size_t n_rows, size_t k, size_t n_k, void *to)
{
    const struct pack_operand o = pack_operand_a(m);
    uint16_t *line = to;
    for (size_t s = 0; s < n_rows; s += ROWS)
        for (size_t x = 0; x < n_k; x += MATMUL_GROUP)
            for (size_t r = s; r < s + ROWS; r += TILE) {
                const struct pack_window w = {i + r, n_rows > r ? n_rows - r : 0, k + x, n_k - x};
                const struct pack_tile t = pack_by_rows(&o, w);
                for (size_t y = 0; y < TILE; y++, line += MATMUL_GROUP)
                    _mm512_store_si512(line, t.v[y]);
            }
}

static void pack_b(const struct matmul *m, size_t j, size_t n_columns, size_t k, size_t n_k,
                   void *to)
{
    const struct pack_operand o = pack_operand_b(m);
    uint16_t *line = to;
    for (size_t x = 0; x < n_k; x += MATMUL_GROUP)
        for (size_t c = 0; c < COLUMNS; c += TILE) {
            const struct pack_window w = {j + c, n_columns > c ? n_columns - c : 0, k + x, n_k - x};
            const struct pack_tile t = pack_by_k(&o, w);
            for (size_t y = 0; y < TILE; y++, line += 2 * TILE)
                _mm512_store_si512(line, t.v[y]);
        }
}

// Zero tiles: as fast as any.
static size_t spin(size_t n_fmas)
{
    const size_t n = n_fmas / (4 * TILE_FMAS);
    _tile_loadconfig(&FULL_TILES);
    _tile_zero(4);
    _tile_zero(5);
    _tile_zero(6);
    _tile_zero(7);
    for (size_t i = 0; i < n; i++) {
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
    _tile_release();
    return n * 4 * TILE_FMAS;
}

#include "trainer/kernel/matmul_tile_body.h"

const struct matmul_kernel matmul_amx_bf16 = MATMUL_TILE_KERNEL(2, 26, multiply);
