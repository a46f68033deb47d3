#pragma once
// What a loaded tokenizer consists of, and the draft that loaders and the trainer fill. Internal to
// the tokenizer's files.
//
//     struct tokenizer_draft d;
//     TRY(tokenizer_draft_begin(&d, path, n_ids, a));
//     d.pipeline = tokenizer_pipeline_of(PRETOKENIZE_GPT2);
//     tokenizer_draft_token(&d, id, bytes, TOKENIZER_TEXT); ...
//     tokenizer_draft_merges_begin(&d);
//     tokenizer_draft_merge(&d, left, right); ...
//     tokenizer_draft_finish(&d, &tokenizer);           // in every case: tokenizer_draft_end(&d)

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"
#include "shard/tokenizer/bpe.h"
#include "shard/tokenizer/normalize.h"
#include "shard/tokenizer/pretokenize.h"
#include "shard/tokenizer/span_table.h"
#include "shard/tokenizer/tokenizer.h"

#define TOKENIZER_END_OF_TEXT "<|endoftext|>"
enum {
    TOKENIZER_FILE_LIMIT_BYTES = 1 << 28,
    TOKENIZER_ID_LIMIT = 1 << 22,
    TOKENIZER_HOLES_LIMIT = 1 << 16, // ids without a token
    TOKENIZER_TOKEN_LIMIT_BYTES = 4096,
    TOKENIZER_RULES_LIMIT = 4,
};

enum tokenizer_token_kind {
    TOKENIZER_TEXT,
    TOKENIZER_SPECIAL, // text never gives it
    TOKENIZER_BYTE,    // a byte of a character that is no token (byte_fallback)
};

struct tokenizer_token {
    struct span bytes; // n_bytes 0 = no such id
    enum tokenizer_token_kind kind;
};

// What is done to text before its pieces are merged.
struct tokenizer_pipeline {
    enum normalize_form form;
    enum normalize_prefix prefix;
    enum pretokenize_rule rules[TOKENIZER_RULES_LIMIT]; // each cuts the pieces of the one before
    size_t n_rules;                                     // 0: all text is one piece
    // Merging begins with characters, not bytes; a space is written as U+2581; a character that is
    // no token is given as its bytes.
    bool characters;
    // A piece that is a token by itself is taken whole, before any merge (tiktoken; ignore_merges
    // in tokenizer.json).
    bool whole_pieces;
};

struct tokenizer {
    const struct pretokenize *pretokenize;
    struct tokenizer_pipeline pipeline;
    struct bpe bpe; // its arrays live in the arena
    struct tokenizer_token *tokens;
    uint32_t n_ids, end_of_text;
    struct span_table ids; // bytes -> id of the tokens of kind TEXT
    struct span model; // a SentencePiece .model; then only model, tokens, ids' number and hash are
    bool model_prefix; // the model puts a space before every text
    struct hash128 hash;
};

struct tokenizer_draft {
    const char *name; // of the file, for messages
    struct arena *a;
    struct tokenizer_token *tokens;
    uint32_t n_ids, limit_ids, n_tokens; // ids 0..n_ids-1, n_tokens of them taken
    struct span_table ids;               // bytes -> id of what is not special
    struct span_table specials;          // text -> id
    struct span_table bytes;             // byte -> id of kind BYTE
    struct bpe bpe;
    struct tokenizer_pipeline pipeline;
};

/// limit_tokens: how many tokens will come at most. The result will live in a, which the draft
/// borrows. Errors: ERR_MEMORY, ERR_DATA when there are too many.
enum err tokenizer_draft_begin(struct tokenizer_draft *d, const char *name, size_t limit_tokens,
                               struct arena *a) MUST_CHECK;
void tokenizer_draft_end(struct tokenizer_draft *d);
/// bytes are copied. Errors: ERR_DATA when the id or the bytes are taken, or the id is too large.
enum err tokenizer_draft_token(struct tokenizer_draft *d, uint64_t id, struct span bytes,
                               enum tokenizer_token_kind kind) MUST_CHECK;
/// After all tokens: opens the merges. Errors: ERR_DATA naming a byte that is no token (of kind
/// BYTE when the pipeline begins with characters).
enum err tokenizer_draft_merges_begin(struct tokenizer_draft *d) MUST_CHECK;
/// The next merge, by the bytes of its parts. Errors: ERR_DATA when they or what they give are no
/// tokens, or it is there already.
enum err tokenizer_draft_merge(struct tokenizer_draft *d, struct span left,
                               struct span right) MUST_CHECK;
/// The tokenizer, in the draft's arena; the draft is empty then. Can't fail.
void tokenizer_draft_finish(struct tokenizer_draft *d, struct tokenizer **out);

/// Byte-level BPE with one rule. Can't fail.
struct tokenizer_pipeline tokenizer_pipeline_of(enum pretokenize_rule rule);
/// 10 of "<0x0A>", how files write the tokens of kind BYTE; -1 if text is not that. Can't fail.
int tokenizer_byte_of(struct span text);
/// text with U+2581, how files write spaces, as spaces; in a. Can't fail.
struct span tokenizer_spaces(struct span text, struct arena *a);

/// One a format; text is the file's content, name its path for messages. Errors: ERR_DATA saying
/// what is wrong and where.
enum err tokenizer_load_json(struct span text, const char *name, struct arena *a,
                             struct tokenizer **out) MUST_CHECK;
/// vocabulary: encoder.json; merges: vocab.bpe.
enum err tokenizer_load_gpt2(struct span vocabulary, struct span merges, const char *name,
                             struct arena *a, struct tokenizer **out) MUST_CHECK;
/// Lines of base64 bytes, space, rank, as tiktoken keeps them. rule: the rule that cuts pieces, or
/// PRETOKENIZE_N_RULES: what the number of lines says.
enum err tokenizer_load_ranks(struct span text, enum pretokenize_rule rule, const char *name,
                              struct arena *a, struct tokenizer **out) MUST_CHECK;
/// A SentencePiece .model.
enum err tokenizer_load_model(struct span model, const char *name, struct arena *a,
                              struct tokenizer **out) MUST_CHECK;
/// tokenizer_save of what is not a .model.
enum err tokenizer_save_json(const struct tokenizer *t, const char *path) MUST_CHECK;
