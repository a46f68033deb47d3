#pragma once
// A set of numbers below a limit that gives its least: 64 numbers a word, over them a tree of words
// whose bits say which words below are not 0. Each operation looks at one word a level; three
// levels hold 262,144 numbers.

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { BIT_TREE_LEVELS = 6, BIT_TREE_WORD = 64 };
#define BIT_TREE_NONE SIZE_MAX

struct bit_tree {
    uint64_t *words; // level 0, then 1, ...; the last level is one word
    size_t n_words, capacity;
    size_t first_words[BIT_TREE_LEVELS]; // where each level begins
    unsigned n_levels;
};

/// Makes t, which must be empty (zeroed at first), hold numbers below limit <= 64^n_levels, where
/// n_levels <= BIT_TREE_LEVELS. Errors: ERR_MEMORY.
enum err bit_tree_resize(struct bit_tree *t, size_t limit, unsigned n_levels) MUST_CHECK;
void bit_tree_close(struct bit_tree *t);
/// Levels that numbers below limit need. Can't fail.
unsigned bit_tree_levels(size_t limit);

static inline void bit_tree_insert(struct bit_tree *t, size_t at)
{
    for (unsigned k = 0; k < t->n_levels; k++, at /= BIT_TREE_WORD) {
        uint64_t *word = &t->words[t->first_words[k] + at / BIT_TREE_WORD];
        uint64_t before = *word;
        *word = before | UINT64_C(1) << at % BIT_TREE_WORD;
        if (before != 0) return;
    }
}

/// Takes the least number out of t: BIT_TREE_NONE when there is none. Can't fail.
static inline size_t bit_tree_take(struct bit_tree *t)
{
    size_t at = 0;
    for (unsigned k = t->n_levels; k-- > 0;) {
        uint64_t word = t->words[t->first_words[k] + at];
        if (word == 0) return BIT_TREE_NONE; // the top: words below a set bit are not 0
        at = at * BIT_TREE_WORD + (size_t)__builtin_ctzll(word);
    }
    size_t least = at;
    for (unsigned k = 0; k < t->n_levels; k++, at /= BIT_TREE_WORD) {
        uint64_t *word = &t->words[t->first_words[k] + at / BIT_TREE_WORD];
        *word &= *word - 1; // the number is its least
        if (*word != 0) break;
    }
    return least;
}
