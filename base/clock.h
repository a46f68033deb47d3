#pragma once
// Monotonic time, for waits and reports only: no clock enters the mathematics (I2 h).

#include <stdint.h>

/// Nanoseconds of CLOCK_MONOTONIC. Can't fail.
uint64_t clock_now_ns(void);
/// Sleeps about ns nanoseconds. Can't fail.
void clock_nap_ns(uint64_t ns);
