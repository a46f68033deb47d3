#pragma once
// Byte-level BPE with the GPT-2 pre-tokenization rule. A tokenizer is immutable once loaded;
// encoding from several threads is safe, each with its own struct tokenizer_scratch.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"

struct tokenizer;

/// Loads path: a Hugging Face tokenizer.json with a byte-level BPE model (what weft tokenizer train
/// writes), a folder with GPT-2's vocab.bpe + encoder.json, or a tiktoken rank file. Errors:
/// ERR_IO, ERR_DATA naming file and what is wrong.
enum err tokenizer_open(const char *path, struct arena *a, struct tokenizer **out) MUST_CHECK;
/// The number of ids. Can't fail.
uint32_t tokenizer_vocabulary(const struct tokenizer *t);
/// The id of <|endoftext|>; UINT32_MAX if it has none. Can't fail.
uint32_t tokenizer_end_of_text(const struct tokenizer *t);
/// Of vocabulary, merges and rule. Can't fail.
struct hash128 tokenizer_hash(const struct tokenizer *t);

struct tokenizer_tokens {
    uint32_t *ids;
    size_t n_ids, capacity;
};

struct tokenizer_scratch;
/// What one thread needs to encode. Errors: ERR_MEMORY.
enum err tokenizer_scratch_open(struct tokenizer_scratch **out) MUST_CHECK;
void tokenizer_scratch_close(struct tokenizer_scratch *s);
/// Frees the ids; a zeroed struct is fine. Can't fail.
void tokenizer_tokens_free(struct tokenizer_tokens *tokens);

/// Appends the ids of text (any bytes; special tokens in it are plain text) to out, which grows.
/// Their bytes, one after another, are text again. Bytes that are not UTF-8 are cut as if each were
/// U+FFFD but keep their value. Errors: ERR_MEMORY.
enum err tokenizer_encode(const struct tokenizer *t, struct tokenizer_scratch *s, struct span text,
                          struct tokenizer_tokens *out) MUST_CHECK;
/// The bytes of id (special tokens: their text); n_bytes 0 when id is not in the vocabulary.
struct span tokenizer_bytes(const struct tokenizer *t, uint32_t id);
/// Writes t as a Hugging Face tokenizer.json (atomic replace).
enum err tokenizer_save(const struct tokenizer *t, const char *path) MUST_CHECK;
