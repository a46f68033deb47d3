#pragma once
// Counter-based random numbers: Philox 4x32-10 (Salmon et al., SC'11). A value is a pure function
// of (key, counter); there is no state to save, so ranks, threads and restarts agree (I2 g).

#include <stdint.h>

/// Key of a stream: a mix of the run's seed and a name ("layer.3.attention.q", "dropout", ...).
uint64_t rng_key(uint64_t seed, const char *name);
/// 128 bits for counter (hi, lo) under key. Can't fail.
void rng_block(uint64_t key, uint64_t counter_hi, uint64_t counter_lo, uint32_t out[4]);
/// 64 bits for counter (hi, lo) under key.
uint64_t rng_u64(uint64_t key, uint64_t counter_hi, uint64_t counter_lo);
/// Uniform in [0, 1) with 24 bits, for counter (hi, lo).
float rng_uniform(uint64_t key, uint64_t counter_hi, uint64_t counter_lo);
/// Standard normal (Box-Muller on base/dmath.h, so bits do not depend on libm).
float rng_normal(uint64_t key, uint64_t counter_hi, uint64_t counter_lo);
/// Bijection of [0, n) keyed by key: 8-round Feistel on the next even number of bits, with cycle
/// walking. x < n, n >= 1.
uint64_t rng_permute(uint64_t key, uint64_t n, uint64_t x);
