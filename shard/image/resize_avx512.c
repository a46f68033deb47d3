// Both passes with 512-bit vectors and VNNI: u8 pixels times the three signed bytes of a weight,
// four taps a multiply-add. See resize_pass.h.

#include <immintrin.h>
#include <string.h>

#include "shard/image/resize_pass.h"

#define AVX512 __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

enum { TAPS = 16, BYTES = 64, ROW_TAPS = 4 };

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
}

// Sums of pixels times each byte of their weights, lowest first.
struct sums {
    __m512i byte[RESIZE_WEIGHT_BYTES];
};

AVX512 static inline struct sums no_sums(void)
{
    const __m512i zero = _mm512_setzero_si512();
    return (struct sums){{zero, zero, zero}};
}

AVX512 static inline void add_taps(struct sums *s, __m512i pixels, const struct sums *weights)
{
    for (int b = 0; b < RESIZE_WEIGHT_BYTES; b++)
        s->byte[b] = _mm512_dpbusd_epi32(s->byte[b], pixels, weights->byte[b]);
}

AVX512 static inline __m512i total(const struct sums *s)
{
    const __m512i high = _mm512_add_epi32(_mm512_slli_epi32(s->byte[2], 8), s->byte[1]);
    return _mm512_add_epi32(_mm512_slli_epi32(high, 8), s->byte[0]);
}

// Sums of 22 fractional bits as whole numbers, rounded.
AVX512 static inline __m512i rounded(__m512i sum)
{
    const __m512i half = _mm512_set1_epi32(1 << (RESIZE_BITS - 1));
    return _mm512_srai_epi32(_mm512_add_epi32(sum, half), RESIZE_BITS);
}

// Four weights' bytes a quarter, the same for r, g and b: taps 0-3, 4-7, 8-11, 12-15.
AVX512 static inline struct sums spread(const struct resize_taps *taps, size_t at)
{
    const __m512i order = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
    struct sums out = no_sums();
    for (int b = 0; b < RESIZE_WEIGHT_BYTES; b++) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(taps->byte[b] + at));
        out.byte[b] = _mm512_permutexvar_epi32(order, _mm512_castsi128_si512(bytes));
    }
    return out;
}

// Sixteen pixels, four a quarter: r r r r g g g g b b b b - - - -.
AVX512 static inline __m512i load_pixels(const uint8_t *at)
{
    const __m512i quarters = _mm512_setr_epi32(0, 1, 2, 0, 3, 4, 5, 0, 6, 7, 8, 0, 9, 10, 11, 0);
    const __m128i order = _mm_setr_epi8(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1);
    const __m512i pixels = _mm512_permutexvar_epi32(quarters, _mm512_loadu_si512(at));
    return _mm512_shuffle_epi8(pixels, _mm512_broadcast_i32x4(order));
}

// The sum of the four quarters of each of four vectors, in one quarter each: r g b - r g b - ...
AVX512 static inline __m512i add_quarters(const __m512i part[RESIZE_ROWS])
{
    const __m512i low = _mm512_add_epi32(_mm512_shuffle_i32x4(part[0], part[1], 0x44),
                                         _mm512_shuffle_i32x4(part[0], part[1], 0xee));
    const __m512i high = _mm512_add_epi32(_mm512_shuffle_i32x4(part[2], part[3], 0x44),
                                          _mm512_shuffle_i32x4(part[2], part[3], 0xee));
    return _mm512_add_epi32(_mm512_shuffle_i32x4(low, high, 0x88),
                            _mm512_shuffle_i32x4(low, high, 0xdd));
}

AVX512 static inline void put_pixels(__m512i sums, uint32_t x, uint8_t *const out[RESIZE_ROWS])
{
    const __m512i pixels = _mm512_max_epi32(rounded(sums), _mm512_setzero_si512());
    uint8_t bytes[16];
    _mm_storeu_si128((__m128i *)(void *)bytes, _mm512_cvtusepi32_epi8(pixels));
    for (int r = 0; r < RESIZE_ROWS; r++)
        memcpy(out[r] + (size_t)x * 3, bytes + 4 * r, 3);
}

AVX512 static void rows_avx512(const struct resize_taps *taps, const uint8_t *const in[RESIZE_ROWS],
                               uint8_t *const out[RESIZE_ROWS])
{
    for (uint32_t x = 0; x < taps->n; x++) {
        struct sums sums[RESIZE_ROWS];
        for (int r = 0; r < RESIZE_ROWS; r++)
            sums[r] = no_sums();
        for (uint32_t i = 0; i < taps->count[x]; i += TAPS) {
            const struct sums weights = spread(taps, (size_t)x * taps->stride + i);
            const size_t at = (size_t)(taps->first[x] + i) * 3;
            for (int r = 0; r < RESIZE_ROWS; r++)
                add_taps(&sums[r], load_pixels(in[r] + at), &weights);
        }
        __m512i part[RESIZE_ROWS];
        for (int r = 0; r < RESIZE_ROWS; r++)
            part[r] = total(&sums[r]);
        put_pixels(add_quarters(part), x, out);
    }
}

// The bytes of mask of four rows from tap i on; a row that is not there is the last one, of weight
// 0.
AVX512 static inline void load_rows(const struct resize_taps *taps, uint32_t y, uint32_t i,
                                    const uint8_t *at, size_t row_bytes, __mmask64 mask,
                                    __m512i row[ROW_TAPS])
{
    const uint32_t last = taps->count[y] - 1 - i;
    for (uint32_t t = 0; t < ROW_TAPS; t++)
        row[t] = _mm512_maskz_loadu_epi8(mask, at + (t < last ? t : last) * row_bytes);
}

// Four rows of 64 bytes as 64 times four taps, in the order in which packs undo it.
AVX512 static inline void interleave(const __m512i row[ROW_TAPS], __m512i out[4])
{
    const __m512i low01 = _mm512_unpacklo_epi8(row[0], row[1]);
    const __m512i low23 = _mm512_unpacklo_epi8(row[2], row[3]);
    const __m512i high01 = _mm512_unpackhi_epi8(row[0], row[1]);
    const __m512i high23 = _mm512_unpackhi_epi8(row[2], row[3]);
    out[0] = _mm512_unpacklo_epi16(low01, low23);
    out[1] = _mm512_unpackhi_epi16(low01, low23);
    out[2] = _mm512_unpacklo_epi16(high01, high23);
    out[3] = _mm512_unpackhi_epi16(high01, high23);
}

AVX512 static inline struct sums load_weights(const struct resize_taps *taps, size_t at)
{
    struct sums out = no_sums();
    for (int b = 0; b < RESIZE_WEIGHT_BYTES; b++) {
        int32_t four;
        memcpy(&four, taps->byte[b] + at, sizeof four);
        out.byte[b] = _mm512_set1_epi32(four);
    }
    return out;
}

// The bytes of mask among [x, x + 64) of output row y.
AVX512 static inline void column_bytes(const struct resize_taps *taps, uint32_t y,
                                       const uint8_t *in, size_t row_bytes, size_t x, uint8_t *out,
                                       __mmask64 mask)
{
    const uint8_t *at = in + (size_t)taps->first[y] * row_bytes + x;
    struct sums sums[4];
    for (int v = 0; v < 4; v++)
        sums[v] = no_sums();
    for (uint32_t i = 0; i < taps->count[y]; i += ROW_TAPS, at += ROW_TAPS * row_bytes) {
        const struct sums weights = load_weights(taps, (size_t)y * taps->stride + i);
        __m512i row[ROW_TAPS], pixels[4];
        load_rows(taps, y, i, at, row_bytes, mask, row);
        interleave(row, pixels);
        for (int v = 0; v < 4; v++)
            add_taps(&sums[v], pixels[v], &weights);
    }
    __m512i value[4];
    for (int v = 0; v < 4; v++)
        value[v] = rounded(total(&sums[v]));
    const __m512i bytes = _mm512_packus_epi16(_mm512_packs_epi32(value[0], value[1]),
                                              _mm512_packs_epi32(value[2], value[3]));
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
