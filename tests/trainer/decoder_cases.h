#pragma once
// Decoders that tests share: tiny GPT-2 and Llama settings, and published models.

#include "trainer/graph/decoder.h"

static inline struct decoder_config decoder_case_gpt2(void)
{
    return (struct decoder_config){.n_layers = 12,
                                   .width = 768,
                                   .n_heads = 12,
                                   .n_kv_heads = 12,
                                   .head_size = 64,
                                   .inner = 3072,
                                   .vocabulary = 50257,
                                   .context = 1024,
                                   .norm = DECODER_LAYERNORM,
                                   .norm_eps = 1e-5f,
                                   .positions = DECODER_LEARNED,
                                   .activation = ACTIVATION_GELU_TANH,
                                   .bias = true,
                                   .tied = true,
                                   .init_std = 0.02f};
}

static inline struct decoder_config decoder_case_tinyllama(void)
{
    return (struct decoder_config){.n_layers = 22,
                                   .width = 2048,
                                   .n_heads = 32,
                                   .n_kv_heads = 4,
                                   .head_size = 64,
                                   .inner = 5632,
                                   .vocabulary = 32000,
                                   .context = 2048,
                                   .norm = DECODER_RMSNORM,
                                   .norm_eps = 1e-5f,
                                   .positions = DECODER_ROPE,
                                   .rope_base = 10000,
                                   .activation = ACTIVATION_SILU,
                                   .gated = true,
                                   .init_std = 0.02f};
}

// The same architectures, small enough for differences in f64.
static inline struct decoder_config decoder_case_tiny_gpt2(void)
{
    struct decoder_config c = decoder_case_gpt2();
    c.n_layers = 2;
    c.width = 16;
    c.n_heads = c.n_kv_heads = 2;
    c.head_size = 8;
    c.inner = 32;
    c.vocabulary = 29;
    c.context = 12;
    return c;
}

static inline struct decoder_config decoder_case_tiny_llama(void)
{
    struct decoder_config c = decoder_case_tinyllama();
    c.n_layers = 2;
    c.width = 24;
    c.n_heads = 4;
    c.n_kv_heads = 2;
    c.head_size = 8;
    c.inner = 40;
    c.vocabulary = 31;
    c.context = 12;
    c.softcap = 15;
    c.z_loss = 1e-3f;
    return c;
}
