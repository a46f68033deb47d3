// Our f64 functions against libm's, within the bounds that the header states.
#include "base/dmath.h"

#include <math.h>

#include "base/rng.h"
#include "tests/check.h"

enum { N = 200000 };

// Uniform in [low, high).
static double draw(uint64_t key, uint64_t i, double low, double high)
{
    return low + (high - low) * (double)(rng_u64(key, 0, i) >> 11) * 0x1p-53;
}

static double ulps(double got, double want)
{
    int exponent;
    frexp(want, &exponent);
    return fabs(got - want) / ldexp(1, (exponent < -1021 ? -1021 : exponent) - 53);
}

static void bounded(const char *what, double x, double error, double bound)
{
    if (error <= bound) return;
    check_failed(__FILE__, __LINE__, "%s(%a): error %g, bound %g", what, x, error, bound);
}

static void check_log_exp(uint64_t key)
{
    for (uint64_t i = 0; i < N; i++) {
        const double wide = exp(draw(key, i, -744, 709)), near = draw(key, i, 0.5, 2);
        bounded("log", wide, ulps(dmath_log(wide), log(wide)), 2);
        bounded("log", near, ulps(dmath_log(near), log(near)), 2);
        const double x = draw(key, i, -744, 709), small = draw(key, i, -1, 1);
        bounded("exp", x, ulps(dmath_exp(x), exp(x)), 2);
        bounded("exp", small, ulps(dmath_exp(small), exp(small)), 2);
        const double y = draw(key + 1, i, -2, 2), relative = dmath_pow(wide, y) / pow(wide, y) - 1;
        if (fabs(y * log(wide)) < 700)
            bounded("pow", wide, fabs(relative), (2 * fabs(y * log(wide)) + 2) * 0x1p-52);
    }
}

static void check_sin_cos(uint64_t key)
{
    for (uint64_t i = 0; i < N; i++) {
        const double range = ldexp(1, (int)(i % 41) - 20); // 2^-20 .. 2^20
        const double x = draw(key, i, -range, range);
        bounded("cos", x, fabs(dmath_cos(x) - cos(x)), 0x1p-52);
        bounded("sin", x, fabs(dmath_sin(x) - sin(x)), 0x1p-52);
        // next to a multiple of pi/2, where the reduction cancels
        const double zero = (double)(i * 3) * 1.57079632679489661923;
        if (zero > 0x1p20) continue;
        bounded("cos", zero, fabs(dmath_cos(zero) - cos(zero)), 0x1p-52);
        bounded("sin", zero, fabs(dmath_sin(zero) - sin(zero)), 0x1p-52);
    }
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    check_log_exp(rng_key(seed, "log"));
    check_sin_cos(rng_key(seed, "cos"));
    CHECK(dmath_log(1) == 0 && dmath_exp(0) == 1 && dmath_cos(0) == 1 && dmath_sin(0) == 0);
    CHECK(dmath_exp(-760) == 0 && isinf(dmath_exp(711)) && dmath_pow(10000, 0) == 1);
    return 0;
}
