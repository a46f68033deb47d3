#pragma once
// Text to token ids and back: byte-level BPE (GPT-2, cl100k, o200k, Llama 3, Qwen 2 and what weft
// tokenizer train makes), BPE over characters (Llama 2's tokenizer.json), SentencePiece (.model).
// A tokenizer is immutable once loaded; encoding from several threads is safe, each with its own
// struct tokenizer_scratch.
//
// A dataset keeps its tokenizer in a file beside it, whose name depends on the kind:
//
//     path = arena_printf(a, "%s/%s", folder, tokenizer_file_name(t));
//     TRY(tokenizer_save(t, path));

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"

struct tokenizer;

/// Loads path, known by its content: a Hugging Face tokenizer.json with a BPE model, a tiktoken
/// rank file, a SentencePiece .model, or a folder with one of them (tokenizer.json,
/// tokenizer.model, GPT-2's vocab.bpe + encoder.json). A rank file says nothing about the rule that
/// cuts text into pieces: it is cl100k's or o200k's when it has as many ranks as theirs, else
/// GPT-2's; "gpt2:PATH", "cl100k:PATH" and "o200k:PATH" say it. Errors: ERR_IO; ERR_DATA naming
/// file and what is wrong or not supported.
enum err tokenizer_open(const char *path, struct arena *a, struct tokenizer **out) MUST_CHECK;
/// The number of ids. Can't fail.
uint32_t tokenizer_vocabulary(const struct tokenizer *t);
/// The id that ends a document: the first special token there is of <|endoftext|>, <|end_of_text|>,
/// </s>, <|im_end|>, ... (TOKENIZER_ENDS in tokenizer_model.c), or what a .model calls its end;
/// UINT32_MAX if it has none. Can't fail.
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
/// Without a normalizer their bytes, one after another, are text again. Bytes that are not UTF-8
/// are cut as if each were U+FFFD but keep their value (SentencePiece: become U+FFFD). Errors:
/// ERR_MEMORY; ERR_DATA when text is too long for the kind.
enum err tokenizer_encode(const struct tokenizer *t, struct tokenizer_scratch *s, struct span text,
                          struct tokenizer_tokens *out) MUST_CHECK;
/// The bytes of id (special tokens: their text); n_bytes 0 when id is not in the vocabulary.
struct span tokenizer_bytes(const struct tokenizer *t, uint32_t id);
/// As tokenizer_bytes, of the first token of a text: without the space that a SentencePiece or
/// Llama 2 tokenizer puts before every text. Can't fail.
struct span tokenizer_bytes_first(const struct tokenizer *t, uint32_t id);
/// The name that t's file has in a dataset's folder: tokenizer.json or tokenizer.model. Can't fail.
const char *tokenizer_file_name(const struct tokenizer *t);
/// Writes t (atomic replace) as a Hugging Face tokenizer.json or, if it came from one, as the same
/// SentencePiece .model. tokenizer_open of it gives the same ids and the same hash. Errors: ERR_IO.
enum err tokenizer_save(const struct tokenizer *t, const char *path) MUST_CHECK;
