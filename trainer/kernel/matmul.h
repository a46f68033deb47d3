#pragma once
// Matrix products under the sum contract (I2 i): every output element is one fixed chain over all
// of K, whatever the instruction set, the number of rows or threads:
//   bf16: for each group of 32 k (short last group padded with zeros): even = FMA chain over k = 0,
//         2, .. 30 from 0, odd = FMA chain over 1, 3, .. 31 from 0, then c += even + odd; inputs
//         and results that are denormal count as 0 (FTZ, DAZ): exactly what AMX's TDPBF16PS does.
//   f32:  c = fma(a[k], b[k], c) in k order. (No flush.)
// c starts at 0, or at out when accumulate. One function serves forward (x w^T), data gradient (dy
// w) and weight gradient (dy^T x) through strides:
//   forward  x[M,K] w[N,K]:   a = x (K,1)  b = w (K,1)          m M  n N  k K
//   dx       dy[M,N] w[N,K]:  a = dy (N,1) b = w (1,K)          m M  n K  k N
//   dw       dy[M,N] x[M,K]:  a = dy (1,N) b = x (1,K)          m N  n K  k M

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"
#include "trainer/kernel/dtype.h"

struct matmul {
    enum dtype type; // of a, b: DTYPE_BF16 or DTYPE_F32
    const void *a;   // a[i, k] = a[i * a_row_stride + k * a_k_stride]; one stride is 1
    size_t a_row_stride, a_k_stride;
    const void *b; // b[j, k] = b[j * b_row_stride + k * b_k_stride]; one stride is 1
    size_t b_row_stride, b_k_stride;
    void *out;           // out[i, j] = out[i * out_row_stride + j]
    enum dtype out_type; // DTYPE_F32, or DTYPE_BF16 (rounded once at the end)
    size_t out_row_stride;
    const void *bias; // [n] of type `type`, added in f32 after the sum; NULL = none
    bool accumulate;  // out_type DTYPE_F32 only: continue from out
    size_t m, n, k;   // any >= 0
};

/// Bytes of scratch a thread needs for any product (packed panels): a constant of the build.
/// 64-byte aligned.
size_t matmul_scratch_bytes(void);
/// Runs all products of the list as one job: tasks of at most about 0.3 ms each, so that ticks keep
/// coming. scratch: n_threads * matmul_scratch_bytes(). Products of one list must not depend on
/// each other. Can't fail.
void matmul_run(const struct matmul *list, size_t n_products, struct pool *pool, void *scratch);
/// The contract in plain scalar code. Can't fail.
void matmul_reference(const struct matmul *m);
/// One product on the calling thread, for callers that are tasks themselves. scratch:
/// matmul_scratch_bytes(), 64-byte aligned. Can't fail.
void matmul_run_here(const struct matmul *m, void *scratch);
