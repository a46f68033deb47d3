// 6 x 16 tiles in 12 registers; bf16 as in matmul_avx512.c.
#include <immintrin.h>

#include "trainer/kernel/matmul_tile.h"

enum { ROWS = 6, COLUMNS = 16, LANES = 8, K_CHUNK = 256, HALF = MATMUL_GROUP / 2 };

#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)

struct tile {
    __m256 left[ROWS], right[ROWS];
};

// t + a * b over n_k; a [ROWS][32], b [n_k][COLUMNS].
static inline __attribute__((always_inline)) struct tile multiply_add(struct tile t, const float *a,
                                                                      const float *b, size_t n_k)
{
    for (size_t k = 0; k < n_k; k++) {
        const __m256 left = _mm256_load_ps(b + k * COLUMNS);
        const __m256 right = _mm256_load_ps(b + k * COLUMNS + LANES);
#define STEP(r)                                                         \
    {                                                                   \
        const __m256 x = _mm256_broadcast_ss(a + r * MATMUL_GROUP + k); \
        t.left[r] = _mm256_fmadd_ps(x, left, t.left[r]);                \
        t.right[r] = _mm256_fmadd_ps(x, right, t.right[r]);             \
    }
        EACH_ROW(STEP)
#undef STEP
    }
    return t;
}

static inline __attribute__((always_inline)) struct tile zero(void)
{
    struct tile t;
#define ZERO(r) t.left[r] = t.right[r] = _mm256_setzero_ps();
    EACH_ROW(ZERO)
#undef ZERO
    return t;
}

static inline __attribute__((always_inline)) struct tile read_tile(const float *c)
{
    struct tile t;
#define READ(r)                                  \
    t.left[r] = _mm256_load_ps(c + r * COLUMNS); \
    t.right[r] = _mm256_load_ps(c + r * COLUMNS + LANES);
    EACH_ROW(READ)
#undef READ
    return t;
}

static inline __attribute__((always_inline)) void write_tile(struct tile t, float *c)
{
#define WRITE(r)                                 \
    _mm256_store_ps(c + r * COLUMNS, t.left[r]); \
    _mm256_store_ps(c + r * COLUMNS + LANES, t.right[r]);
    EACH_ROW(WRITE)
#undef WRITE
}

static inline __attribute__((always_inline)) struct tile add(struct tile t, struct tile u)
{
#define ADD(r)                                       \
    t.left[r] = _mm256_add_ps(t.left[r], u.left[r]); \
    t.right[r] = _mm256_add_ps(t.right[r], u.right[r]);
    EACH_ROW(ADD)
#undef ADD
    return t;
}

static void multiply_f32(const void *panel, const void *strip, float *c, size_t n_strips,
                         size_t n_k)
{
    const float *a = panel;
    for (size_t s = 0; s < n_strips; s++, c += ROWS * COLUMNS) {
        const float *b = strip;
        struct tile t = read_tile(c);
        for (size_t k = 0; k < n_k; k += MATMUL_GROUP) {
            t = multiply_add(t, a, b, size_min(n_k - k, MATMUL_GROUP));
            a += ROWS * MATMUL_GROUP;
            b += MATMUL_GROUP * COLUMNS;
        }
        write_tile(t, c);
    }
}

static void multiply_bf16(const void *panel, const void *strip, float *c, size_t n_strips,
                          size_t n_k)
{
    const size_t n_groups = size_ceil_div(n_k, MATMUL_GROUP);
    const float *a = panel;
    _Alignas(64) float parked[ROWS * COLUMNS];
    for (size_t s = 0; s < n_strips; s++, c += ROWS * COLUMNS) {
        const float *b = strip;
        for (size_t g = 0; g < n_groups; g++) {
            write_tile(multiply_add(zero(), a, b, HALF), parked);
            const struct tile odd = multiply_add(zero(), a + HALF, b + HALF * COLUMNS, HALF);
            write_tile(add(read_tile(c), add(read_tile(parked), odd)), c);
            a += ROWS * MATMUL_GROUP;
            b += MATMUL_GROUP * COLUMNS;
        }
    }
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

static size_t spin(size_t n_fmas)
{
    const size_t n = n_fmas / (ROWS * COLUMNS);
    const __m256 half = _mm256_set1_ps(0.5f), one = _mm256_set1_ps(1.0f);
    _Alignas(64) float sums[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        sums[i] = (float)i; // all different, or compilers would keep only one chain
    struct tile t = read_tile(sums);
    for (size_t i = 0; i < n; i++) {
#define SPIN(r)                                        \
    t.left[r] = _mm256_fmadd_ps(t.left[r], half, one); \
    t.right[r] = _mm256_fmadd_ps(t.right[r], half, one);
        EACH_ROW(SPIN)
#undef SPIN
    }
    write_tile(t, sums);
    volatile float keep = 0.0f;
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        keep = keep + sums[i];
    return n * ROWS * COLUMNS;
}

#include "trainer/kernel/matmul_tile_body.h"

const struct matmul_kernel matmul_avx2_f32 = MATMUL_TILE_KERNEL(4, 22, multiply_f32);
const struct matmul_kernel matmul_avx2_bf16 = MATMUL_TILE_KERNEL(4, 22, multiply_bf16);
