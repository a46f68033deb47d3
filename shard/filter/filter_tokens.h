#pragma once
// The words of a text, read line by line: sums over all of them, and of the first
// FILTER_TOKENS_LIMIT the hashes that runs of words are compared by.
//
// The hash of bytes b0..bk is sum (b_i + 1) * B^(k-i) mod 2^64, so that the hash of words joined is
// made from theirs: hash(uv) = hash(u) * B^|v| + hash(v).

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "shard/filter/filter.h"
#include "shard/filter/filter_character.h"
#include "shard/filter/sentences.h"
#include "shard/filter/words.h"

enum { FILTER_TOKENS_LIMIT = 1 << 20, FILTER_TOKENS_POWERS = 64 };

struct filter_token {
    uint64_t hash, power; // power = B^bytes
};

struct filter_tokens {
    const struct filter_characters *characters;
    const struct words *words;
    uint64_t powers[FILTER_TOKENS_POWERS]; // B^i

    struct filter_token *tokens; // [n_tokens], with n_characters beside it
    uint32_t *n_characters;
    size_t n_tokens, tokens_capacity, characters_capacity;
    const uint8_t *tokens_end; // where the last of them ends in the text; NULL = none

    // Sums over all words.
    uint64_t n_words, n_solid, n_solid_characters, n_alphabetic;
    uint32_t stop_words; // a bit for each that was seen
};

/// What one line adds.
struct filter_line_sums {
    uint32_t n_words, n_sentences;
};

/// Reads with these tables from now on; borrows both. t is zeroed or was used before. Can't fail.
void filter_tokens_use(struct filter_tokens *t, const struct filter_characters *characters,
                       const struct words *words);
/// Frees the arrays. Can't fail.
void filter_tokens_fini(struct filter_tokens *t);
/// Forgets the words read so far. Can't fail.
void filter_tokens_begin(struct filter_tokens *t);
/// Reads the words of a line (no line end in it). Errors: ERR_MEMORY.
enum err filter_tokens_read(struct filter_tokens *t, struct span line,
                            struct filter_line_sums *out) MUST_CHECK;
/// Takes one word as it is. Errors: ERR_MEMORY.
enum err filter_tokens_take(struct filter_tokens *t, struct span word) MUST_CHECK;
/// Counts the words and sentences of a line without keeping them. Errors: none today.
enum err filter_tokens_count(const struct filter_tokens *t, struct span line,
                             struct filter_line_sums *out) MUST_CHECK;
