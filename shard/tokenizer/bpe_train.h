#pragma once
// Trains a byte-level BPE vocabulary: counts the pieces of texts, then joins, again and again, the
// most frequent pair of adjacent tokens (on a tie the pair with the lowest ids). The result depends
// on how often each piece occurs, on nothing else.
//
//     TRY(bpe_train_open(&train, &arena));
//     e = bpe_train_add(train, text);                       // each text
//     e = bpe_train_run(train, 8192, &arena, &tokenizer);
//     bpe_train_close(train);

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/tokenizer/tokenizer.h"

enum { BPE_TRAIN_LEAST_VOCABULARY = 257 }; // the bytes and <|endoftext|>

struct bpe_train;

/// Errors: ERR_CONFIG when vocabulary < BPE_TRAIN_LEAST_VOCABULARY or too large.
enum err bpe_train_check_vocabulary(uint64_t vocabulary) MUST_CHECK;
/// Counts will live in a, which is borrowed. Errors: ERR_MEMORY.
enum err bpe_train_open(struct arena *a, struct bpe_train **out) MUST_CHECK;
/// NULL is fine. Can't fail.
void bpe_train_close(struct bpe_train *t);
/// Counts the pieces of one text; pieces don't cross texts. Errors: ERR_MEMORY.
enum err bpe_train_add(struct bpe_train *t, struct span text) MUST_CHECK;
/// Bytes added so far. Can't fail.
uint64_t bpe_train_bytes(const struct bpe_train *t);
/// A tokenizer of vocabulary ids, in a: the bytes in GPT-2's order, the merges, <|endoftext|>.
/// Fewer ids when the text has no pair left. Errors: ERR_CONFIG when vocabulary <
/// BPE_TRAIN_LEAST_VOCABULARY or too large, ERR_DATA when no text was added, ERR_MEMORY.
enum err bpe_train_run(struct bpe_train *t, uint64_t vocabulary, struct arena *a,
                       struct tokenizer **out) MUST_CHECK;
