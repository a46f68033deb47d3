#pragma once
// Softmax cross-entropy fused with the output projection, in chunks of rows: the logits are never
// whole in memory.
//   z[i, j] = sum_k x[i, k] w[j, k];  with softcap c > 0: z' = c tanh(z / c), else z' = z
//   loss[i] = mask[i] * (log Z_i - z'[i, target_i] + z_loss * (log Z_i)^2),
//   Z_i = sum_j exp z'[i, j]   (PaLM, sec. 5, for z-loss)
// The chunk of rows (a multiple of 32) is a constant, so weight gradients continue the same chain
// (kernel/matmul.h).

#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "trainer/kernel/dtype.h"

struct head {
    enum dtype type;                  // of x, w, d_x
    size_t n_rows, width, vocabulary; // of one lane: R C V
    float softcap, z_loss;            // 0 = off
    const void *x;                    // [R, C]
    const void *w;                    // [V, C]
    const int32_t *targets;           // [R]
    const float *mask;                // [R]
    float *loss;                      // [R] out
    // Gradient of scale * sum_i loss[i]:
    float scale;
    void *d_x;          // [R, C]; NULL = not wanted
    float *d_w;         // [V, C] f32; NULL = not wanted (frozen)
    int accumulate_d_w; // continue from d_w
};

/// Scratch of all threads together, for forward or gradient.
size_t head_scratch_bytes(const struct head *h, size_t n_threads);
/// Writes loss. scratch: head_scratch_bytes, 64-byte aligned; nothing is kept in it.
void head_forward(const struct head *h, struct pool *pool, void *scratch);
/// Writes d_x and d_w where wanted, and loss (the logits are formed once here, so training needs no
/// head_forward).
void head_gradient(const struct head *h, struct pool *pool, void *scratch);
/// f64 on the inputs' values; for tests (tolerance).
void head_reference(const struct head *h);
void head_gradient_reference(const struct head *h);
/// logits[R, V] f32 (softcap applied), for sampling. R small.
void head_logits(const struct head *h, float *logits, struct pool *pool, void *scratch);
