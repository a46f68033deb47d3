#pragma once
// How kernels of rows read and write f32 or bf16: in pieces of at most PIECE elements that are f32
// while they are worked on. An f32 operand is worked on in place, a bf16 one through a buffer.
//
//     float buffer[PIECE];
//     const float *a = operand_load(x, first, n, buffer); // x's own memory, or the buffer
//     float *b = operand_target(y, first, buffer);        // where to compute
//     for (...) b[i] = f(a[i]);
//     operand_store(y, first, n, b);                      // rounds to bf16 if y is

#include <stddef.h>
#include <stdint.h>

#include "trainer/kernel/dtype.h"

// Iterations do not depend on each other: operands are the same memory or do not overlap. (Without
// FMA instructions the loops call fmaf, and vectors only get in the way.)
#if !defined(__FMA__)
#define ROWS_LOOP
#elif defined(__clang__)
#define ROWS_LOOP _Pragma("clang loop vectorize(assume_safety)")
#else
#define ROWS_LOOP _Pragma("GCC ivdep")
#endif

enum { PIECE = 1024 }; // a multiple of LANES, so that partial sums of a row go on across pieces

struct operand {
    const void *data;
    enum dtype type;
};

struct target {
    void *data;
    enum dtype type;
};

static inline size_t operand_piece(size_t first, size_t end)
{
    return end - first < PIECE ? end - first : PIECE;
}

static inline const float *operand_load(struct operand x, size_t first, size_t n, float *buffer)
{
    if (x.type == DTYPE_F32) return (const float *)x.data + first;
    const uint16_t *half = (const uint16_t *)x.data + first;
    ROWS_LOOP
    for (size_t i = 0; i < n; i++)
        buffer[i] = bf16_to_f32(half[i]);
    return buffer;
}

static inline float *operand_target(struct target y, size_t first, float *buffer)
{
    return y.type == DTYPE_F32 ? (float *)y.data + first : buffer;
}

static inline void operand_store(struct target y, size_t first, size_t n, const float *from)
{
    if (y.type == DTYPE_F32) return;
    uint16_t *half = (uint16_t *)y.data + first;
    ROWS_LOOP
    for (size_t i = 0; i < n; i++)
        half[i] = bf16_from_f32(from[i]);
}
