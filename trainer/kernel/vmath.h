#pragma once
// exp, log, tanh, erf for f32 (and sin, cos, log, exp for f64 tables) without libm: libm picks variants by CPU, so its bits vary (I2 i).
// Branch-free where they sit in hot loops, so that compilers vectorise them; only fma, +, -, *, /, comparisons and bit moves.
// Accuracy is tested against libm's f64: the bound is stated at each function.
