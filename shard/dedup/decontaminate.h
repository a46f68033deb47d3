#pragma once
// Decontamination: does a document hold an n-gram of words that stands in an evaluation file? Both
// sides are simplified (simplify.h) and split into words (word_grams.h) in the same way.
//
//     TRY(decontaminate_open(&options, a, &index));          // read-only from here on
//     words = word_grams_split(options.splitter, simplify_text(text, scratch), scratch, &n_words);
//     if (decontaminate_judge(index, words, n_words, scratch, &hit)) {
//         drop the document, and note it: decontaminate_report.h
//     }
//
// Of a JSONL file every line is an item, and every string in it, however deep, is searched for; so
// is where a question meets its answer: the end of "query", "question", "prompt" or "input"
// followed by the start of each string of "label", "answer", "text", "target", "completion" or
// "choices". Of any other file every paragraph is an item. An item of less than n words is never
// found.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

struct words; // shard/filter/words.h

struct decontaminate_options {
    char *const *paths; // .jsonl, or text
    size_t n_paths;
    size_t n_gram_words;          // 0 = 13
    const struct words *splitter; // NULL = at spaces; borrowed for the index's life
    size_t memory_bytes;          // limit of the index; 0 = 4 GiB
};
enum { DECONTAMINATE_WORDS = 13 };

struct decontaminate_hit {
    uint32_t item;   // of the index
    uint32_t piece;  // of the index: a text of that item
    uint32_t offset; // of the n-gram, bytes into the piece
    uint32_t word;   // of the document: where its first n-gram that hits begins
};

struct decontaminate_index;

/// Reads the evaluation files. The index lives in a and may be shared by threads. Local. Errors:
/// ERR_IO, ERR_DATA (no JSON: file and line; no n-gram in any file), ERR_USAGE (over memory_bytes).
enum err decontaminate_open(const struct decontaminate_options *o, struct arena *a,
                            const struct decontaminate_index **out) MUST_CHECK;

struct decontaminate_size {
    size_t n_items, n_items_too_short, n_grams, n_gram_words, n_bytes;
};
/// What the index holds; n_bytes is its memory. Can't fail.
struct decontaminate_size decontaminate_size(const struct decontaminate_index *index);
/// "file:line" of an item, in a. Can't fail.
const char *decontaminate_item(const struct decontaminate_index *index, uint32_t item,
                               struct arena *a);
/// The n-gram that hit: simplified words, one space apart; borrows the index. Can't fail.
struct span decontaminate_gram(const struct decontaminate_index *index,
                               const struct decontaminate_hit *hit);
/// True when a document's words hold an n-gram of the index; *out is the first of them. scratch is
/// used when words do not stand one space apart. Local. Can't fail.
bool decontaminate_judge(const struct decontaminate_index *index, const struct span *words,
                         size_t n_words, struct arena *scratch, struct decontaminate_hit *out);
