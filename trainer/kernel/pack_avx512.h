#pragma once
// Tiles of 16 x 16 double words on the way into packed strips, for files compiled with AVX-512. A
// double word is an f32, or a pair of bf16 with neighbouring k (the even k in the lower half, as
// AMX wants it). Edges are loaded under masks, so nothing outside the operand is touched.

#include <immintrin.h>
#include <stdbool.h>

#include "base/size.h"
#include "trainer/kernel/matmul_kernel.h"

enum { PACK_TILE = 16 };

#define PACK_EACH(X) \
    X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)

// One operand of a product, seen from matmul.h. Strides in elements.
struct pack_operand {
    const char *data;
    enum dtype type;
    size_t row_stride, k_stride;
};

// Rows and k that a tile covers; at the edges n_rows < 16, or n_k less than the tile's.
struct pack_window {
    size_t row, n_rows, k, n_k;
};

struct pack_tile {
    __m512i v[PACK_TILE];
};

static inline struct pack_operand pack_operand_a(const struct matmul *m)
{
    return (struct pack_operand){m->a, m->type, m->a_row_stride, m->a_k_stride};
}

static inline struct pack_operand pack_operand_b(const struct matmul *m)
{
    return (struct pack_operand){m->b, m->type, m->b_row_stride, m->b_k_stride};
}

// The lowest n of 32 bits; n may be more.
static inline uint32_t pack_mask(size_t n)
{
    return n >= 32 ? 0xffffffffu : (1u << n) - 1u;
}

static inline const char *pack_at(const struct pack_operand *o, struct pack_window w)
{
    return o->data + (w.row * o->row_stride + w.k * o->k_stride) * dtype_bytes(o->type);
}

// 16 lines of 64 bytes, `stride` apart, of which the first n_lines exist; mask is of bf16 or f32.
static inline struct pack_tile pack_lines(const struct pack_operand *o, struct pack_window w,
                                          size_t stride, size_t n_lines, uint32_t mask)
{
    const char *p = pack_at(o, w);
    const size_t step = stride * dtype_bytes(o->type);
    const bool narrow = o->type == DTYPE_BF16;
    struct pack_tile t;
#define LOAD(x)                                                                   \
    if (x >= n_lines)                                                             \
        t.v[x] = _mm512_setzero_si512();                                          \
    else                                                                          \
        t.v[x] = narrow ? _mm512_maskz_loadu_epi16((__mmask32)mask, p + x * step) \
                        : _mm512_maskz_loadu_epi32((__mmask16)mask, p + x * step);
    PACK_EACH(LOAD)
#undef LOAD
    return t;
}

// Two lines of 16 bf16 side by side, as 16 pairs.
static inline __m512i pack_pair(const char *even, const char *odd, __mmask16 mask, size_t n_k)
{
    const __m256i none = _mm256_setzero_si256();
    const __m256i low = n_k > 0 ? _mm256_maskz_loadu_epi16(mask, even) : none;
    const __m256i high = n_k > 1 ? _mm256_maskz_loadu_epi16(mask, odd) : none;
    return _mm512_or_si512(_mm512_cvtepu16_epi32(low),
                           _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

// [pair of k][row] of an operand whose rows lie side by side; 32 k.
static inline struct pack_tile pack_pairs(const struct pack_operand *o, struct pack_window w)
{
    const char *p = pack_at(o, w);
    const size_t step = o->k_stride * dtype_bytes(o->type);
    const __mmask16 mask = (__mmask16)pack_mask(w.n_rows);
    struct pack_tile t;
#define LOAD(x)                                                        \
    t.v[x] = pack_pair(p + 2 * x * step, p + (2 * x + 1) * step, mask, \
                       w.n_k > 2 * x ? w.n_k - 2 * x : 0);
    PACK_EACH(LOAD)
#undef LOAD
    return t;
}

static inline struct pack_tile pack_transpose(struct pack_tile t)
{
    struct pack_tile u = t, out = t;
    for (int q = 0; q < PACK_TILE; q += 4) { // 4 x 4 within 128-bit lanes: column 4 lane + x
        const __m512i a = _mm512_unpacklo_epi32(t.v[q], t.v[q + 1]);
        const __m512i b = _mm512_unpackhi_epi32(t.v[q], t.v[q + 1]);
        const __m512i c = _mm512_unpacklo_epi32(t.v[q + 2], t.v[q + 3]);
        const __m512i d = _mm512_unpackhi_epi32(t.v[q + 2], t.v[q + 3]);
        u.v[q] = _mm512_unpacklo_epi64(a, c);
        u.v[q + 1] = _mm512_unpackhi_epi64(a, c);
        u.v[q + 2] = _mm512_unpacklo_epi64(b, d);
        u.v[q + 3] = _mm512_unpackhi_epi64(b, d);
    }
    for (int x = 0; x < 4; x++) { // then lanes
        const __m512i a = _mm512_shuffle_i32x4(u.v[x], u.v[x + 4], 0x88);
        const __m512i b = _mm512_shuffle_i32x4(u.v[x], u.v[x + 4], 0xdd);
        const __m512i c = _mm512_shuffle_i32x4(u.v[x + 8], u.v[x + 12], 0x88);
        const __m512i d = _mm512_shuffle_i32x4(u.v[x + 8], u.v[x + 12], 0xdd);
        out.v[x] = _mm512_shuffle_i32x4(a, c, 0x88);
        out.v[x + 4] = _mm512_shuffle_i32x4(b, d, 0x88);
        out.v[x + 8] = _mm512_shuffle_i32x4(a, c, 0xdd);
        out.v[x + 12] = _mm512_shuffle_i32x4(b, d, 0xdd);
    }
    return out;
}

static inline bool pack_k_adjacent(const struct pack_operand *o)
{
    return o->k_stride == 1;
}

/// Tile by rows: bf16 [row][pair of 32 k], f32 [row][16 k].
static inline struct pack_tile pack_by_rows(const struct pack_operand *o, struct pack_window w)
{
    if (pack_k_adjacent(o)) return pack_lines(o, w, o->row_stride, w.n_rows, pack_mask(w.n_k));
    if (o->type == DTYPE_BF16) return pack_transpose(pack_pairs(o, w));
    return pack_transpose(pack_lines(o, w, o->k_stride, w.n_k, pack_mask(w.n_rows)));
}

/// Tile by k: bf16 [pair of 32 k][row], f32 [16 k][row].
static inline struct pack_tile pack_by_k(const struct pack_operand *o, struct pack_window w)
{
    if (pack_k_adjacent(o))
        return pack_transpose(pack_lines(o, w, o->row_stride, w.n_rows, pack_mask(w.n_k)));
    if (o->type == DTYPE_BF16) return pack_pairs(o, w);
    return pack_lines(o, w, o->k_stride, w.n_k, pack_mask(w.n_rows));
}

/// The even and the odd bf16 of pairs as f32.
static inline __m512 pack_even(__m512i pairs)
{
    return _mm512_castsi512_ps(_mm512_slli_epi32(pairs, 16));
}

static inline __m512 pack_odd(__m512i pairs)
{
    return _mm512_castsi512_ps(_mm512_and_si512(pairs, _mm512_set1_epi32((int)0xffff0000u)));
}

/// Asks for what a tile `rows_ahead` rows further on will read, into the second-level cache: the
/// lines of a tile are too far apart for the hardware to foresee. (always_inline: gcc 12 takes a
/// function that only prefetches for one without effect, and drops the call.)
static inline __attribute__((always_inline)) void
pack_prefetch(const struct pack_operand *o, struct pack_window w, size_t rows_ahead)
{
    const bool k_adjacent = pack_k_adjacent(o);
    const size_t step = (k_adjacent ? o->row_stride : o->k_stride) * dtype_bytes(o->type);
    const size_t n_lines = o->type == DTYPE_BF16 && !k_adjacent ? 2 * PACK_TILE : PACK_TILE;
    w.row += rows_ahead;
    const char *p = pack_at(o, w);
    for (size_t x = 0; x < n_lines; x++)
        _mm_prefetch(p + x * step, _MM_HINT_T1);
}
