// Both passes with 256-bit vectors. See resize_pass.h for the two parts of a weight.

#include <immintrin.h>
#include <string.h>

#include "shard/image/resize_pass.h"

#define AVX2 __attribute__((target("avx2")))

enum { TAPS = 4, BYTES = 32 };

static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

AVX2 static inline __m256i join(__m256i high, __m256i low)
{
    return _mm256_add_epi32(_mm256_slli_epi32(high, RESIZE_LOW_BITS), low);
}

// Each half of a vector holds the sums of two taps for r, g, b and nothing.
AVX2 static inline void put_pixel(__m256i high, __m256i low, uint8_t *out)
{
    const __m256i part = join(high, low);
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(part), _mm256_extracti128_si256(part, 1));
    sum = _mm_add_epi32(sum, _mm_set1_epi32(1 << (RESIZE_BITS - 1)));
    sum = _mm_srai_epi32(sum, RESIZE_BITS);
    sum = _mm_packs_epi32(sum, sum);
    const uint32_t rgb = (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
    memcpy(out, &rgb, 3);
}

// Two weights, for taps 0 and 1 in the low half of the vector and 2 and 3 in the high half.
AVX2 static inline __m256i spread(const int16_t *weights)
{
    const __m128i four = _mm_loadl_epi64((const __m128i *)(const void *)weights);
    return _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(four),
                                       _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1));
}

// Four pixels as 16-bit numbers: r0 r1 g0 g1 b0 b1 - -, and the same of pixels 2 and 3.
AVX2 static inline __m256i load_pixels(const uint8_t *at)
{
    const __m256i twice =
        _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)at));
    const __m256i order =
        _mm256_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1, 6, -1, 9, -1, 7,
                         -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    return _mm256_shuffle_epi8(twice, order);
}

AVX2 static void rows_avx2(const struct resize_taps *taps, const uint8_t *const in[RESIZE_ROWS],
                           uint8_t *const out[RESIZE_ROWS])
{
    for (uint32_t x = 0; x < taps->n; x++) {
        const int16_t *high = taps->high + (size_t)x * taps->stride;
        const int16_t *low = taps->low + (size_t)x * taps->stride;
        __m256i sum_high[RESIZE_ROWS], sum_low[RESIZE_ROWS];
        for (int r = 0; r < RESIZE_ROWS; r++)
            sum_high[r] = sum_low[r] = _mm256_setzero_si256();
        for (uint32_t i = 0; i < taps->count[x]; i += TAPS) {
            const __m256i k_high = spread(high + i), k_low = spread(low + i);
            const size_t at = (size_t)(taps->first[x] + i) * 3;
            for (int r = 0; r < RESIZE_ROWS; r++) {
                const __m256i pixels = load_pixels(in[r] + at);
                sum_high[r] = _mm256_add_epi32(sum_high[r], _mm256_madd_epi16(pixels, k_high));
                sum_low[r] = _mm256_add_epi32(sum_low[r], _mm256_madd_epi16(pixels, k_low));
            }
        }
        for (int r = 0; r < RESIZE_ROWS; r++)
            put_pixel(sum_high[r], sum_low[r], out[r] + (size_t)x * 3);
    }
}

// Adds two taps of 32 bytes: a from one row, b from the next, times their weights.
AVX2 static inline void add_pair(__m256i a, __m256i b, __m256i k_high, __m256i k_low,
                                 __m256i high[4], __m256i low[4])
{
    const __m256i zero = _mm256_setzero_si256();
    const __m256i first = _mm256_unpacklo_epi8(a, b), second = _mm256_unpackhi_epi8(a, b);
    const __m256i pair[4] = {_mm256_unpacklo_epi8(first, zero), _mm256_unpackhi_epi8(first, zero),
                             _mm256_unpacklo_epi8(second, zero),
                             _mm256_unpackhi_epi8(second, zero)};
    for (int i = 0; i < 4; i++) {
        high[i] = _mm256_add_epi32(high[i], _mm256_madd_epi16(pair[i], k_high));
        low[i] = _mm256_add_epi32(low[i], _mm256_madd_epi16(pair[i], k_low));
    }
}

AVX2 static inline __m256i load_pair(const int16_t *weights)
{
    int32_t pair;
    memcpy(&pair, weights, sizeof pair);
    return _mm256_set1_epi32(pair);
}

// Bytes [x, x + 32) of output row y. An odd tap is paired with its own row, of weight 0.
AVX2 static inline void column_bytes(const struct resize_taps *taps, uint32_t y, const uint8_t *in,
                                     size_t row_bytes, size_t x, uint8_t *out)
{
    const int16_t *k_high = taps->high + (size_t)y * taps->stride;
    const int16_t *k_low = taps->low + (size_t)y * taps->stride;
    const uint8_t *at = in + (size_t)taps->first[y] * row_bytes + x;
    __m256i high[4], low[4];
    for (int i = 0; i < 4; i++)
        high[i] = low[i] = _mm256_setzero_si256();
    for (uint32_t i = 0; i < taps->count[y]; i += 2, at += 2 * row_bytes) {
        const uint8_t *next = i + 1 < taps->count[y] ? at + row_bytes : at;
        add_pair(_mm256_loadu_si256((const __m256i *)(const void *)at),
                 _mm256_loadu_si256((const __m256i *)(const void *)next), load_pair(k_high + i),
                 load_pair(k_low + i), high, low);
    }
    const __m256i half = _mm256_set1_epi32(1 << (RESIZE_BITS - 1));
    for (int i = 0; i < 4; i++)
        high[i] = _mm256_srai_epi32(_mm256_add_epi32(join(high[i], low[i]), half), RESIZE_BITS);
    const __m256i bytes = _mm256_packus_epi16(_mm256_packs_epi32(high[0], high[1]),
                                              _mm256_packs_epi32(high[2], high[3]));
    _mm256_storeu_si256((__m256i *)(void *)(out + x), bytes);
}

// The last vector overlaps the one before it; rows shorter than a vector are left to plain C.
AVX2 static void column_avx2(const struct resize_taps *taps, uint32_t y, const uint8_t *in,
                             size_t row_bytes, uint8_t *out)
{
    if (row_bytes < BYTES) {
        resize_column_scalar(taps, y, in, row_bytes, 0, out);
        return;
    }
    for (size_t x = 0; x + BYTES <= row_bytes; x += BYTES)
        column_bytes(taps, y, in, row_bytes, x, out);
    if (row_bytes % BYTES) column_bytes(taps, y, in, row_bytes, row_bytes - BYTES, out);
}

const struct resize_kernel resize_kernel_avx2 = {"avx2", has_avx2, rows_avx2, column_avx2};
