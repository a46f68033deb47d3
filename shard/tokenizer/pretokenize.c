#include "shard/tokenizer/pretokenize.h"

#include <string.h>
#include <utf8proc.h>

#include "base/ascii.h"
#include "base/err.h"
#include "shard/tokenizer/pretokenize_scan.h"

static bool is_white_space(uint32_t code)
{
    if (code <= 0x20) return code == 0x20 || (code >= 0x09 && code <= 0x0D);
    if (code < 0x1680) return code == 0x85 || code == 0xA0;
    if (code >= 0x2000 && code <= 0x200A) return true;
    return code == 0x1680 || code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F ||
           code == 0x3000;
}

static enum pretokenize_class class_of(uint32_t code)
{
    if (code == '\r' || code == '\n') return PRETOKENIZE_NEWLINE;
    if (is_white_space(code)) return PRETOKENIZE_SPACE;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    if (category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT)
        return PRETOKENIZE_UPPER;
    if (category == UTF8PROC_CATEGORY_LL) return PRETOKENIZE_LOWER;
    if (category == UTF8PROC_CATEGORY_LM || category == UTF8PROC_CATEGORY_LO)
        return PRETOKENIZE_LETTER;
    if (category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME)
        return PRETOKENIZE_MARK;
    if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO)
        return PRETOKENIZE_NUMBER;
    if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_SO)
        return PRETOKENIZE_PUNCTUATION;
    return PRETOKENIZE_OTHER;
}

// Of 4,352 blocks about 150 differ.
static size_t blocks_build(struct pretokenize_block *blocks, uint16_t *block_of)
{
    size_t n_blocks = 0;
    for (uint32_t b = 0; b < PRETOKENIZE_N_BLOCKS; b++) {
        struct pretokenize_block *fresh = &blocks[n_blocks];
        for (uint32_t i = 0; i < PRETOKENIZE_BLOCK_CODES; i++)
            fresh->classes[i] = (uint8_t)class_of(b * PRETOKENIZE_BLOCK_CODES + i);
        size_t same = b == 0 || memcmp(&blocks[block_of[b - 1]], fresh, sizeof *fresh) != 0
                          ? 0
                          : block_of[b - 1];
        while (memcmp(&blocks[same], fresh, sizeof *fresh) != 0)
            same++;
        block_of[b] = (uint16_t)same;
        n_blocks += same == n_blocks;
    }
    return n_blocks;
}

const struct pretokenize *pretokenize_build(struct arena *a)
{
    struct arena scratch;
    arena_init(&scratch, "pretokenize");
    struct pretokenize_block *blocks =
        ARENA_ARRAY(&scratch, struct pretokenize_block, PRETOKENIZE_N_BLOCKS);
    uint16_t *block_of = ARENA_ARRAY(&scratch, uint16_t, PRETOKENIZE_N_BLOCKS);
    size_t n_blocks = blocks_build(blocks, block_of);
    struct pretokenize *p =
        arena_alloc(a, sizeof *p + n_blocks * sizeof *blocks, alignof(struct pretokenize));
    memcpy(p->block_of, block_of, sizeof p->block_of);
    memcpy(p->blocks, blocks, n_blocks * sizeof *blocks);
    for (uint32_t i = 0; i < 0x80; i++)
        p->byte_bits[i] = (uint16_t)(1u << pretokenize_class(p, i));
    arena_fini(&scratch);
    return p;
}

enum pretokenize_class pretokenize_class(const struct pretokenize *p, uint32_t code)
{
    DASSERT(code < PRETOKENIZE_N_CODES);
    return p->blocks[p->block_of[code / PRETOKENIZE_BLOCK_CODES]]
        .classes[code % PRETOKENIZE_BLOCK_CODES];
}

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

// Well-formed UTF-8 is Unicode's table 3-7.
struct scan_character pretokenize_scan_beyond(const struct pretokenize *p, struct span text,
                                              uint32_t *code_out)
{
    const struct scan_character broken = {1, SCAN_PUNCTUATION}; // as U+FFFD, a symbol
    const uint8_t *d = text.data;
    uint32_t code, n_bytes;
    if (code_out != NULL) *code_out = 0xFFFD;
    if (d[0] < 0xC2 || d[0] > 0xF4) return broken;
    if (d[0] < 0xE0) {
        if (text.n_bytes < 2 || !is_continuation(d[1])) return broken;
        code = (d[0] & 0x1Fu) << 6 | (d[1] & 0x3Fu);
        n_bytes = 2;
    } else if (d[0] < 0xF0) {
        if (text.n_bytes < 3 || !is_continuation(d[1]) || !is_continuation(d[2])) return broken;
        code = (d[0] & 0x0Fu) << 12 | (d[1] & 0x3Fu) << 6 | (d[2] & 0x3Fu);
        if (code < 0x800 || (code >= 0xD800 && code < 0xE000)) return broken;
        n_bytes = 3;
    } else {
        if (text.n_bytes < 4 || !is_continuation(d[1]) || !is_continuation(d[2]) ||
            !is_continuation(d[3]))
            return broken;
        code = (d[0] & 0x07u) << 18 | (d[1] & 0x3Fu) << 12 | (d[2] & 0x3Fu) << 6 | (d[3] & 0x3Fu);
        if (code < 0x10000 || code >= PRETOKENIZE_N_CODES) return broken;
        n_bytes = 4;
    }
    if (code_out != NULL) *code_out = code;
    return (struct scan_character){n_bytes, 1u << pretokenize_class(p, code)};
}

size_t pretokenize_character(const struct pretokenize *p, struct span text)
{
    return scan_character(p, text, 0).n_bytes;
}

size_t pretokenize_scan_spaces(const struct pretokenize *p, struct span text)
{
    size_t at = 0, last = 0;
    while (at < text.n_bytes) {
        struct scan_character c = scan_character(p, text, at);
        if ((c.bit & SCAN_SPACES) == 0) return last > 0 ? last : at;
        last = at;
        at += c.n_bytes;
    }
    return at;
}

size_t pretokenize_scan_lines(const struct pretokenize *p, struct span text)
{
    size_t at = 0, last = 0, lines_end = 0;
    while (at < text.n_bytes) {
        struct scan_character c = scan_character(p, text, at);
        if ((c.bit & SCAN_SPACES) == 0) break;
        last = at;
        at += c.n_bytes;
        if (c.bit == SCAN_NEWLINE) lines_end = at;
    }
    if (lines_end > 0) return lines_end;
    return at == text.n_bytes || last == 0 ? at : last;
}

size_t pretokenize_scan_contraction(struct span text, size_t at)
{
    if (text.n_bytes - at < 2 || text.data[at] != '\'') return 0;
    uint8_t first = ascii_lower(text.data[at + 1]);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
    if (text.n_bytes - at < 3) return 0;
    if (first == 0xC5 && text.data[at + 2] == 0xBF) return 3; // long s is an s
    uint8_t second = ascii_lower(text.data[at + 2]);
    bool three =
        ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
    return three ? 3 : 0;
}
