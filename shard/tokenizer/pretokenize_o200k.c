// o200k's rule, and tekken's, where words take no contraction and each digit is alone. With U for
// [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] and L for [\p{Ll}\p{Lm}\p{Lo}\p{M}]:
//     [^\r\n\p{L}\p{N}]?U*L+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
//     [^\r\n\p{L}\p{N}]?U+L*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|
//     \p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// U* takes all it can; if no L follows, it gives back to the last character that is both, which is
// then all that L+ gets. A mark is tried as the first, optional character, and then as U or L.
#include "shard/tokenizer/pretokenize_scan.h"

enum {
    SCAN_BOTH = SCAN_LETTER | SCAN_MARK,
    SCAN_U = SCAN_UPPER | SCAN_BOTH,
    SCAN_L = SCAN_LOWER | SCAN_BOTH,
};

// End of U*L+ at `at`, 0 if it does not match.
static size_t lower_word(const struct pretokenize *p, struct span text, size_t at)
{
    size_t both_end = 0;
    while (at < text.n_bytes) {
        struct scan_character c = scan_character(p, text, at);
        if ((c.bit & SCAN_U) == 0) {
            if (c.bit != SCAN_LOWER) break;
            return scan_run(p, text, at + c.n_bytes, SCAN_L);
        }
        at += c.n_bytes;
        if ((c.bit & SCAN_BOTH) != 0) both_end = at;
    }
    return both_end;
}

// End of U+L* at `at` where U*L+ does not match; 0 if it does not match.
static size_t upper_word(const struct pretokenize *p, struct span text, size_t at)
{
    size_t end = scan_run(p, text, at, SCAN_U);
    return end > at ? end : 0;
}

// End of the word that text begins with, 0 if none; c is its first character.
static size_t word_end(const struct pretokenize *p, struct span text, struct scan_character c)
{
    bool first = (c.bit & (SCAN_LETTERS | SCAN_NUMBER | SCAN_NEWLINE)) == 0;
    size_t end = first ? lower_word(p, text, c.n_bytes) : 0;
    if (end == 0) end = lower_word(p, text, 0);
    if (end == 0 && first) end = upper_word(p, text, c.n_bytes);
    return end == 0 ? upper_word(p, text, 0) : end;
}

static size_t digits_end(const struct pretokenize *p, struct span text, size_t limit)
{
    size_t at = 0;
    for (size_t n = 0; n < limit && scan_bit(p, text, at) == SCAN_NUMBER; n++)
        at += scan_character(p, text, at).n_bytes;
    return at;
}

// [^\s\p{L}\p{N}]+[\r\n/]* at `at`.
static size_t symbols_end(const struct pretokenize *p, struct span text, size_t at)
{
    at = scan_run(p, text, at, SCAN_SYMBOLS);
    while (at < text.n_bytes &&
           (text.data[at] == '\r' || text.data[at] == '\n' || text.data[at] == '/'))
        at++;
    return at;
}

static inline size_t next(const struct pretokenize *p, struct span text, bool contractions,
                          size_t limit_digits)
{
    struct scan_character c = scan_character(p, text, 0);
    if (c.bit == SCAN_NUMBER) return digits_end(p, text, limit_digits);
    size_t end = word_end(p, text, c);
    if (end > 0) return contractions ? end + pretokenize_scan_contraction(text, end) : end;
    size_t space = text.data[0] == ' ';
    if ((scan_bit(p, text, space) & SCAN_SYMBOLS) != 0) return symbols_end(p, text, space);
    return pretokenize_scan_lines(p, text);
}

size_t pretokenize_o200k_next(const struct pretokenize *p, struct span text)
{
    return next(p, text, true, 3);
}

size_t pretokenize_tekken_next(const struct pretokenize *p, struct span text)
{
    return next(p, text, false, 1);
}
