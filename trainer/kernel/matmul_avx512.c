// 8 x 32 tiles in 16 registers. For bf16 the even chain of a group goes first, is parked on the
// stack while the odd chain takes the same registers, and then c takes their sum.
#include <immintrin.h>

#include "trainer/kernel/matmul_tile.h"
#include "trainer/kernel/pack_avx512.h"

enum {
    ROWS = 6,
    COLUMNS = 32,
    LANES = 16,
    K_CHUNK = 256,
    AHEAD = 4 * ROWS * MATMUL_GROUP,
    HALF = MATMUL_GROUP / 2
};

#define EACH_ROW(X) X(0) X(1) X(2) X(3) X(4) X(5)

struct tile {
    __m512 left[ROWS], right[ROWS];
};

// t + a * b over n_k; a [ROWS][32], b [n_k][COLUMNS].
static inline __attribute__((always_inline)) struct tile multiply_add(struct tile t, const float *a,
                                                                      const float *b, size_t n_k)
{
    for (size_t k = 0; k < n_k; k++) {
        const __m512 left = _mm512_load_ps(b + k * COLUMNS);
        const __m512 right = _mm512_load_ps(b + k * COLUMNS + LANES);
#define STEP(r)                                                   \
    {                                                             \
        const __m512 x = _mm512_set1_ps(a[r * MATMUL_GROUP + k]); \
        t.left[r] = _mm512_fmadd_ps(x, left, t.left[r]);          \
        t.right[r] = _mm512_fmadd_ps(x, right, t.right[r]);       \
    }
        EACH_ROW(STEP)
#undef STEP
    }
    return t;
}

static inline __attribute__((always_inline)) struct tile zero(void)
{
    struct tile t;
#define ZERO(r) t.left[r] = t.right[r] = _mm512_setzero_ps();
    EACH_ROW(ZERO)
#undef ZERO
    return t;
}

static inline __attribute__((always_inline)) struct tile read_tile(const float *c)
{
    struct tile t;
#define READ(r)                                  \
    t.left[r] = _mm512_load_ps(c + r * COLUMNS); \
    t.right[r] = _mm512_load_ps(c + r * COLUMNS + LANES);
    EACH_ROW(READ)
#undef READ
    return t;
}

static inline __attribute__((always_inline)) void write_tile(struct tile t, float *c)
{
#define WRITE(r)                                 \
    _mm512_store_ps(c + r * COLUMNS, t.left[r]); \
    _mm512_store_ps(c + r * COLUMNS + LANES, t.right[r]);
    EACH_ROW(WRITE)
#undef WRITE
}

static inline __attribute__((always_inline)) struct tile add(struct tile t, struct tile u)
{
#define ADD(r)                                       \
    t.left[r] = _mm512_add_ps(t.left[r], u.left[r]); \
    t.right[r] = _mm512_add_ps(t.right[r], u.right[r]);
    EACH_ROW(ADD)
#undef ADD
    return t;
}

// A panel lies in the second- or third-level cache: without this a product with long k is a third
// slower. (always_inline: see pack_prefetch.)
static inline __attribute__((always_inline)) void prefetch_group(const float *a)
{
    for (size_t i = 0; i < ROWS * MATMUL_GROUP; i += LANES)
        _mm_prefetch((const char *)(a + i), _MM_HINT_T0);
}

static void multiply_f32(const void *panel, const void *strip, float *c, size_t n_strips,
                         size_t n_k)
{
    const float *a = panel;
    for (size_t s = 0; s < n_strips; s++, c += ROWS * COLUMNS) {
        const float *b = strip;
        struct tile t = read_tile(c);
        for (size_t k = 0; k < n_k; k += MATMUL_GROUP) {
            prefetch_group(a + AHEAD);
            t = multiply_add(t, a, b, size_min(n_k - k, MATMUL_GROUP));
            a += ROWS * MATMUL_GROUP;
            b += MATMUL_GROUP * COLUMNS;
        }
        write_tile(t, c);
    }
}

// c + the products of one group: both chains side by side, then their sum.
static inline __attribute__((always_inline)) void multiply_group(const float *a, const float *b,
                                                                 float *c)
{
    struct tile even = zero(), odd = zero();
    for (size_t k = 0; k < HALF; k++) {
        const __m512 even_left = _mm512_load_ps(b + k * COLUMNS);
        const __m512 even_right = _mm512_load_ps(b + k * COLUMNS + LANES);
        const __m512 odd_left = _mm512_load_ps(b + (HALF + k) * COLUMNS);
        const __m512 odd_right = _mm512_load_ps(b + (HALF + k) * COLUMNS + LANES);
#define STEP(r)                                                          \
    {                                                                    \
        const __m512 x = _mm512_set1_ps(a[r * MATMUL_GROUP + k]);        \
        const __m512 y = _mm512_set1_ps(a[r * MATMUL_GROUP + HALF + k]); \
        even.left[r] = _mm512_fmadd_ps(x, even_left, even.left[r]);      \
        even.right[r] = _mm512_fmadd_ps(x, even_right, even.right[r]);   \
        odd.left[r] = _mm512_fmadd_ps(y, odd_left, odd.left[r]);         \
        odd.right[r] = _mm512_fmadd_ps(y, odd_right, odd.right[r]);      \
    }
        EACH_ROW(STEP)
#undef STEP
    }
    write_tile(add(read_tile(c), add(even, odd)), c);
}

static void multiply_bf16(const void *panel, const void *strip, float *c, size_t n_strips,
                          size_t n_k)
{
    const size_t n_groups = size_ceil_div(n_k, MATMUL_GROUP);
    const float *a = panel;
    for (size_t s = 0; s < n_strips; s++, c += ROWS * COLUMNS) {
        const float *b = strip;
        for (size_t g = 0; g < n_groups; g++) {
            prefetch_group(a + AHEAD);
            multiply_group(a, b, c);
            a += ROWS * MATMUL_GROUP;
            b += MATMUL_GROUP * COLUMNS;
        }
    }
}

static inline size_t past(size_t n, size_t first)
{
    return n > first ? n - first : 0;
}

// A tile of rows r .. r + 15 into the strips they belong to; rows past the last strip fall away.
static inline void put_rows(const struct pack_tile *t, bool narrow, float *group,
                            size_t strip_elems, size_t r, size_t padded_rows)
{
    const size_t n = size_min(padded_rows - r, PACK_TILE);
    for (size_t y = 0; y < n; y++) {
        float *line = group + (r + y) / ROWS * strip_elems + (r + y) % ROWS * MATMUL_GROUP;
        _mm512_store_ps(line, narrow ? pack_even(t->v[y]) : _mm512_castsi512_ps(t->v[y]));
        if (narrow) _mm512_store_ps(line + HALF, pack_odd(t->v[y]));
    }
}

static void pack_a(const struct matmul *m, size_t i, size_t n_rows, size_t k, size_t n_k, void *to)
{
    const struct pack_operand o = pack_operand_a(m);
    const bool narrow = m->type == DTYPE_BF16;
    const size_t padded_rows = size_ceil_div(n_rows, ROWS) * ROWS;
    const size_t padded_k = size_align(n_k, MATMUL_GROUP);
    const size_t step = narrow ? MATMUL_GROUP : LANES;
    for (size_t r = 0; r < padded_rows; r += PACK_TILE)
        for (size_t x = 0; x < padded_k; x += step) {
            const struct pack_window w = {i + r, past(n_rows, r), k + x, past(n_k, x)};
            const struct pack_tile t = pack_by_rows(&o, w);
            pack_prefetch(&o, w, PACK_TILE);
            float *group = (float *)to + x / MATMUL_GROUP * ROWS * MATMUL_GROUP + x % MATMUL_GROUP;
            put_rows(&t, narrow, group, ROWS * padded_k, r, padded_rows);
        }
}

// bf16 whose columns lie side by side: k by k, no transposition.
static void pack_b_lines(const struct pack_operand *o, struct pack_window w, float *to)
{
    const uint16_t *from = (const uint16_t *)(const void *)pack_at(o, w);
    const __mmask16 left = (__mmask16)pack_mask(w.n_rows);
    const __mmask16 right = (__mmask16)pack_mask(past(w.n_rows, LANES));
    for (size_t x = 0; x < size_align(w.n_k, MATMUL_GROUP); x++, from += o->k_stride) {
        const size_t slot = x / MATMUL_GROUP * MATMUL_GROUP + matmul_tile_slot(DTYPE_BF16, x % 32);
        const bool exists = x < w.n_k;
        const __m256i l = _mm256_maskz_loadu_epi16(exists ? left : 0, from);
        const __m256i r = _mm256_maskz_loadu_epi16(exists ? right : 0, from + LANES);
        _mm_prefetch((const char *)(from + COLUMNS), _MM_HINT_T1);
        _mm512_store_ps(to + slot * COLUMNS, pack_even(_mm512_cvtepu16_epi32(l)));
        _mm512_store_ps(to + slot * COLUMNS + LANES, pack_even(_mm512_cvtepu16_epi32(r)));
    }
}

static void pack_b_tiles(const struct pack_operand *o, struct pack_window whole, float *to)
{
    const bool narrow = o->type == DTYPE_BF16;
    const size_t step = narrow ? MATMUL_GROUP : LANES;
    for (size_t c = 0; c < COLUMNS; c += PACK_TILE)
        for (size_t x = 0; x < size_align(whole.n_k, MATMUL_GROUP); x += step) {
            const struct pack_window w = {whole.row + c, past(whole.n_rows, c), whole.k + x,
                                          past(whole.n_k, x)};
            const struct pack_tile t = pack_by_k(o, w);
            pack_prefetch(o, w, COLUMNS);
            float *line = to + x * COLUMNS + c;
            for (size_t y = 0; y < PACK_TILE; y++, line += COLUMNS) {
                _mm512_store_ps(line, narrow ? pack_even(t.v[y]) : _mm512_castsi512_ps(t.v[y]));
                if (narrow) _mm512_store_ps(line + HALF * COLUMNS, pack_odd(t.v[y]));
            }
        }
}

static void pack_b(const struct matmul *m, size_t j, size_t n_columns, size_t k, size_t n_k,
                   void *to)
{
    const struct pack_operand o = pack_operand_b(m);
    const struct pack_window w = {j, n_columns, k, n_k};
    if (m->type == DTYPE_BF16 && !pack_k_adjacent(&o))
        pack_b_lines(&o, w, to);
    else
        pack_b_tiles(&o, w, to);
}

static size_t spin(size_t n_fmas)
{
    const size_t n = n_fmas / (ROWS * COLUMNS);
    const __m512 half = _mm512_set1_ps(0.5f), one = _mm512_set1_ps(1.0f);
    _Alignas(64) float sums[ROWS * COLUMNS];
    for (size_t i = 0; i < ROWS * COLUMNS; i++)
        sums[i] = (float)i; // all different, or compilers would keep only one chain
    struct tile t = read_tile(sums);
    for (size_t i = 0; i < n; i++) {
#define SPIN(r)                                        \
    t.left[r] = _mm512_fmadd_ps(t.left[r], half, one); \
    t.right[r] = _mm512_fmadd_ps(t.right[r], half, one);
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

const struct matmul_kernel matmul_avx512_f32 = MATMUL_TILE_KERNEL(4, 25, multiply_f32);
const struct matmul_kernel matmul_avx512_bf16 = MATMUL_TILE_KERNEL(4, 25, multiply_bf16);
