// GPT-2's rule:
//     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
#include "shard/tokenizer/pretokenize_scan.h"

// Length of 's 't 're 've 'm 'll 'd at the start of text (which is an apostrophe), or 0.
static size_t contraction(struct span text)
{
    if (text.n_bytes < 2) return 0;
    uint8_t first = text.data[1];
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
    if (text.n_bytes < 3) return 0;
    uint8_t second = text.data[2];
    bool three =
        ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
    return three ? 3 : 0;
}

size_t pretokenize_gpt2_next(const struct pretokenize *p, struct span text)
{
    if (text.data[0] == '\'') {
        size_t n = contraction(text);
        if (n > 0) return n;
    }
    size_t start = text.data[0] == ' ' && text.n_bytes > 1;
    struct scan_character c = scan_character(p, text, start);
    size_t at = start + c.n_bytes;
    if ((c.bit & SCAN_LETTERS) != 0) return scan_run(p, text, at, SCAN_LETTERS);
    if ((c.bit & SCAN_SPACES) != 0) return pretokenize_scan_spaces(p, text);
    return scan_run(p, text, at, c.bit == SCAN_NUMBER ? SCAN_NUMBER : SCAN_SYMBOLS);
}
