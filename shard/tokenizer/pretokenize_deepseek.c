// The two rules of DeepSeek that are its own; a rule for digits comes before them. Unlike others
// they leave characters that no alternative takes: what is between matches is a piece too.
#include <string.h>

#include "shard/tokenizer/pretokenize_scan.h"

#include "base/ascii.h"

static size_t han_character(const struct pretokenize *p, struct span text, size_t at)
{
    if (text.data[at] < 0xE3) return 0;
    uint32_t code;
    struct scan_character c =
        pretokenize_scan_beyond(p, (struct span){text.data + at, text.n_bytes - at}, &code);
    bool han = (code >= 0x4E00 && code <= 0x9FA5) || (code >= 0x3040 && code <= 0x30FF);
    return han ? c.n_bytes : 0;
}

size_t pretokenize_deepseek_han_next(const struct pretokenize *p, struct span text)
{
    bool han = han_character(p, text, 0) > 0;
    size_t at = 0;
    while (at < text.n_bytes) {
        size_t n = han_character(p, text, at);
        if ((n > 0) != han) break;
        at += n > 0 ? n : scan_character(p, text, at).n_bytes;
    }
    return at;
}

// [!-/:-~][A-Za-z]+ where the first is no letter; 0 if it does not match.
static size_t ascii_word(const struct pretokenize *p, struct span text)
{
    uint8_t first = text.data[0];
    if (first >= 0x80 || p->byte_bits[first] != SCAN_PUNCTUATION) return 0;
    size_t at = 1;
    while (at < text.n_bytes && ascii_is_letter(text.data[at]))
        at++;
    return at > 1 ? at : 0;
}

// End of the match at the start of text, 0 if there is none:
//     [!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|
//     \s+(?!\S)|\s+
static size_t match(const struct pretokenize *p, struct span text)
{
    size_t end = ascii_word(p, text);
    if (end > 0) return end;
    struct scan_character c = scan_character(p, text, 0);
    bool first = (c.bit & (SCAN_LETTERS | SCAN_PUNCTUATION | SCAN_NEWLINE)) == 0;
    end = first ? scan_run(p, text, c.n_bytes, SCAN_LETTERS | SCAN_MARK) : 0;
    if (end > c.n_bytes) return end;
    end = scan_run(p, text, 0, SCAN_LETTERS | SCAN_MARK);
    if (end > 0) return end;
    size_t space = text.data[0] == ' ';
    end = scan_run(p, text, space, SCAN_PUNCTUATION);
    if (end > space) return scan_run(p, text, end, SCAN_NEWLINE);
    return (c.bit & SCAN_SPACES) != 0 ? pretokenize_scan_lines(p, text) : 0;
}

size_t pretokenize_deepseek_next(const struct pretokenize *p, struct span text)
{
    size_t end = match(p, text);
    if (end > 0) return end;
    while (end < text.n_bytes && match(p, (struct span){text.data + end, text.n_bytes - end}) == 0)
        end += scan_character(p, text, end).n_bytes;
    return end;
}
