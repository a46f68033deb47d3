#pragma once
// log, exp, pow, sin and cos in f64 of our own, for tables and schedules: libm picks variants by
// CPU, so its bits vary (I2 i). Plain +, -, *, / in a fixed order, so every compiler and CPU gives
// the same bits. Not for hot loops.

/// ln x for finite x > 0, within 2 ulp.
double dmath_log(double x);
/// e^x within 2 ulp; 0 below -746, inf above 710.
double dmath_exp(double x);
/// x^y for finite x > 0, as exp(y ln x): relative error at most (2 |y ln x| + 2) * 2^-52; x^0 is 1.
double dmath_pow(double x, double y);
/// cos x, sin x for |x| <= 2^20 radians, within 2^-52 (absolute).
double dmath_cos(double x);
double dmath_sin(double x);
