#pragma once
// Sixteen partial sums of a row, element j in sum j mod 16, added up in a fixed tree: sum k takes
// sum k + 8, then k + 4, k + 2, k + 1. The order, and so the bits, are the same with AVX-512, AVX2
// and plain code; each file of kernels gets what its flags allow.
//
//     struct lanes s = lanes_zero();
//     lanes_dot(&s, a, b, n); // again for the next piece: all but the last one multiples of 16
//     float sum = lanes_total(&s);
//
// struct lanes_wide is the same in f64.

#include <stddef.h>

#ifdef __AVX2__
#include <immintrin.h>
#endif

enum { LANES = 16 };

struct lanes {
    float part[LANES] __attribute__((aligned(64)));
};

struct lanes_wide {
    double part[LANES] __attribute__((aligned(64)));
};

static inline struct lanes lanes_zero(void)
{
    return (struct lanes){{0}};
}

static inline struct lanes_wide lanes_wide_zero(void)
{
    return (struct lanes_wide){{0}};
}

static inline float lanes_total(const struct lanes *s)
{
    float sum[LANES / 2];
    for (size_t k = 0; k < 8; k++)
        sum[k] = s->part[k] + s->part[k + 8];
    for (size_t half = 4; half >= 1; half /= 2)
        for (size_t k = 0; k < half; k++)
            sum[k] += sum[k + half];
    return sum[0];
}

static inline double lanes_wide_total(const struct lanes_wide *s)
{
    double sum[LANES / 2];
    for (size_t k = 0; k < 8; k++)
        sum[k] = s->part[k] + s->part[k + 8];
    for (size_t half = 4; half >= 1; half /= 2)
        for (size_t k = 0; k < half; k++)
            sum[k] += sum[k + half];
    return sum[0];
}

// One group of 16: part += a * b fused, part += a, and in f64 part += x * x fused and part += x.
// Each ISA defines the four groups over whole arrays, so that the sums stay in registers.
#if defined(__AVX512F__)

static inline void lanes_dot_groups(struct lanes *s, const float *a, const float *b, size_t n)
{
    __m512 sum = _mm512_load_ps(s->part);
    for (size_t j = 0; j < n; j += LANES)
        sum = _mm512_fmadd_ps(_mm512_loadu_ps(a + j), _mm512_loadu_ps(b + j), sum);
    _mm512_store_ps(s->part, sum);
}

static inline void lanes_sum_groups(struct lanes *s, const float *a, size_t n)
{
    __m512 sum = _mm512_load_ps(s->part);
    for (size_t j = 0; j < n; j += LANES)
        sum = _mm512_add_ps(sum, _mm512_loadu_ps(a + j));
    _mm512_store_ps(s->part, sum);
}

static inline void lanes_max_groups(struct lanes *s, const float *a, size_t n)
{
    __m512 most = _mm512_load_ps(s->part);
    for (size_t j = 0; j < n; j += LANES)
        most = _mm512_max_ps(_mm512_loadu_ps(a + j), most);
    _mm512_store_ps(s->part, most);
}

static inline void lanes_wide_groups(struct lanes_wide *s, const float *x, int squares, size_t n)
{
    __m512d low = _mm512_load_pd(s->part), high = _mm512_load_pd(s->part + 8);
    const __m512d one = _mm512_set1_pd(1.0);
    for (size_t j = 0; j < n; j += LANES) {
        const __m512d a = _mm512_cvtps_pd(_mm256_loadu_ps(x + j));
        const __m512d b = _mm512_cvtps_pd(_mm256_loadu_ps(x + j + 8));
        low = _mm512_fmadd_pd(a, squares ? a : one, low);
        high = _mm512_fmadd_pd(b, squares ? b : one, high);
    }
    _mm512_store_pd(s->part, low);
    _mm512_store_pd(s->part + 8, high);
}

#elif defined(__AVX2__) && defined(__FMA__)

static inline void lanes_dot_groups(struct lanes *s, const float *a, const float *b, size_t n)
{
    __m256 low = _mm256_load_ps(s->part), high = _mm256_load_ps(s->part + 8);
    for (size_t j = 0; j < n; j += LANES) {
        low = _mm256_fmadd_ps(_mm256_loadu_ps(a + j), _mm256_loadu_ps(b + j), low);
        high = _mm256_fmadd_ps(_mm256_loadu_ps(a + j + 8), _mm256_loadu_ps(b + j + 8), high);
    }
    _mm256_store_ps(s->part, low);
    _mm256_store_ps(s->part + 8, high);
}

static inline void lanes_sum_groups(struct lanes *s, const float *a, size_t n)
{
    __m256 low = _mm256_load_ps(s->part), high = _mm256_load_ps(s->part + 8);
    for (size_t j = 0; j < n; j += LANES) {
        low = _mm256_add_ps(low, _mm256_loadu_ps(a + j));
        high = _mm256_add_ps(high, _mm256_loadu_ps(a + j + 8));
    }
    _mm256_store_ps(s->part, low);
    _mm256_store_ps(s->part + 8, high);
}

static inline void lanes_max_groups(struct lanes *s, const float *a, size_t n)
{
    __m256 low = _mm256_load_ps(s->part), high = _mm256_load_ps(s->part + 8);
    for (size_t j = 0; j < n; j += LANES) {
        low = _mm256_max_ps(_mm256_loadu_ps(a + j), low);
        high = _mm256_max_ps(_mm256_loadu_ps(a + j + 8), high);
    }
    _mm256_store_ps(s->part, low);
    _mm256_store_ps(s->part + 8, high);
}

static inline void lanes_wide_groups(struct lanes_wide *s, const float *x, int squares, size_t n)
{
    __m256d sum[4];
    const __m256d one = _mm256_set1_pd(1.0);
    for (size_t k = 0; k < 4; k++)
        sum[k] = _mm256_load_pd(s->part + 4 * k);
    for (size_t j = 0; j < n; j += LANES) {
        for (size_t k = 0; k < 4; k++) {
            const __m256d a = _mm256_cvtps_pd(_mm_loadu_ps(x + j + 4 * k));
            sum[k] = _mm256_fmadd_pd(a, squares ? a : one, sum[k]);
        }
    }
    for (size_t k = 0; k < 4; k++)
        _mm256_store_pd(s->part + 4 * k, sum[k]);
}

#else

static inline void lanes_dot_groups(struct lanes *s, const float *a, const float *b, size_t n)
{
    for (size_t j = 0; j < n; j++)
        s->part[j % LANES] = __builtin_fmaf(a[j], b[j], s->part[j % LANES]);
}

static inline void lanes_sum_groups(struct lanes *s, const float *a, size_t n)
{
    for (size_t j = 0; j < n; j++)
        s->part[j % LANES] += a[j];
}

static inline void lanes_max_groups(struct lanes *s, const float *a, size_t n)
{
    for (size_t j = 0; j < n; j++)
        if (a[j] > s->part[j % LANES]) s->part[j % LANES] = a[j];
}

// The square of an f32 is exact in f64, so that no fused operation is needed.
static inline void lanes_wide_groups(struct lanes_wide *s, const float *x, int squares, size_t n)
{
    for (size_t j = 0; j < n; j++) {
        const double a = (double)x[j];
        s->part[j % LANES] += squares ? a * a : a;
    }
}

#endif

/// s += a * b, element j to sum j mod 16, fused.
static inline void lanes_dot(struct lanes *s, const float *a, const float *b, size_t n)
{
    const size_t whole = n - n % LANES;
    lanes_dot_groups(s, a, b, whole);
    for (size_t j = whole; j < n; j++)
        s->part[j - whole] = __builtin_fmaf(a[j], b[j], s->part[j - whole]);
}

/// s += a.
static inline void lanes_sum(struct lanes *s, const float *a, size_t n)
{
    const size_t whole = n - n % LANES;
    lanes_sum_groups(s, a, whole);
    for (size_t j = whole; j < n; j++)
        s->part[j - whole] += a[j];
}

/// The largest of `least` and a; NaNs count as nothing.
static inline float lanes_max(const float *a, size_t n, float least)
{
    struct lanes s;
    for (size_t k = 0; k < LANES; k++)
        s.part[k] = least;
    const size_t whole = n - n % LANES;
    lanes_max_groups(&s, a, whole);
    for (size_t j = whole; j < n; j++)
        if (a[j] > s.part[0]) s.part[0] = a[j];
    for (size_t k = 1; k < LANES; k++)
        if (s.part[k] > s.part[0]) s.part[0] = s.part[k];
    return s.part[0];
}

/// s += x^2 in f64.
static inline void lanes_wide_squares(struct lanes_wide *s, const float *x, size_t n)
{
    const size_t whole = n - n % LANES;
    lanes_wide_groups(s, x, 1, whole);
    for (size_t j = whole; j < n; j++)
        s->part[j - whole] += (double)x[j] * (double)x[j];
}

/// s += x in f64.
static inline void lanes_wide_sum(struct lanes_wide *s, const float *x, size_t n)
{
    const size_t whole = n - n % LANES;
    lanes_wide_groups(s, x, 0, whole);
    for (size_t j = whole; j < n; j++)
        s->part[j - whole] += (double)x[j];
}
