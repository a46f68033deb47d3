#pragma once
// Strings that the splitter of words treats in their own way: contractions (ca|n't, who|'s),
// abbreviations (Mr., e.g.), emoticons. English ones are made from a few stems and endings.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

enum { WORDS_SPECIAL_LIMIT = 16 }; // bytes of the longest

struct words_special {
    uint8_t text[WORDS_SPECIAL_LIMIT];
    uint8_t n_bytes;
    uint8_t n_cuts; // falls apart at cuts, ascending
    uint8_t cuts[2];
    bool joins; // has more than letters: words that were cut apart become it again
};

struct words_specials; // immutable

/// The table, in a. Can't fail.
const struct words_specials *words_specials_build(struct arena *a);
/// The row of text, NULL if there is none. Can't fail.
const struct words_special *words_special_find(const struct words_specials *s, struct span text);
