#include "shard/tokenizer/pretokenize.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#include "base/err.h"

// Classes of code points in blocks of 256; equal blocks are kept once (about 100 of 4,352 differ).
enum {
    N_CODES = 0x110000,
    BLOCK_CODES = 256,
    N_BLOCKS = N_CODES / BLOCK_CODES,
    BEYOND_ASCII = 255
};

struct block {
    uint8_t classes[BLOCK_CODES];
};

struct pretokenize {
    uint8_t byte_classes[256]; // class of an ASCII byte, BEYOND_ASCII for the others
    uint16_t block_of[N_BLOCKS];
    struct block blocks[];
};

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
    if (is_white_space(code)) return PRETOKENIZE_SPACE;
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code);
    if (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO)
        return PRETOKENIZE_LETTER;
    if (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO)
        return PRETOKENIZE_NUMBER;
    return PRETOKENIZE_OTHER;
}

const struct pretokenize *pretokenize_build(struct arena *a)
{
    struct arena scratch;
    arena_init(&scratch, "pretokenize");
    struct block *blocks = ARENA_ARRAY(&scratch, struct block, N_BLOCKS);
    uint16_t *block_of = ARENA_ARRAY(&scratch, uint16_t, N_BLOCKS);
    size_t n_blocks = 0;
    for (uint32_t b = 0; b < N_BLOCKS; b++) {
        struct block *fresh = &blocks[n_blocks];
        for (uint32_t i = 0; i < BLOCK_CODES; i++)
            fresh->classes[i] = (uint8_t)class_of(b * BLOCK_CODES + i);
        size_t same = 0;
        while (memcmp(&blocks[same], fresh, sizeof *fresh) != 0)
            same++;
        block_of[b] = (uint16_t)same;
        n_blocks += same == n_blocks;
    }
    struct pretokenize *p =
        arena_alloc(a, sizeof *p + n_blocks * sizeof *blocks, alignof(struct pretokenize));
    memcpy(p->block_of, block_of, sizeof p->block_of);
    memcpy(p->blocks, blocks, n_blocks * sizeof *blocks);
    for (uint32_t i = 0; i < 256; i++)
        p->byte_classes[i] = i < 0x80 ? p->blocks[p->block_of[0]].classes[i] : BEYOND_ASCII;
    arena_fini(&scratch);
    return p;
}

enum pretokenize_class pretokenize_class(const struct pretokenize *p, uint32_t code)
{
    DASSERT(code < N_CODES);
    return p->blocks[p->block_of[code / BLOCK_CODES]].classes[code % BLOCK_CODES];
}

struct character {
    uint32_t n_bytes;
    uint32_t class;
};

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xC0) == 0x80;
}

// The character at text[0], a byte >= 0x80. Well-formed UTF-8 is Unicode's table 3-7.
static struct character character_beyond_ascii(const struct pretokenize *p, struct span text)
{
    const struct character broken = {1, PRETOKENIZE_OTHER};
    const uint8_t *d = text.data;
    uint32_t code, n_bytes;
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
        if (code < 0x10000 || code >= N_CODES) return broken;
        n_bytes = 4;
    }
    return (struct character){n_bytes, pretokenize_class(p, code)};
}

static struct character character_at(const struct pretokenize *p, struct span text, size_t at)
{
    uint32_t class = p->byte_classes[text.data[at]];
    if (class != BEYOND_ASCII) return (struct character){1, class};
    return character_beyond_ascii(p, (struct span){text.data + at, text.n_bytes - at});
}

// End of the run of characters of class that goes on at `at`.
static size_t run_end(const struct pretokenize *p, struct span text, size_t at, uint32_t class)
{
    while (at < text.n_bytes) {
        uint32_t here = p->byte_classes[text.data[at]];
        if (here == class) {
            at++;
            continue;
        }
        if (here != BEYOND_ASCII) return at;
        struct character c = character_at(p, text, at);
        if (c.class != class) return at;
        at += c.n_bytes;
    }
    return at;
}

// \s+(?!\S)|\s+ : all of a run that ends the text; else all but its last character, which may
// belong to the next piece, unless it has only one.
static size_t space_end(const struct pretokenize *p, struct span text)
{
    size_t at = 0, last = 0;
    while (at < text.n_bytes) {
        struct character c = character_at(p, text, at);
        if (c.class != PRETOKENIZE_SPACE) return last > 0 ? last : at;
        last = at;
        at += c.n_bytes;
    }
    return at;
}

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

size_t pretokenize_next(const struct pretokenize *p, struct span text)
{
    DASSERT(text.n_bytes > 0);
    if (text.data[0] == '\'') {
        size_t n = contraction(text);
        if (n > 0) return n;
    }
    size_t start = text.data[0] == ' ' && text.n_bytes > 1;
    struct character c = character_at(p, text, start);
    if (c.class == PRETOKENIZE_SPACE) return space_end(p, text);
    return run_end(p, text, start + c.n_bytes, c.class);
}
