#pragma once
// The rows between the matrix products of attention and head: exponentials and sums over score
// tiles and logits. Compiled once per instruction set from softmax_body.h, with equal bits: sums
// are 16 partial sums (element j to sum j mod 16) in element order, then a fixed tree of 16.

#include <stddef.h>
#include <stdint.h>

#include "trainer/kernel/dtype.h"

enum { SOFTMAX_ROWS = 64, SOFTMAX_COLUMNS = 64 };

// A tile of scores q k^T before scaling: f32 [n_rows][SOFTMAX_COLUMNS], all of it initialised. Row
// r sees columns first[r] <= c < last[r]; the others count as probability 0.
struct softmax_tile {
    size_t n_rows;
    float scale;
    const float *scores;
    int32_t first[SOFTMAX_ROWS], last[SOFTMAX_ROWS];
    enum dtype type; // of p and d_s
    void *p;         // [n_rows][SOFTMAX_COLUMNS] out
    // Gradient only.
    const float *d_p; // [n_rows][SOFTMAX_COLUMNS]
    const float *lse, *delta;
    void *d_s; // out, the gradient with respect to q k^T
};

// What an online softmax carries from tile to tile.
struct softmax_state {
    float maximum[SOFTMAX_ROWS], sum[SOFTMAX_ROWS];
    float *o; // [n_rows][head_size], sum of p v so far
    size_t head_size;
};

// One row of logits and its loss (kernel/head.h).
struct softmax_loss {
    float softcap, z_loss, mask, scale;
    int32_t target; // any if mask is 0
    float log_sum;  // log Z; out of loss, in of loss_gradient
};

struct softmax_kernels {
    /// p = exp(scale * scores - new maximum); state's sum and o are brought to the new maximum and
    /// the sum takes p (o does not).
    void (*forward)(const struct softmax_tile *t, struct softmax_state *s);
    /// o / sum and log-sum-exp (unless NULL) of the finished rows, strides in elements.
    void (*finish)(const struct softmax_state *s, size_t n_rows, enum dtype type, void *o,
                   size_t o_stride, float *lse, size_t lse_stride);
    /// p = exp(scale * scores - lse), d_s = scale * p * (d_p - delta).
    void (*gradient)(const struct softmax_tile *t);
    /// out[r] = sum_j x[r, j] y[r, j], both of type, rows stride elements apart.
    void (*dots)(enum dtype type, const void *x, const void *y, size_t stride, size_t n_rows,
                 size_t n_columns, float *out);
    /// z[j] = softcap * tanh(z[j] / softcap).
    void (*cap)(float *z, size_t n, float softcap);
    /// Loss of a row of capped logits; sets log_sum.
    float (*loss)(const float *z, size_t n, struct softmax_loss *l);
    /// d_z of type, the gradient with respect to logits before capping; d_z may be z itself.
    void (*loss_gradient)(const float *z, size_t n, const struct softmax_loss *l, enum dtype type,
                          void *d_z);
};

/// The table for isa_get(). Can't fail.
const struct softmax_kernels *softmax_kernels(void);

extern const struct softmax_kernels softmax_scalar, softmax_avx2, softmax_avx512;
