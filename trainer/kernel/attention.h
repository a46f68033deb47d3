#pragma once
// Causal, document-aware, grouped-query attention, tiled so that memory is O(T) (online softmax,
// Milakov & Gimelshein 2018; Dao 2023). Tiles are cut by shape, sums follow a fixed order: bits
// depend on neither threads, lanes in the call nor instruction set. Layout: q[S*T, H*D], k and
// v[S*T, K*D], o[S*T, H*D], all of `type`; lse f32 [S*T, H]; S sequences (lanes x B) of T
// positions; head h uses k/v head h / (H/K). Position t of a sequence sees positions
// document_start[t] .. t of the same sequence.

#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "trainer/kernel/dtype.h"

struct attention {
    enum dtype type;
    size_t n_sequences, sequence, n_heads, n_kv_heads, head_size; // S T H K D; D a multiple of 8
    float scale;                                                  // of q k^T, usually 1/sqrt(D)
    const int32_t *document_start; // [S*T], index within the sequence
    const void *q, *k, *v;
    void *o;
    float *lse; // log-sum-exp of each row's scaled scores, for the gradient
    // Gradient only; d_o in, d_q d_k d_v out (NULL = not wanted).
    const void *d_o;
    void *d_q, *d_k, *d_v;
};

/// Scratch of all threads together, for forward or gradient of any number of sequences with this T,
/// D, type.
size_t attention_scratch_bytes(const struct attention *a, size_t n_threads);
/// Writes o and lse. scratch: attention_scratch_bytes, 64-byte aligned; nothing is kept in it.
void attention_forward(const struct attention *a, struct pool *pool, void *scratch);
/// Needs q k v o lse d_o; recomputes the scores twice (once by query tile for d_q, once by key tile
/// for d_k, d_v).
void attention_gradient(const struct attention *a, struct pool *pool, void *scratch);
/// Plain softmax in f64 over the whole row, and its gradient; for tests (tolerance, not bits).
void attention_reference(const struct attention *a);
void attention_gradient_reference(const struct attention *a);

// Decode: n_rows new positions of one sequence attend to a cache of k and v that already holds
// them.
struct attention_cached {
    enum dtype type;
    size_t n_rows, first_position, n_heads, n_kv_heads, head_size;
    float scale;
    const void *q;                 // [n_rows, H*D]
    const void *k_cache, *v_cache; // [>= first_position + n_rows, K*D]
    void *o;                       // [n_rows, H*D]
};
/// Writes o; the caller has put the new rows' k and v into the cache already.
void attention_cached_forward(const struct attention_cached *a, struct pool *pool, void *scratch);
/// Scratch of all threads together, whatever the cache holds.
size_t attention_cached_scratch_bytes(const struct attention_cached *a, size_t n_threads);
