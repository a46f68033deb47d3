#pragma once
// The decoder-only language model: token (and position) embedding, L pre-norm blocks of attention
// and MLP around an f32 residual stream, final norm, output projection. GPT-2 and Llama are two
// settings of it:
//   GPT-2  layernorm with bias, learned positions, gelu_tanh, biases, ungated, tied
//   Llama  rmsnorm, rope, silu gated, no biases, grouped k/v heads, tied or not
//
// Units: "embedding" (tables), "layer.N", "head" (final norm; the output matrix when untied).
// Inputs by name: tokens, positions (learned or rope), document_start, targets, mask, and
// loss_scale after graph_differentiate. Parameters: embedding.token.weight [V,C],
// embedding.position.weight [context,C], layers.N.{attention_norm,mlp_norm}.{gain,bias} [C],
// layers.N.attention.{q,k,v,o}.{weight,bias} (weights [outputs, inputs]),
// layers.N.mlp.{gate,up,down}.{weight,bias}, head.norm.{gain,bias}, head.output.weight [V,C].

#include "trainer/graph/graph.h"
#include "trainer/kernel/rows.h"

enum decoder_norm { DECODER_RMSNORM, DECODER_LAYERNORM };
enum decoder_positions { DECODER_LEARNED, DECODER_ROPE };
enum decoder_mode {
    DECODER_LOSS,  // whole sequences to graph.loss: training (with graph_differentiate), evaluation
    DECODER_DECODE // the next T positions of one sequence (rows 1), with k/v caches, to logits
};

struct decoder_config {
    size_t n_layers, width, n_heads, n_kv_heads, head_size;
    size_t inner;      // width of the MLP
    size_t vocabulary; // rows of the token table
    size_t context;    // longest sequence: learned positions, rope table, caches
    enum decoder_norm norm;
    float norm_eps;
    enum decoder_positions positions;
    double rope_base;
    enum activation activation;
    bool gated;            // down(activation(gate x) * up x) instead of down(activation(up x))
    bool bias;             // of linears and, with layernorm, of norms
    bool tied;             // the output matrix is the token table
    float softcap, z_loss; // 0 = off
    float init_std;        // o and down: divided by sqrt(2 L), as GPT-2 does
};

/// Errors: ERR_CONFIG naming the value that does not fit.
enum err decoder_check(const struct decoder_config *c) MUST_CHECK;
/// The forward graph in arena a, for lanes of rows x sequence. Local. Errors: ERR_CONFIG
/// (decoder_check; sequence above context; DECODER_DECODE with rows other than 1).
enum err decoder_build(const struct decoder_config *c, enum decoder_mode mode, size_t rows,
                       size_t sequence, enum dtype compute, struct arena *a,
                       struct graph **out) MUST_CHECK;
