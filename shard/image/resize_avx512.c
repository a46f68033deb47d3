// Both passes with 512-bit vectors. See resize_pass.h for the two parts of a weight.

#include <immintrin.h>
#include <string.h>

#include "shard/image/resize_pass.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl")))

enum { TAPS = 8, BYTES = 64 };

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl");
}

AVX512 static inline __m512i join(__m512i high, __m512i low)
{
    return _mm512_add_epi32(_mm512_slli_epi32(high, RESIZE_LOW_BITS), low);
}

// Each quarter of a vector holds the sums of two taps for r, g, b and nothing.
AVX512 static inline void put_pixel(__m512i high, __m512i low, uint8_t *out)
{
    const __m512i part = join(high, low);
    const __m256i half =
        _mm256_add_epi32(_mm512_castsi512_si256(part), _mm512_extracti64x4_epi64(part, 1));
    __m128i sum = _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256(half, 1));
    sum = _mm_add_epi32(sum, _mm_set1_epi32(1 << (RESIZE_BITS - 1)));
    sum = _mm_srai_epi32(sum, RESIZE_BITS);
    sum = _mm_packs_epi32(sum, sum);
    const uint32_t rgb = (uint32_t)_mm_cvtsi128_si32(_mm_packus_epi16(sum, sum));
    memcpy(out, &rgb, 3);
}

// Two weights in each quarter, for taps 0 and 1, 2 and 3, 4 and 5, 6 and 7.
AVX512 static inline __m512i spread(const int16_t *weights)
{
    const __m128i eight = _mm_loadu_si128((const __m128i *)(const void *)weights);
    return _mm512_permutexvar_epi32(
        _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3),
        _mm512_castsi128_si512(eight));
}

// Eight pixels, two a quarter, as 16-bit numbers: r0 r1 g0 g1 b0 b1 - -. Quarters 1 and 3 begin in
// the middle of a 32-bit word.
AVX512 static inline __m512i load_pixels(const uint8_t *at)
{
    const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)at);
    const __m512i words =
        _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 1, 0, 0, 1, 2, 0, 0, 3, 4, 0, 0, 4, 5, 0, 0),
                                 _mm512_castsi256_si512(bytes));
    const __m128i even = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
    const __m128i odd = _mm_setr_epi8(2, -1, 5, -1, 3, -1, 6, -1, 4, -1, 7, -1, -1, -1, -1, -1);
    const __m256i both = _mm256_inserti128_si256(_mm256_castsi128_si256(even), odd, 1);
    return _mm512_shuffle_epi8(words, _mm512_broadcast_i64x4(both));
}

AVX512 static void rows_avx512(const struct resize_taps *taps, const uint8_t *const in[RESIZE_ROWS],
                               uint8_t *const out[RESIZE_ROWS])
{
    for (uint32_t x = 0; x < taps->n; x++) {
        const int16_t *high = taps->high + (size_t)x * taps->stride;
        const int16_t *low = taps->low + (size_t)x * taps->stride;
        __m512i sum_high[RESIZE_ROWS], sum_low[RESIZE_ROWS];
        for (int r = 0; r < RESIZE_ROWS; r++)
            sum_high[r] = sum_low[r] = _mm512_setzero_si512();
        for (uint32_t i = 0; i < taps->count[x]; i += TAPS) {
            const __m512i k_high = spread(high + i), k_low = spread(low + i);
            const size_t at = (size_t)(taps->first[x] + i) * 3;
            for (int r = 0; r < RESIZE_ROWS; r++) {
                const __m512i pixels = load_pixels(in[r] + at);
                sum_high[r] = _mm512_add_epi32(sum_high[r], _mm512_madd_epi16(pixels, k_high));
                sum_low[r] = _mm512_add_epi32(sum_low[r], _mm512_madd_epi16(pixels, k_low));
            }
        }
        for (int r = 0; r < RESIZE_ROWS; r++)
            put_pixel(sum_high[r], sum_low[r], out[r] + (size_t)x * 3);
    }
}

// Adds two taps of 64 bytes: a from one row, b from the next, times their weights.
AVX512 static inline void add_pair(__m512i a, __m512i b, __m512i k_high, __m512i k_low,
                                   __m512i high[4], __m512i low[4])
{
    const __m512i zero = _mm512_setzero_si512();
    const __m512i first = _mm512_unpacklo_epi8(a, b), second = _mm512_unpackhi_epi8(a, b);
    const __m512i pair[4] = {_mm512_unpacklo_epi8(first, zero), _mm512_unpackhi_epi8(first, zero),
                             _mm512_unpacklo_epi8(second, zero),
                             _mm512_unpackhi_epi8(second, zero)};
    for (int i = 0; i < 4; i++) {
        high[i] = _mm512_add_epi32(high[i], _mm512_madd_epi16(pair[i], k_high));
        low[i] = _mm512_add_epi32(low[i], _mm512_madd_epi16(pair[i], k_low));
    }
}

AVX512 static inline __m512i load_pair(const int16_t *weights)
{
    int32_t pair;
    memcpy(&pair, weights, sizeof pair);
    return _mm512_set1_epi32(pair);
}

// The bytes of mask among [x, x + 64) of output row y. An odd tap is paired with its own row, of
// weight 0.
AVX512 static inline void column_bytes(const struct resize_taps *taps, uint32_t y,
                                       const uint8_t *in, size_t row_bytes, size_t x, uint8_t *out,
                                       __mmask64 mask)
{
    const int16_t *k_high = taps->high + (size_t)y * taps->stride;
    const int16_t *k_low = taps->low + (size_t)y * taps->stride;
    const uint8_t *at = in + (size_t)taps->first[y] * row_bytes + x;
    __m512i high[4], low[4];
    for (int i = 0; i < 4; i++)
        high[i] = low[i] = _mm512_setzero_si512();
    for (uint32_t i = 0; i < taps->count[y]; i += 2, at += 2 * row_bytes) {
        const uint8_t *next = i + 1 < taps->count[y] ? at + row_bytes : at;
        add_pair(_mm512_maskz_loadu_epi8(mask, at), _mm512_maskz_loadu_epi8(mask, next),
                 load_pair(k_high + i), load_pair(k_low + i), high, low);
    }
    const __m512i half = _mm512_set1_epi32(1 << (RESIZE_BITS - 1));
    for (int i = 0; i < 4; i++)
        high[i] = _mm512_srai_epi32(_mm512_add_epi32(join(high[i], low[i]), half), RESIZE_BITS);
    const __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(high[0], high[1]),
                                              _mm512_packs_epi32(high[2], high[3]));
    _mm512_mask_storeu_epi8(out + x, mask, bytes);
}

AVX512 static void column_avx512(const struct resize_taps *taps, uint32_t y, const uint8_t *in,
                                 size_t row_bytes, uint8_t *out)
{
    size_t x = 0;
    for (; x + BYTES <= row_bytes; x += BYTES)
        column_bytes(taps, y, in, row_bytes, x, out, ~(__mmask64)0);
    const size_t rest = row_bytes - x;
    if (rest > 0) column_bytes(taps, y, in, row_bytes, x, out, ((__mmask64)1 << rest) - 1);
}

const struct resize_kernel resize_kernel_avx512 = {"avx512", has_avx512, rows_avx512,
                                                   column_avx512};
