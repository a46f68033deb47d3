#include "base/dmath.h"

#include <math.h>
#include <stdint.h>

#include "base/err.h"

// ln 2 and pi / 2 in parts: the first ones have so few bits that their product with the integers
// that occur here (|n| < 2^20) is exact.
static const double LN2_HIGH = 0x1.62e42feep-1, LN2_LOW = 0x1.a39ef35793c76p-33;
static const double HALF_PI[3] = {0x1.921fb544p+0, 0x1.0b4611a6p-34, 0x1.3198a2e037073p-69};
static const double ROUNDER = 0x1.8p52; // adding and subtracting it rounds to an integer

// x = m * 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 (s + s^3/3 + s^5/5 + ...) with
// s = (m - 1) / (m + 1), |s| < 0.172: the term after s^21 is below 2^-56 of the sum.
double dmath_log(double x)
{
    ASSERT(x > 0 && isfinite(x));
    int exponent;
    double m = frexp(x, &exponent); // exact
    if (m < 0x1.6a09e667f3bcdp-1) {
        m *= 2;
        exponent--;
    }
    const double f = m - 1, s = f / (m + 1), square = s * s;
    double series = 0;
    for (int k = 21; k >= 3; k -= 2)
        series = (series + 1.0 / k) * square;
    // 2 s = f - s f, so that the rounding of s counts only as much as s f does.
    const double correction = s * (2 * series - f);
    return exponent * LN2_HIGH + (f + (correction + exponent * LN2_LOW));
}

// e^x = 2^n e^r, |r| <= ln2 / 2, and e^r by its series: r^14 / 14! < 2^-57.
double dmath_exp(double x)
{
    if (!(x >= -750)) return isnan(x) ? x : 0;
    if (x > 710) return HUGE_VAL;
    const double n = (x * 0x1.71547652b82fep+0 + ROUNDER) - ROUNDER;
    const double high = x - n * LN2_HIGH, low = n * LN2_LOW, r = high - low;
    const double lost = (high - r) - low;
    double tail = 0; // 2 (e^r - 1 - r) / r^2 - 1
    for (int k = 14; k >= 3; k--)
        tail = (tail + 1) * r / k;
    const double y = 1 + (r + (lost + (tail + 1) * 0.5 * r * r));
    return ldexp(y, (int)n);
}

double dmath_pow(double x, double y)
{
    return dmath_exp(y * dmath_log(x));
}

// sum of (-1)^i x^2i / ((first + 1) ... (first + 2i)) over i >= 1: cos x - 1 for first 0 and
// sin(x) / x - 1 for first 1; |x| <= pi / 4.
static double alternating_tail(double square, int first)
{
    double sum = 0;
    for (int k = 18 + first; k > first; k -= 2)
        sum = -square / (k * (k - 1)) * (1 + sum);
    return sum;
}

// cos(x + quarters * pi/2)
static double cosine(double x, int64_t quarters)
{
    ASSERT(fabs(x) <= 0x1p20);
    const double n = (x * 0x1.45f306dc9c883p-1 + ROUNDER) - ROUNDER;
    const double high = x - n * HALF_PI[0], middle = n * HALF_PI[1]; // both exact
    const double r = high - middle, lost = ((high - r) - middle) - n * HALF_PI[2];
    const double angle = r + lost, square = angle * angle;
    const int64_t quadrant = (quarters + (int64_t)n) & 3;
    const int odd = quadrant & 1;
    const double value =
        odd ? angle + angle * alternating_tail(square, 1) : 1 + alternating_tail(square, 0);
    return quadrant == 1 || quadrant == 2 ? -value : value;
}

double dmath_cos(double x)
{
    return cosine(x, 0);
}

double dmath_sin(double x)
{
    return cosine(x, 3); // sin x = cos(x - pi/2)
}
