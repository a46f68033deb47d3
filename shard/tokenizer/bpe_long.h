#pragma once
// Byte-pair merging of a long piece in linear time. Internal to bpe.c.

#include "shard/tokenizer/bpe.h"

/// As bpe_join, for any number of tokens below 2^32 - 1. Errors: ERR_MEMORY.
enum err bpe_long_join(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids,
                       size_t *n_ids) MUST_CHECK;
