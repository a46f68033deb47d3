#pragma once
// How often each piece of texts occurs. A thread counts into a counter of its own; what it holds is
// then added to the whole, part by part, so that several threads add at the same time. The sums do
// not depend on who counted what.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/tokenizer/piece_cache.h"
#include "shard/tokenizer/pretokenize.h"
#include "shard/tokenizer/span_table.h"

enum { WORD_COUNTER_PARTS = 16 };

struct word_counter_part { // of the words whose hash says so
    struct arena a;
    struct span_table words; // word -> how often
};

struct word_counter {
    struct word_counter_part parts[WORD_COUNTER_PARTS];
    struct arena a;
    // Where the counts of words seen lately are (ids: part, entry). NULL: has no such memory.
    struct piece_entry *recent;
    uint64_t n_bytes; // of the texts
};

/// Errors: ERR_MEMORY.
enum err word_counter_open(struct word_counter *c) MUST_CHECK;
/// A zeroed counter is fine. Can't fail.
void word_counter_close(struct word_counter *c);
/// Counts the pieces of text. Errors: ERR_MEMORY.
enum err word_counter_add(struct word_counter *c, const struct pretokenize *p,
                          enum pretokenize_rule rule, struct span text) MUST_CHECK;
/// Adds one part of from to into. Threads may do so with different parts. Errors: ERR_MEMORY.
enum err word_counter_merge(struct word_counter *into, const struct word_counter *from,
                            size_t part) MUST_CHECK;
/// Forgets all words; n_bytes stays. Errors: ERR_MEMORY.
enum err word_counter_empty(struct word_counter *c) MUST_CHECK;
/// The number of different words. Can't fail.
size_t word_counter_n_words(const struct word_counter *c);
