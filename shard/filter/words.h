#pragma once
// Cuts what stands between spaces into words, much as spaCy's English tokenizer does (whose words
// datatrove's rules count): punctuation comes off both ends, contractions fall apart (ca|n't),
// hyphens and slashes between letters are words of their own, URLs, abbreviations and emoticons
// stay whole. docs/DATA.md says how often it agrees.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "shard/filter/filter_character.h"

enum { WORDS_CHUNK_LIMIT = 8192 }; // longer ones are cut into pieces of so many bytes

struct words; // what stays whole or falls apart in its own way; immutable

/// The splitter, in a. Borrows characters. Can't fail.
const struct words *words_build(const struct filter_characters *characters, struct arena *a);
/// Cuts chunk (1..WORDS_CHUNK_LIMIT bytes of well-formed UTF-8 without space): word i ends at
/// ends[i], the next begins there. Returns how many there are, 1..chunk.n_bytes. Can't fail.
size_t words_split(const struct words *w, struct span chunk, uint16_t ends[WORDS_CHUNK_LIMIT]);
/// As words_split, of ASCII letters alone. Can't fail.
size_t words_split_letters(const struct words *w, struct span chunk,
                           uint16_t ends[WORDS_CHUNK_LIMIT]);
