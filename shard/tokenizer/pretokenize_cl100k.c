// cl100k's rule, which is Llama 3's, and Qwen 2's, where each digit is alone:
//     (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|
//     \s*[\r\n]+|\s+(?!\S)|\s+
// tiktoken writes cl100k's with possessive quantifiers and with \s++$ before \s*[\r\n]: spaces that
// end a text then stay together with line ends before them. No token of its vocabulary ends in
// spaces after a line end, so both give the same ids.
#include "shard/tokenizer/pretokenize_scan.h"

static size_t digits_end(const struct pretokenize *p, struct span text, size_t limit)
{
    size_t at = 0;
    for (size_t n = 0; n < limit && scan_bit(p, text, at) == SCAN_NUMBER; n++)
        at += scan_character(p, text, at).n_bytes;
    return at;
}

static inline size_t next(const struct pretokenize *p, struct span text, size_t limit_digits)
{
    if (text.data[0] == '\'') {
        size_t n = pretokenize_scan_contraction(text, 0);
        if (n > 0) return n;
    }
    struct scan_character c = scan_character(p, text, 0);
    if ((c.bit & SCAN_LETTERS) != 0) return scan_run(p, text, c.n_bytes, SCAN_LETTERS);
    if (c.bit == SCAN_NUMBER) return digits_end(p, text, limit_digits);
    size_t start = c.bit == SCAN_NEWLINE ? 0 : scan_run(p, text, c.n_bytes, SCAN_LETTERS);
    if (start > c.n_bytes) return start;
    size_t space = text.data[0] == ' ';
    if ((scan_bit(p, text, space) & SCAN_SYMBOLS) == 0) return pretokenize_scan_lines(p, text);
    return scan_run(p, text, scan_run(p, text, space, SCAN_SYMBOLS), SCAN_NEWLINE);
}

size_t pretokenize_cl100k_next(const struct pretokenize *p, struct span text)
{
    return next(p, text, 3);
}

size_t pretokenize_qwen2_next(const struct pretokenize *p, struct span text)
{
    return next(p, text, 1);
}

// \p{N}{1,3} or \p{N}, and what is between.
static size_t digits_next(const struct pretokenize *p, struct span text, size_t limit)
{
    size_t end = digits_end(p, text, limit);
    return end > 0 ? end : scan_run(p, text, 0, (uint32_t)~SCAN_NUMBER);
}

size_t pretokenize_digits_next(const struct pretokenize *p, struct span text)
{
    return digits_next(p, text, 1);
}

size_t pretokenize_digits3_next(const struct pretokenize *p, struct span text)
{
    return digits_next(p, text, 3);
}
