// vmath against libm's f64 over all exponents, and a plain call against the same function in a
// vectorised loop with FMA instructions: equal bits.
#include "trainer/kernel/vmath.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>

enum { N = 4096 };

// clang vectorises these at every level (but not under sanitizers), gcc from -O2; below that the
// loops still compare FMA instructions with calls of fmaf.
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"
#define VECTORISE __attribute__((target("avx2,fma")))
#define LOOP _Pragma("clang loop vectorize(enable)")
#else
#define VECTORISE __attribute__((target("avx2,fma"), optimize("O3")))
#define LOOP
#endif

#define FUNCTIONS(X)       \
    X(exp, 1.1, 0.0, 1.0)  \
    X(log, 0.8, 1.0, 0.0)  \
    X(tanh, 2.6, 0.0, 0.0) \
    X(erf, 1.1, 0.0, 0.0)

struct function {
    const char *name;
    void (*plain)(const float *, float *);
    void (*vectorised)(const float *, float *);
    double (*want)(double);
    double bound_ulp;
    float x, y; // one exact value: f(x) == y
};

#define X(f, bound, x, y)                                                           \
    static void plain_##f(const float *restrict in, float *restrict out)            \
    {                                                                               \
        for (size_t i = 0; i < N; i++)                                              \
            out[i] = vmath_##f(in[i]);                                              \
    }                                                                               \
    VECTORISE static void vector_##f(const float *restrict in, float *restrict out) \
    {                                                                               \
        LOOP for (size_t i = 0; i < N; i++) out[i] = vmath_##f(in[i]);              \
    }
FUNCTIONS(X)
#undef X

static const struct function TABLE[] = {
#define X(f, bound, x, y) {#f, plain_##f, vector_##f, f, bound, (float)x, (float)y},
    FUNCTIONS(X)
#undef X
};

static int failures;

// Distance in ulp of the f32 result; a wrong special value counts as infinite.
static double error_ulp(float got, double want)
{
    if (isnan(want)) return isnan(got) ? 0 : HUGE_VAL;
    if (isinf((float)want)) return got == (float)want ? 0 : HUGE_VAL;
    int exponent;
    frexp(want, &exponent);
    if (exponent < -125) exponent = -125;
    return fabs((double)got - want) / ldexp(1, exponent - 24);
}

static int same_bits(float a, float b)
{
    return (isnan(a) && isnan(b)) || vmath_bits(a) == vmath_bits(b);
}

static void check_function(const struct function *f)
{
    static float in[N], out[N], vector[N];
    const int vectors = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    double worst = 0;
    uint64_t bits = 0;
    while (bits < 1ull << 32) {
        for (size_t i = 0; i < N; i++, bits += 1009)
            in[i] = vmath_float((uint32_t)bits);
        f->plain(in, out);
        if (vectors) f->vectorised(in, vector);
        for (size_t i = 0; i < N; i++) {
            const double error = error_ulp(out[i], f->want((double)in[i]));
            if (error > worst) worst = error;
            if (error <= f->bound_ulp && (!vectors || same_bits(out[i], vector[i]))) continue;
            printf("%s(%a): %a, vectorised %a, error %g ulp\n", f->name, (double)in[i],
                   (double)out[i], (double)vector[i], error);
            if (++failures > 10) return;
        }
    }
    printf("%s worst_ulp %.3f bound_ulp %.1f\n", f->name, worst, f->bound_ulp);
}

static void check_special(const struct function *f)
{
    static const uint32_t special[] = {0,           0x80000000u, 1,           0x80000001u,
                                       0x7f800000u, 0xff800000u, 0x7fc00000u, 0x7f7fffffu,
                                       0xff7fffffu, 0x007fffffu, 0x3f800000u, 0x42b17218u,
                                       0x42b17219u, 0xc2cff1b5u, 0xc2aeac50u};
    float in[N] = {0}, out[N];
    for (size_t i = 0; i < sizeof special / sizeof *special; i++)
        in[i] = vmath_float(special[i]);
    in[N - 1] = f->x;
    f->plain(in, out);
    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        const double error = error_ulp(out[i], f->want((double)in[i]));
        if (error <= f->bound_ulp) continue;
        printf("%s(%a): %a, error %g ulp\n", f->name, (double)in[i], (double)out[i], error);
        failures++;
    }
    if (vmath_bits(out[N - 1]) == vmath_bits(f->y)) return;
    printf("%s(%g) is %a\n", f->name, (double)f->x, (double)out[N - 1]);
    failures++;
}

int main(void)
{
    for (size_t i = 0; i < sizeof TABLE / sizeof *TABLE; i++) {
        check_special(&TABLE[i]);
        check_function(&TABLE[i]);
    }
    return failures != 0;
}
