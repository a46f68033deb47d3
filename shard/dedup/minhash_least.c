// x mod 2^61 - 1 for x < 2^64: (x mod 2^61) + (x >> 61) < 2^61 + 7, less the prime if that is not
// below it. Since y - prime wraps to something huge when y < prime, it is min(y, y - prime).

#include "shard/dedup/minhash_least.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

static uint64_t reduce(uint64_t x)
{
    const uint64_t y = (x & MINHASH_PRIME) + (x >> 61), z = y - MINHASH_PRIME;
    return y < z ? y : z;
}

static void least_scalar(const uint64_t *a, const uint64_t *b, size_t n_values,
                         const uint64_t *hashes, size_t n_hashes, uint64_t *least)
{
    for (size_t j = 0; j < n_values; j++)
        for (size_t i = 0; i < n_hashes; i++) {
            const uint64_t value = reduce(a[j] * hashes[i] + b[j]);
            if (value < least[j]) least[j] = value;
        }
}

// a * h mod 2^64 from 32-bit products; a_high is a >> 32.
__attribute__((target("avx2"))) static inline __m256i multiply_avx2(__m256i a, __m256i a_high,
                                                                    __m256i h, __m256i h_high)
{
    const __m256i cross =
        _mm256_add_epi64(_mm256_mul_epu32(a_high, h), _mm256_mul_epu32(a, h_high));
    return _mm256_add_epi64(_mm256_mul_epu32(a, h), _mm256_slli_epi64(cross, 32));
}

// Both are below 2^62 or wrapped above 2^63. Signed: the wrapped ones are negative, so they are
// taken for the smaller ones unless their sign is looked at.
__attribute__((target("avx2"))) static inline __m256i reduce_avx2(__m256i x)
{
    const __m256i prime = _mm256_set1_epi64x((long long)MINHASH_PRIME);
    const __m256i y = _mm256_add_epi64(_mm256_and_si256(x, prime), _mm256_srli_epi64(x, 61));
    const __m256i z = _mm256_sub_epi64(y, prime);
    return _mm256_castpd_si256(
        _mm256_blendv_pd(_mm256_castsi256_pd(z), _mm256_castsi256_pd(y), _mm256_castsi256_pd(z)));
}

__attribute__((target("avx2"))) static void least_avx2(const uint64_t *a, const uint64_t *b,
                                                       size_t n_values, const uint64_t *hashes,
                                                       size_t n_hashes, uint64_t *least)
{
    // Not yet set is UINT64_MAX: as a signed number that would be the least of all.
    const __m256i unset = _mm256_set1_epi64x(-1);
    const __m256i most = _mm256_set1_epi64x((long long)MINHASH_PRIME);
    size_t j = 0;
    for (; j + 4 <= n_values && n_hashes > 0; j += 4) {
        const __m256i aj = _mm256_loadu_si256((const void *)(a + j));
        const __m256i aj_high = _mm256_srli_epi64(aj, 32);
        const __m256i bj = _mm256_loadu_si256((const void *)(b + j));
        __m256i least_j = _mm256_loadu_si256((const void *)(least + j));
        least_j = _mm256_blendv_epi8(least_j, most, _mm256_cmpeq_epi64(least_j, unset));
        for (size_t i = 0; i < n_hashes; i++) {
            const __m256i h = _mm256_set1_epi64x((long long)hashes[i]);
            const __m256i h_high = _mm256_set1_epi64x((long long)(hashes[i] >> 32));
            const __m256i x = _mm256_add_epi64(multiply_avx2(aj, aj_high, h, h_high), bj);
            const __m256i value = reduce_avx2(x);
            least_j = _mm256_blendv_epi8(least_j, value, _mm256_cmpgt_epi64(least_j, value));
        }
        _mm256_storeu_si256((void *)(least + j), least_j);
    }
    least_scalar(a + j, b + j, n_values - j, hashes, n_hashes, least + j);
}

__attribute__((target("avx512f,avx512dq"))) static void
least_avx512(const uint64_t *a, const uint64_t *b, size_t n_values, const uint64_t *hashes,
             size_t n_hashes, uint64_t *least)
{
    const __m512i prime = _mm512_set1_epi64((long long)MINHASH_PRIME);
    size_t j = 0;
    for (; j + 8 <= n_values; j += 8) {
        const __m512i aj = _mm512_loadu_si512(a + j), bj = _mm512_loadu_si512(b + j);
        __m512i least_j = _mm512_loadu_si512(least + j);
        for (size_t i = 0; i < n_hashes; i++) {
            const __m512i h = _mm512_set1_epi64((long long)hashes[i]);
            const __m512i x = _mm512_add_epi64(_mm512_mullo_epi64(aj, h), bj);
            const __m512i y =
                _mm512_add_epi64(_mm512_and_si512(x, prime), _mm512_srli_epi64(x, 61));
            const __m512i value = _mm512_min_epu64(y, _mm512_sub_epi64(y, prime));
            least_j = _mm512_min_epu64(least_j, value);
        }
        _mm512_storeu_si512(least + j, least_j);
    }
    least_scalar(a + j, b + j, n_values - j, hashes, n_hashes, least + j);
}

static const struct minhash_least LEAST[] = {
    {"scalar", least_scalar}, {"avx2", least_avx2}, {"avx512", least_avx512}};

const struct minhash_least *minhash_least_list(size_t *n)
{
    *n = 1;
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2")) return LEAST;
    *n = 2;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) return LEAST;
    *n = 3;
    return LEAST;
}

minhash_least_fn minhash_least_best(void)
{
    size_t n;
    const struct minhash_least *list = minhash_least_list(&n);
    const char *limit = getenv("WEFT_ISA");
    for (size_t i = 0; i < n && limit != NULL; i++)
        if (strcmp(limit, list[i].name) == 0) return list[i].run;
    return list[n - 1].run;
}
