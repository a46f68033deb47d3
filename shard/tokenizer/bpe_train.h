#pragma once
// Trains a byte-level BPE vocabulary: counts the pieces of texts, then joins, again and again, the
// most frequent pair of adjacent tokens (on a tie the pair with the lowest ids). The result depends
// on how often each piece occurs, on nothing else.
//
//     TRY(bpe_train_open(PRETOKENIZE_GPT2, n_threads, &arena, &train));
//     e = bpe_train_add(train, thread_idx, text);           // each text, in any thread
//     e = bpe_train_settle(train, pool);                    // now and then, while nobody adds
//     e = bpe_train_run(train, 8192, &arena, &tokenizer);
//     bpe_train_close(train);

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/span.h"
#include "shard/tokenizer/pretokenize.h"
#include "shard/tokenizer/tokenizer.h"

enum {
    BPE_TRAIN_LEAST_VOCABULARY = 257,      // the bytes and <|endoftext|>
    BPE_TRAIN_WORDS_LIMIT_BYTES = 1 << 29, // of different pieces; training takes 40 times that
};

struct bpe_train;

/// Errors: ERR_CONFIG when vocabulary < BPE_TRAIN_LEAST_VOCABULARY or too large.
enum err bpe_train_check_vocabulary(uint64_t vocabulary) MUST_CHECK;
/// Texts will be cut by rule and come from n_threads threads (>= 1). Lives in a. Errors:
/// ERR_MEMORY.
enum err bpe_train_open(enum pretokenize_rule rule, size_t n_threads, struct arena *a,
                        struct bpe_train **out) MUST_CHECK;
/// NULL is fine. Can't fail.
void bpe_train_close(struct bpe_train *t);
/// Counts the pieces of one text; pieces don't cross texts. thread_idx < n_threads is the caller's
/// alone. Errors: ERR_MEMORY.
enum err bpe_train_add(struct bpe_train *t, size_t thread_idx, struct span text) MUST_CHECK;
/// Adds what the threads counted to the whole, when it is much (which bounds the memory of each) or
/// `all`; pool NULL: in this thread. Nobody may add meanwhile. Errors: ERR_MEMORY; ERR_DATA when
/// the different pieces take more than BPE_TRAIN_WORDS_LIMIT_BYTES.
enum err bpe_train_settle(struct bpe_train *t, struct pool *pool, bool all) MUST_CHECK;
/// Bytes added so far; nobody may add meanwhile. Can't fail.
uint64_t bpe_train_bytes(const struct bpe_train *t);
/// A tokenizer of vocabulary ids, in a: the bytes in GPT-2's order, the merges, <|endoftext|>.
/// Fewer ids when the text has no pair left. Errors: ERR_CONFIG when vocabulary <
/// BPE_TRAIN_LEAST_VOCABULARY or too large, ERR_DATA when no text was added, ERR_MEMORY.
enum err bpe_train_run(struct bpe_train *t, uint64_t vocabulary, struct arena *a,
                       struct tokenizer **out) MUST_CHECK;
