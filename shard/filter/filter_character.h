#pragma once
// Classes of characters as the rules need them, and walking over UTF-8 that is known to be
// well-formed (filter_text.h).

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

// Bits; a character may be of several classes.
enum filter_character_class {
    CHARACTER_SPACE = 1 << 0,       // Python's str.isspace
    CHARACTER_LINE_END = 1 << 1,    // where str.splitlines cuts
    CHARACTER_ALPHABETIC = 1 << 2,  // str.isalpha: L*
    CHARACTER_SYMBOL = 1 << 3,      // a word of these alone is no word to Gopher's rules
    CHARACTER_TERMINAL = 1 << 4,    // ends a line to FineWeb's rules
    CHARACTER_PERIOD = 1 << 5,      // a token of it ends a sentence
    CHARACTER_PUNCTUATION = 1 << 6, // P*
    // What the splitter of words (words.c) asks.
    CHARACTER_LETTER = 1 << 7,
    CHARACTER_LOWER = 1 << 8, // letters without case are both
    CHARACTER_UPPER = 1 << 9,
    CHARACTER_DIGIT = 1 << 10, // 0-9
    CHARACTER_CUT = 1 << 11,   // is cut off at both ends of a word
    CHARACTER_QUOTE = 1 << 12,
    CHARACTER_CURRENCY = 1 << 13,
    CHARACTER_ICON = 1 << 14,
    CHARACTER_DECIMAL = 1 << 15, // Nd: \d
};

// The table: classes of code points in blocks of 256, equal blocks kept once. Immutable.
enum { FILTER_CHARACTER_CODES = 0x110000, FILTER_CHARACTER_BLOCK = 256 };
struct filter_character_block {
    uint16_t classes[FILTER_CHARACTER_BLOCK];
};
struct filter_characters {
    uint16_t ascii[256]; // of a byte; 0 for those that are not ASCII
    uint16_t block_of[FILTER_CHARACTER_CODES / FILTER_CHARACTER_BLOCK];
    struct filter_character_block blocks[];
};

/// Classes of all code points, from utf8proc's Unicode data, in a. Can't fail.
const struct filter_characters *filter_characters_build(struct arena *a);
/// Classes of a code point below 0x110000. Can't fail.
uint32_t filter_character_classes(const struct filter_characters *t, uint32_t code);

struct filter_character {
    uint32_t code, n_bytes, classes;
};
/// The character that begins at data, of well-formed UTF-8, not ASCII. Can't fail.
struct filter_character filter_character_beyond(const struct filter_characters *t,
                                                const uint8_t *data);
/// The character that begins at data, of well-formed UTF-8. Can't fail.
static inline struct filter_character filter_character_at(const struct filter_characters *t,
                                                          const uint8_t *data)
{
    if (*data < 0x80) return (struct filter_character){*data, 1, t->ascii[*data]};
    return filter_character_beyond(t, data);
}
/// The character that ends before end, of well-formed UTF-8 after start. Can't fail.
struct filter_character filter_character_before(const struct filter_characters *t,
                                                const uint8_t *start, const uint8_t *end);
/// text without space at both ends (str.strip). Can't fail.
struct span filter_character_strip(const struct filter_characters *t, struct span text);
/// How many characters well-formed UTF-8 has. Can't fail.
size_t filter_character_count(struct span text);
