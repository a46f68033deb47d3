#pragma once
// What the machine could do at best: the denominator of MFU (weft train's log line), and the
// best matrix product beside it. Rates are the best of many short slices, all threads of the pool
// at once.

#include "base/arena.h"
#include "base/pool.h"
#include "trainer/kernel/dtype.h"

/// Flops per second (2 a multiply-add) of a register-resident loop of the multiply-adds that
/// products of `type` use in the instruction set of isa_get(); measured for about 50 ms. Can't
/// fail.
double peak_flops_per_second(struct pool *pool, enum dtype type);
/// As above for a whole product, operands and packing included: x[1024, 768] w[768, 768]^T.
/// Takes its memory (about 8 MB + scratch) from a. Can't fail.
double peak_matmul_flops_per_second(struct pool *pool, enum dtype type, struct arena *a);
