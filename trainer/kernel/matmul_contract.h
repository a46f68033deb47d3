#pragma once
// The arithmetic of the sum contract (kernel/matmul.h) in plain C, for the reference and the scalar
// kernel. bf16 products flush denormals as MXCSR's DAZ and FTZ do.

#include <float.h>

#include "trainer/kernel/vmath.h"

enum { MATMUL_GROUP = 32 }; // k whose bf16 products are summed before c takes them

/// x, or 0 of its sign where x is denormal (DAZ; FTZ of an exact result).
static inline float matmul_flush(float x)
{
    const uint32_t bits = vmath_bits(x);
    return (bits & 0x7f800000u) ? x : vmath_float(bits & 0x80000000u);
}

/// a * b + c rounded once under FTZ; a, b, c are not denormal. The CPU calls a result tiny by what
/// it would round to with an unbounded exponent, so a result of exactly +-2^-126 may have come from
/// below: then the same sum, scaled into the normal range, decides.
static inline float matmul_fma_flush(float a, float b, float c)
{
    const float r = vmath_fma(a, b, c);
    const float magnitude = vmath_float(vmath_bits(r) & 0x7fffffffu);
    if (magnitude > FLT_MIN || magnitude == 0.0f) return r; // a NaN goes on and stays
    if (magnitude == FLT_MIN) {
        const float scaled = vmath_fma(a * 0x1p64f, b, c * 0x1p64f);
        if (scaled >= 0x1p-62f || scaled <= -0x1p-62f) return r;
        return scaled < 0.0f ? -0.0f : 0.0f;
    }
    return matmul_flush(r);
}

/// a + b under FTZ and DAZ (a sum of two floats that is tiny is exact).
static inline float matmul_add_flush(float a, float b)
{
    return matmul_flush(matmul_flush(a) + matmul_flush(b));
}
