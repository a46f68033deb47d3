#pragma once
// What the rules read text with: classes as bits, characters, runs. Internal to pretokenize_*.c.

#include <stdbool.h>

#include "shard/tokenizer/pretokenize.h"

enum {
    PRETOKENIZE_N_CODES = 0x110000,
    PRETOKENIZE_BLOCK_CODES = 256,
    PRETOKENIZE_N_BLOCKS = PRETOKENIZE_N_CODES / PRETOKENIZE_BLOCK_CODES,
};

// Sets of classes.
enum {
    SCAN_OTHER = 1 << PRETOKENIZE_OTHER,
    SCAN_PUNCTUATION = 1 << PRETOKENIZE_PUNCTUATION,
    SCAN_MARK = 1 << PRETOKENIZE_MARK,
    SCAN_UPPER = 1 << PRETOKENIZE_UPPER,
    SCAN_LOWER = 1 << PRETOKENIZE_LOWER,
    SCAN_LETTER = 1 << PRETOKENIZE_LETTER,
    SCAN_NUMBER = 1 << PRETOKENIZE_NUMBER,
    SCAN_NEWLINE = 1 << PRETOKENIZE_NEWLINE,
    SCAN_SPACES = 1 << PRETOKENIZE_SPACE | SCAN_NEWLINE,      // \s
    SCAN_LETTERS = SCAN_UPPER | SCAN_LOWER | SCAN_LETTER,     // \p{L}
    SCAN_SYMBOLS = SCAN_OTHER | SCAN_PUNCTUATION | SCAN_MARK, // [^\s\p{L}\p{N}]
    SCAN_BEYOND_ASCII = 0, // of a byte: the first of a character of several bytes, or broken
};

// Classes of code points in blocks of 256; equal blocks are kept once.
struct pretokenize_block {
    uint8_t classes[PRETOKENIZE_BLOCK_CODES];
};

struct pretokenize {
    uint16_t byte_bits[256]; // set of the class of an ASCII byte, SCAN_BEYOND_ASCII for the others
    uint16_t block_of[PRETOKENIZE_N_BLOCKS];
    struct pretokenize_block blocks[];
};

struct scan_character {
    uint32_t n_bytes;
    uint32_t bit; // set of its class
};

/// The character at text.data[0], a byte >= 0x80; *code (may be NULL) is its code, 0xFFFD for a
/// broken byte. text.n_bytes >= 1. Can't fail.
struct scan_character pretokenize_scan_beyond(const struct pretokenize *p, struct span text,
                                              uint32_t *code);

static inline struct scan_character scan_character(const struct pretokenize *p, struct span text,
                                                   size_t at)
{
    uint32_t bit = p->byte_bits[text.data[at]];
    if (bit != SCAN_BEYOND_ASCII) return (struct scan_character){1, bit};
    return pretokenize_scan_beyond(p, (struct span){text.data + at, text.n_bytes - at}, NULL);
}

/// The set that the character at `at` is in; 0 at the end of text.
static inline uint32_t scan_bit(const struct pretokenize *p, struct span text, size_t at)
{
    return at < text.n_bytes ? scan_character(p, text, at).bit : 0;
}

/// End of the run of characters in set that goes on at `at`.
static inline size_t scan_run(const struct pretokenize *p, struct span text, size_t at,
                              uint32_t set)
{
    while (at < text.n_bytes) {
        uint32_t bit = p->byte_bits[text.data[at]];
        if ((bit & set) != 0) {
            at++;
            continue;
        }
        if (bit != SCAN_BEYOND_ASCII) return at;
        struct scan_character c = scan_character(p, text, at);
        if ((c.bit & set) == 0) return at;
        at += c.n_bytes;
    }
    return at;
}

/// \s+(?!\S)|\s+ at the start of text: all of a run that ends the text; else all but its last
/// character, which may belong to the next piece, unless it has only one.
size_t pretokenize_scan_spaces(const struct pretokenize *p, struct span text);
/// \s*[\r\n]+|\s+(?!\S)|\s+ at the start of text: up to the run's last line end, if it has any.
size_t pretokenize_scan_lines(const struct pretokenize *p, struct span text);
/// Length of (?i:'s|'t|'re|'ve|'m|'ll|'d) at `at`, or 0.
size_t pretokenize_scan_contraction(struct span text, size_t at);

/// The rules, a function each, as pretokenize_next.
#define X(NAME, name, regex) \
    size_t pretokenize_##name##_next(const struct pretokenize *p, struct span text);
PRETOKENIZE_TABLE(X)
#undef X
