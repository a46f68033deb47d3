#pragma once
// The end of each matmul_<isa>.c, which includes this when ROWS, COLUMNS, K_CHUNK, pack_a, pack_b
// and spin are there: how tiles of that size come from and go to `out`, and a row of its table.

#include "trainer/kernel/matmul_tile.h"

static void load(const struct matmul *m, size_t i, size_t j, float *c)
{
    matmul_tile_load(m, i, j, c, ROWS, COLUMNS);
}

static void store(const struct matmul *m, size_t i, size_t j, const float *c)
{
    matmul_tile_store(m, i, j, c, ROWS, COLUMNS);
}

#define MATMUL_TILE_KERNEL(bytes, fmas_log2, multiplier)                             \
    {                                                                                \
        .rows = ROWS, .columns = COLUMNS, .k_chunk = K_CHUNK, .elem_bytes = (bytes), \
        .task_fmas = (size_t)1 << (fmas_log2), .pack_a = pack_a, .pack_b = pack_b,   \
        .multiply = (multiplier), .load = load, .store = store, .spin = spin,        \
    }
