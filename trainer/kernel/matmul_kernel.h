#pragma once
// What an instruction set gives to matmul.c: a micro-kernel on packed strips. Only kernel/ includes
// this. A product is cut into blocks, a block's operands into strips, padded with zeros:
//
//   A panel  n strips of `rows` rows           B strip  `columns` columns
//   c        [n strips][rows][columns] f32, no padding between tiles, 64-byte aligned
//
// over a chunk of at most `k_chunk` k, a multiple of 32 but for the product's last chunk. How a
// strip is laid out is the kernel's own business; its size is rows * k rounded up to 32 *
// elem_bytes.

#include <stddef.h>

#include "trainer/kernel/isa.h"
#include "trainer/kernel/matmul.h"
#include "trainer/kernel/matmul_contract.h"

struct matmul_kernel {
    size_t rows, columns, k_chunk, elem_bytes;
    size_t task_fmas; // multiply-adds of a task of about 0.2 ms
    /// Packs rows i .. i + n_rows - 1, k .. k + n_k - 1 of a.
    void (*pack_a)(const struct matmul *m, size_t i, size_t n_rows, size_t k, size_t n_k,
                   void *panel);
    /// Packs columns j .. j + n_columns - 1 of b; n_columns <= columns.
    void (*pack_b)(const struct matmul *m, size_t j, size_t n_columns, size_t k, size_t n_k,
                   void *strip);
    /// c[s] = c[s] + A[s] * B^T by the contract, for n_strips strips of A.
    void (*multiply)(const void *panel, const void *strip, float *c, size_t n_strips, size_t n_k);
    /// Fills a tile of c from out, or out from a tile with bias, at (i, j); the edge is cut off.
    void (*load)(const struct matmul *m, size_t i, size_t j, float *c);
    void (*store)(const struct matmul *m, size_t i, size_t j, const float *c);
    /// A register-resident loop of the same multiply-adds; returns how many it did, about n.
    size_t (*spin)(size_t n_fmas);
};

enum { MATMUL_MAX_COLUMNS = 32 };

extern const struct matmul_kernel matmul_scalar_f32, matmul_scalar_bf16;
extern const struct matmul_kernel matmul_avx2_f32, matmul_avx2_bf16;
extern const struct matmul_kernel matmul_avx512_f32, matmul_avx512_bf16;
extern const struct matmul_kernel matmul_amx_bf16;

/// The kernel for products of type in the instruction set of isa_get(). Can't fail.
const struct matmul_kernel *matmul_kernel_get(enum dtype type);
