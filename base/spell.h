#pragma once
// The nearest valid word to a misspelt one.

#include <stddef.h>

/// Index of the word nearest to text by edit distance with transpositions (of the whole path, or 1
/// + that of the last dotted words), or n_words when none is within 1 + length / 3. Can't fail.
size_t spell_nearest(const char *text, const char *const *words, size_t n_words);
