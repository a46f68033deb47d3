// Packed strips in plain C, one element after another: what runs on any CPU, and under valgrind.
#include "trainer/kernel/matmul_tile.h"

enum { ROWS = 4, COLUMNS = 8, K_CHUNK = 256, HALF = MATMUL_GROUP / 2 };

static void multiply_f32(const void *panel, const void *strip, float *c, size_t n_strips,
                         size_t n_k)
{
    const float *b = strip;
    for (size_t r = 0; r < n_strips * ROWS; r++, c += COLUMNS) {
        const float *a = (const float *)panel + r / ROWS * ROWS * size_align(n_k, MATMUL_GROUP) +
                         r % ROWS * MATMUL_GROUP;
        for (size_t k = 0; k < n_k; k++) {
            const float x = a[k / MATMUL_GROUP * ROWS * MATMUL_GROUP + k % MATMUL_GROUP];
            for (size_t j = 0; j < COLUMNS; j++)
                c[j] = vmath_fma(x, b[k * COLUMNS + j], c[j]);
        }
    }
}

// Sum over half a group, from 0.
static float chain(const float *a, const float *b)
{
    float sum = 0.0f;
    for (size_t k = 0; k < HALF; k++)
        sum = matmul_fma_flush(matmul_flush(a[k]), matmul_flush(b[k * COLUMNS]), sum);
    return sum;
}

static void multiply_bf16(const void *panel, const void *strip, float *c, size_t n_strips,
                          size_t n_k)
{
    const size_t n_groups = size_ceil_div(n_k, MATMUL_GROUP);
    const float *a = panel;
    for (size_t s = 0; s < n_strips; s++, c += ROWS * COLUMNS) {
        const float *b = strip;
        for (size_t g = 0; g < n_groups; g++, b += MATMUL_GROUP * COLUMNS)
            for (size_t r = 0; r < ROWS; r++, a += MATMUL_GROUP)
                for (size_t j = 0; j < COLUMNS; j++) {
                    const float even = chain(a, b + j);
                    const float odd = chain(a + HALF, b + HALF * COLUMNS + j);
                    float *sum = c + r * COLUMNS + j;
                    *sum = matmul_add_flush(*sum, matmul_add_flush(even, odd));
                }
    }
}

static size_t spin(size_t n_fmas)
{
    float sums[COLUMNS];
    for (size_t j = 0; j < COLUMNS; j++)
        sums[j] = (float)j; // all different, or compilers would keep only one chain
    const size_t n = n_fmas / COLUMNS;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < COLUMNS; j++)
            sums[j] = vmath_fma(sums[j], 0.5f, 1.0f);
    volatile float keep = 0.0f;
    for (size_t j = 0; j < COLUMNS; j++)
        keep = keep + sums[j];
    return n * COLUMNS;
}

static void pack_a(const struct matmul *m, size_t i, size_t n_rows, size_t k, size_t n_k, void *to)
{
    matmul_tile_pack_a(m, m->type, i, n_rows, k, n_k, to, ROWS);
}

static void pack_b(const struct matmul *m, size_t j, size_t n_columns, size_t k, size_t n_k,
                   void *to)
{
    matmul_tile_pack_b(m, m->type, j, n_columns, k, n_k, to, COLUMNS);
}

#include "trainer/kernel/matmul_tile_body.h"

const struct matmul_kernel matmul_scalar_f32 = MATMUL_TILE_KERNEL(4, 20, multiply_f32);
const struct matmul_kernel matmul_scalar_bf16 = MATMUL_TILE_KERNEL(4, 17, multiply_bf16);
