#pragma once
// Counts sentences of a line from its words, as spaCy's sentencizer does: one ends behind a word
// that is a full stop (or ! ? and their like) and the punctuation that follows it.

#include <stdbool.h>
#include <stdint.h>

struct sentences {
    uint32_t n_starts; // sentences that began behind the first
    bool seen_period;
};

/// Takes the next word: whether it is a full stop alone, whether it is punctuation alone, and
/// whether more than one space stands before it. Can't fail.
static inline void sentences_add(struct sentences *s, bool period, bool punctuation, bool spaced)
{
    if (s->seen_period && (spaced || (!punctuation && !period))) {
        s->n_starts++;
        s->seen_period = false;
    }
    s->seen_period |= period;
}

/// How many sentences the words are. Can't fail.
static inline uint32_t sentences_count(const struct sentences *s)
{
    return s->n_starts + 1;
}
