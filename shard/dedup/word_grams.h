#pragma once
// Words of simplified texts, and n-grams of them as runs of bytes: n words one space apart.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct words; // shard/filter/words.h

/// The words of a simplified text as spans into it, in a: cut at spaces, and further by splitter
/// (NULL: no further). Can't fail.
const struct span *word_grams_split(const struct words *splitter, struct span text, struct arena *a,
                                    size_t *n_words);
/// The same words such that each stands one space behind the one before: words itself if they do,
/// else a copy of their text, in a. Can't fail.
const struct span *word_grams_join(const struct span *words, size_t n_words, struct arena *a);
/// Words [first, first + n) of joined words as one run of bytes. Can't fail.
static inline struct span word_grams_at(const struct span *joined, size_t first, size_t n)
{
    const struct span last = joined[first + n - 1];
    return (struct span){joined[first].data,
                         (size_t)(last.data - joined[first].data) + last.n_bytes};
}
