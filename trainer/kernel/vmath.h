#pragma once
// exp, log, tanh and erf for f32 without libm: libm picks variants by CPU, so its bits vary (I2 i).
// (f64 log, exp, pow, sin and cos for tables are in base/dmath.h.)
// Branch-free, so that loops over them vectorise: only fma, +, -, *, /, comparisons and bit moves.
// A scalar call, any vector width, gcc and clang give the same bits (a NaN's payload excepted).
// Denormals are kept as long as the caller has not set FTZ/DAZ. The polynomials are minimax fits of
// the remainders named beside them; errors are in ulp of the exact result, measured over all
// exponents by tests/trainer/test_vmath.c.

#include <stdint.h>
#include <string.h>

static inline uint32_t vmath_bits(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

static inline float vmath_float(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

/// a * b + c, rounded once. (Without FMA instructions this is libm's fmaf, which is exact too.)
static inline float vmath_fma(float a, float b, float c)
{
    return __builtin_fmaf(a, b, c);
}

/// condition ? a : b without a branch, both evaluated.
static inline float vmath_select(int condition, float a, float b)
{
    const uint32_t mask = 0u - (uint32_t)condition;
    return vmath_float((vmath_bits(a) & mask) | (vmath_bits(b) & ~mask));
}

// exp(x) = 2^n * exp(r), |r| <= ln2 / 2. n and r of the next two functions.
struct vmath_reduced {
    float r;
    int32_t n;
};

// |x| < 2^20. Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
static inline struct vmath_reduced vmath_reduce(float x)
{
    const float magic = 0x1.8p23f;
    const float shifted = vmath_fma(x, 0x1.715476p0f, magic);
    const float n = shifted - magic;
    float r = vmath_fma(n, -0x1.62ep-1f, x); // ln2's first 12 bits: exact
    r = vmath_fma(n, -0x1.0bfbe8p-15f, r);
    return (struct vmath_reduced){r, (int32_t)(vmath_bits(shifted) - vmath_bits(magic))};
}

// exp(r) - 1 = r + r^2 q(r), |r| <= ln2 / 2.
static inline float vmath_exp_tail(float r)
{
    float q = 0x1.6a3d7ap-10f;
    q = vmath_fma(q, r, 0x1.1239ep-7f);
    q = vmath_fma(q, r, 0x1.5558cp-5f);
    q = vmath_fma(q, r, 0x1.555492p-3f);
    q = vmath_fma(q, r, 0x1.fffffcp-2f);
    return vmath_fma(q * r, r, r);
}

// 2^n for -126 <= n <= 127.
static inline float vmath_power_of_two(int32_t n)
{
    return vmath_float((uint32_t)(n + 127) << 23);
}

/// e^x within 1.1 ulp; below -103.98 0, above 88.72 inf; denormal results are rounded once.
static inline float vmath_exp(float x)
{
    x = vmath_select(x < -105.0f, -105.0f, x);
    x = vmath_select(x > 90.0f, 90.0f, x);
    const struct vmath_reduced e = vmath_reduce(x);
    const float y = 1.0f + vmath_exp_tail(e.r);
    const int32_t half = e.n >> 1; // 2^n in two steps: n may leave the range of exponents
    const uint32_t low = (uint32_t)(half + 127) << 23;
    const uint32_t high = (uint32_t)(e.n - half + 127) << 23;
    return y * vmath_float(low) * vmath_float(high);
}

/// ln x within 0.8 ulp; ln 0 = -inf, NaN below 0, ln inf = inf; denormal x count in full.
static inline float vmath_log(float x)
{
    const int denormal = x < 0x1p-126f;
    const float scaled = vmath_select(denormal, x * 0x1p23f, x);
    // m in [sqrt(1/2), sqrt(2)), x = m * 2^e
    const uint32_t offset = vmath_bits(scaled) - 0x3f3504f3u;
    const int32_t exponent = (int32_t)offset >> 23;
    const float m = vmath_float((offset & 0x7fffffu) + 0x3f3504f3u);
    const float e = (float)exponent - vmath_select(denormal, 23.0f, 0.0f);
    const float f = m - 1.0f;
    float p = 0x1.148c22p-4f; // (ln(1+f) - f + f^2/2) / f^3
    p = vmath_fma(p, f, -0x1.de1bcep-4f);
    p = vmath_fma(p, f, 0x1.e6c394p-4f);
    p = vmath_fma(p, f, -0x1.fc2562p-4f);
    p = vmath_fma(p, f, 0x1.233b38p-3f);
    p = vmath_fma(p, f, -0x1.555c52p-3f);
    p = vmath_fma(p, f, 0x1.99a47ap-3f);
    p = vmath_fma(p, f, -0x1.000006p-2f);
    p = vmath_fma(p, f, 0x1.555548p-2f);
    const float square = f * f;
    float tail = vmath_fma(p * f, square, e * 0x1.0bfbe8p-15f);
    tail = vmath_fma(-0.5f, square, tail);
    const float y = vmath_fma(e, 0x1.62ep-1f, f + tail);
    const float special = vmath_select(x < 0.0f, vmath_float(0x7fc00000u), x + x); // inf, NaN stay
    const float zero = vmath_select(x == 0.0f, -vmath_float(0x7f800000u), special);
    const int ordinary = (x > 0.0f) & (x < vmath_float(0x7f800000u));
    return vmath_select(ordinary, y, zero);
}

/// tanh x within 2.6 ulp; sign of zero kept. (e^2|x| - 1) / (e^2|x| + 1), nothing cancels.
static inline float vmath_tanh(float x)
{
    const uint32_t sign = vmath_bits(x) & 0x80000000u;
    const float a = vmath_float(vmath_bits(x) & 0x7fffffffu);
    const float t = vmath_select(a > 10.0f, 20.0f, a + a);
    const struct vmath_reduced e = vmath_reduce(t);
    const float power = vmath_float((uint32_t)(e.n + 127) << 23); // 0 <= n <= 29
    const float minus_one = vmath_fma(power, vmath_exp_tail(e.r), power - 1.0f);
    return vmath_float(vmath_bits(minus_one / (minus_one + 2.0f)) | sign);
}

/// erf x within 1.1 ulp; sign of zero kept.
static inline float vmath_erf(float x)
{
    const uint32_t sign = vmath_bits(x) & 0x80000000u;
    const float a = vmath_float(vmath_bits(x) & 0x7fffffffu);
    const float s = a * a;
    float p = 0x1.4f7d2ap-14f; // erf(a) / a - 1 in a^2, a <= 0.93
    p = vmath_fma(p, s, -0x1.a60f02p-11f);
    p = vmath_fma(p, s, 0x1.544a72p-8f);
    p = vmath_fma(p, s, -0x1.b8011ep-6f);
    p = vmath_fma(p, s, 0x1.ce2d64p-4f);
    p = vmath_fma(p, s, -0x1.812740p-2f);
    p = vmath_fma(p, s, 0x1.06eba8p-3f);
    const float small = vmath_fma(p, a, a);
    const float t = vmath_select(a > 4.0f, 4.0f, a); // erf(4) rounds to 1
    float q = 0x1.78d116p-17f;                       // -ln(1 - erf(t)) / t - 1
    q = vmath_fma(q, t, -0x1.52795cp-12f);
    q = vmath_fma(q, t, 0x1.dd6ba8p-9f);
    q = vmath_fma(q, t, -0x1.855122p-6f);
    q = vmath_fma(q, t, 0x1.b32568p-4f);
    q = vmath_fma(q, t, 0x1.45328ep-1f);
    q = vmath_fma(q, t, 0x1.0778dcp-3f);
    const float large = 1.0f - vmath_exp(-vmath_fma(q, t, t));
    return vmath_float(vmath_bits(vmath_select(a > 0.92f, large, small)) | sign);
}
