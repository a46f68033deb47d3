// Two passes: the first lowers, replaces numbers and punctuation and collapses whitespace, the
// second, for text with anything but ASCII in it, decomposes and drops marks. In ASCII all but
// letters and digits is punctuation or whitespace.

#include "shard/dedup/simplify.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <utf8proc.h>

#include "base/ascii.h"

enum { CHARACTER_BYTES = 4, ASCII_END = 0x80, REPLACEMENT = 0xfffd, DECOMPOSED_LIMIT = 32 };

static const uint16_t PUNCTUATION[] = {
    0x00ab, 0x00b4, 0x00bb, 0x2013, 0x2014, 0x2019, 0x201c, 0x201d, 0x201e, 0x2026, 0x2236, 0x2501,
    0x25ba, 0x3001, 0x3002, 0x3008, 0x3009, 0x300a, 0x300b, 0x300c, 0x300d, 0x3010, 0x3011, 0xff01,
    0xff05, 0xff08, 0xff09, 0xff0c, 0xff0e, 0xff11, 0xff1a, 0xff1b, 0xff1f, 0xff5e};
static const uint16_t SPACES[] = {0x00a0, 0x1680, 0x2000, 0x2001, 0x2002, 0x2003,
                                  0x2004, 0x2005, 0x2006, 0x2007, 0x2008, 0x2009,
                                  0x200a, 0x2028, 0x2029, 0x202f, 0x205f, 0x3000};
static const uint16_t DECIMAL_MARKS[] = {',', '.', 0x060c, 0x066b, 0x2396, 0x2397, 0x2398};
// Unicode's Case_Ignorable by Word_Break (MidLetter, MidNumLet, Single_Quote); the rest of it is
// whole categories.
static const uint16_t IGNORABLE[] = {0x0027, 0x002e, 0x003a, 0x00b7, 0x0387, 0x055f,
                                     0x05f4, 0x2018, 0x2019, 0x2024, 0x2027, 0xfe13,
                                     0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};
// Other_Lowercase and Other_Uppercase outside the letters with case (without those that are
// ignorable too, for they are skipped).
static const struct {
    uint32_t first, last;
} OTHER_CASED[] = {{0x00aa, 0x00aa},   {0x00ba, 0x00ba},   {0x2160, 0x217f},  {0x24b6, 0x24e9},
                   {0x1f130, 0x1f149}, {0x1f150, 0x1f169}, {0x1f170, 0x1f189}};

#define IS_IN(list, code) is_in(list, sizeof(list) / sizeof *(list), code)

static bool is_in(const uint16_t *list, size_t n, uint32_t code)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == code) return true;
    return false;
}

static bool is_space(uint32_t code)
{
    if (code < ASCII_END)
        return code == ' ' || (code >= 9 && code <= 13) || (code >= 28 && code < 32);
    return code == 0x85 || IS_IN(SPACES, code);
}

static bool is_punctuation(uint32_t code)
{
    if (code < 0xa0)
        return code > 0x7e || !((code >= '0' && code <= '9') || (code >= 'A' && code <= 'Z') ||
                                (code >= 'a' && code <= 'z'));
    return IS_IN(PUNCTUATION, code);
}

static utf8proc_category_t category(uint32_t code)
{
    return utf8proc_category((utf8proc_int32_t)code);
}

static bool is_digit(uint32_t code)
{
    if (code < ASCII_END) return code >= '0' && code <= '9';
    return category(code) == UTF8PROC_CATEGORY_ND;
}

struct character {
    uint32_t code;
    size_t n_bytes; // in the text
};

static struct character character_at(struct span text, size_t at)
{
    if (text.data[at] < ASCII_END) return (struct character){text.data[at], 1};
    utf8proc_int32_t code;
    const utf8proc_ssize_t n =
        utf8proc_iterate(text.data + at, (utf8proc_ssize_t)(text.n_bytes - at), &code);
    return n > 0 ? (struct character){(uint32_t)code, (size_t)n}
                 : (struct character){REPLACEMENT, 1};
}

static struct character character_before(struct span text, size_t at)
{
    size_t n = 1;
    while (n < CHARACTER_BYTES && n < at && (text.data[at - n] & 0xc0) == 0x80)
        n++;
    const struct character c = character_at(text, at - n);
    return c.n_bytes == n ? c : (struct character){REPLACEMENT, 1};
}

static bool is_ignorable(uint32_t code)
{
    switch ((int)category(code)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
        return true;
    default:
        return IS_IN(IGNORABLE, code);
    }
}

static bool is_cased(uint32_t code)
{
    const utf8proc_category_t c = category(code);
    if (c == UTF8PROC_CATEGORY_LU || c == UTF8PROC_CATEGORY_LL || c == UTF8PROC_CATEGORY_LT)
        return true;
    for (size_t i = 0; i < sizeof OTHER_CASED / sizeof *OTHER_CASED; i++)
        if (code >= OTHER_CASED[i].first && code <= OTHER_CASED[i].last) return true;
    return false;
}

// Unicode's Final_Sigma (3.13): a cased letter before the sigma at `at`, none behind it, whatever
// is ignorable between them. sigma_bytes is its length.
static bool ends_word(struct span text, size_t at, size_t sigma_bytes)
{
    struct character c = {REPLACEMENT, 0};
    bool cased = false;
    for (size_t i = at; i > 0 && !cased; i -= c.n_bytes) {
        c = character_before(text, i);
        if (is_ignorable(c.code)) continue;
        cased = is_cased(c.code);
        break;
    }
    if (!cased) return false;
    for (size_t i = at + sigma_bytes; i < text.n_bytes; i += c.n_bytes) {
        c = character_at(text, i);
        if (!is_ignorable(c.code)) return !is_cased(c.code);
    }
    return true;
}

void simplify_buffer_begin(struct simplify_buffer *b, size_t n_bytes, struct arena *a)
{
    *b = (struct simplify_buffer){.arena = a,
                                  .capacity = n_bytes + n_bytes / 16 + 2 * CHARACTER_BYTES};
    b->data = ARENA_ARRAY(a, uint8_t, b->capacity);
}

static void make_room(struct simplify_buffer *b, size_t n_bytes)
{
    if (b->capacity - b->n_bytes < n_bytes)
        b->data = ARENA_GROW(b->arena, uint8_t, b->data, b->n_bytes + n_bytes, &b->capacity);
}

static void put(struct simplify_buffer *b, uint32_t code)
{
    make_room(b, CHARACTER_BYTES);
    if (code < ASCII_END)
        b->data[b->n_bytes++] = (uint8_t)code;
    else
        b->n_bytes += (size_t)utf8proc_encode_char((utf8proc_int32_t)code, b->data + b->n_bytes);
}

// The one letter that becomes two is U+0130.
static void put_lower(struct simplify_buffer *b, struct span text, size_t at, struct character c)
{
    enum {
        CAPITAL_SIGMA = 0x03a3,
        FINAL_SIGMA = 0x03c2,
        SIGMA = 0x03c3,
        I_WITH_DOT = 0x0130,
        DOT = 0x0307
    };
    if (c.code < ASCII_END)
        put(b, c.code >= 'A' && c.code <= 'Z' ? c.code | 0x20 : c.code);
    else if (c.code == CAPITAL_SIGMA)
        put(b, ends_word(text, at, c.n_bytes) ? FINAL_SIGMA : SIGMA);
    else
        put(b, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c.code));
    if (c.code == I_WITH_DOT) put(b, DOT);
}

static size_t skip_digits(struct span text, size_t at)
{
    while (at < text.n_bytes) {
        const struct character c = character_at(text, at);
        if (!is_digit(c.code)) break;
        at += c.n_bytes;
    }
    return at;
}

// Where the number that begins at `at` ends: digits, and digits behind one decimal mark.
static size_t skip_number(struct span text, size_t at)
{
    at = skip_digits(text, at);
    if (at == text.n_bytes) return at;
    const struct character mark = character_at(text, at);
    if (!IS_IN(DECIMAL_MARKS, mark.code)) return at;
    const size_t end = skip_digits(text, at + mark.n_bytes);
    return end > at + mark.n_bytes ? end : at;
}

// One character that is not whitespace or punctuation in the text, or a number.
static size_t put_solid(struct simplify_buffer *o, struct span text, size_t at, struct character c)
{
    if (is_digit(c.code)) {
        put(o, '0');
        return skip_number(text, at);
    }
    put_lower(o, text, at, c);
    return at + c.n_bytes;
}

// The ASCII letters from at on, most of most texts; returns where they end.
static size_t put_letters(struct simplify_buffer *o, struct span text, size_t at)
{
    size_t end = at;
    while (end < text.n_bytes && ascii_is_letter(text.data[end]))
        end++;
    make_room(o, end - at);
    for (; at < end; at++)
        o->data[o->n_bytes++] = text.data[at] | 0x20;
    return end;
}

static struct span collapse(struct span text, struct arena *a)
{
    struct simplify_buffer o;
    simplify_buffer_begin(&o, text.n_bytes, a);
    bool apart = false; // whitespace before the next character
    for (size_t at = 0; at < text.n_bytes;) {
        const struct character c = character_at(text, at);
        if (!is_digit(c.code) && (is_punctuation(c.code) || is_space(c.code))) {
            apart = o.n_bytes > 0;
            at += c.n_bytes;
            continue;
        }
        if (apart) put(&o, ' ');
        apart = false;
        at = c.code < ASCII_END && ascii_is_letter((uint8_t)c.code) ? put_letters(&o, text, at)
                                                                    : put_solid(&o, text, at, c);
    }
    return (struct span){o.data, o.n_bytes};
}

// Marks of one character that stay (spacing marks with a combining class), to be put in order.
struct marks {
    struct {
        uint32_t code;
        uint8_t combining_class;
    } * list;
    size_t n, capacity;
};

// Stable by class; a counting sort, for a run may be as long as the text.
static void put_marks(struct simplify_buffer *o, struct marks *m)
{
    size_t counts[256] = {0};
    for (size_t i = 0; i < m->n; i++)
        counts[m->list[i].combining_class]++;
    for (size_t class = 1; class < 256; class ++)
        for (size_t i = 0; i < m->n && counts[class] > 0; i++)
            if (m->list[i].combining_class == class) {
                put(o, m->list[i].code);
                counts[class]--;
            }
    m->n = 0;
}

static void put_decomposed(struct simplify_buffer *o, struct marks *m, uint32_t code)
{
    const utf8proc_property_t *p = utf8proc_get_property((utf8proc_int32_t)code);
    const bool stays = p->category != UTF8PROC_CATEGORY_MN;
    if (p->combining_class == 0) {
        if (m->n > 0) put_marks(o, m);
        if (stays) put(o, code);
    } else if (stays) {
        m->list = arena_grow(o->arena, m->list, m->n + 1, &m->capacity, sizeof *m->list,
                             alignof(uint32_t));
        m->list[m->n].code = code;
        m->list[m->n++].combining_class = (uint8_t)p->combining_class;
    }
}

static struct span decompose(struct span text, struct arena *a)
{
    struct simplify_buffer o;
    struct marks marks = {0};
    simplify_buffer_begin(&o, text.n_bytes, a);
    for (size_t at = 0; at < text.n_bytes;) {
        const struct character c = character_at(text, at);
        at += c.n_bytes;
        if (c.code < ASCII_END) {
            put_decomposed(&o, &marks, c.code);
            continue;
        }
        utf8proc_int32_t codes[DECOMPOSED_LIMIT];
        int boundary = 0;
        const utf8proc_ssize_t n = utf8proc_decompose_char(
            (utf8proc_int32_t)c.code, codes, DECOMPOSED_LIMIT, UTF8PROC_DECOMPOSE, &boundary);
        for (utf8proc_ssize_t i = 0; i < n && i < DECOMPOSED_LIMIT; i++)
            put_decomposed(&o, &marks, (uint32_t)codes[i]);
    }
    put_marks(&o, &marks);
    return (struct span){o.data, o.n_bytes};
}

// Taking marks away may bare a space at either end.
static struct span strip(struct span text)
{
    while (text.n_bytes > 0 && text.data[0] == ' ')
        text = (struct span){text.data + 1, text.n_bytes - 1};
    while (text.n_bytes > 0 && text.data[text.n_bytes - 1] == ' ')
        text.n_bytes--;
    return text;
}

static bool is_ascii(struct span text)
{
    uint8_t all = 0;
    for (size_t i = 0; i < text.n_bytes; i++)
        all |= text.data[i];
    return all < ASCII_END;
}

struct span simplify_text(struct span text, struct arena *a)
{
    const struct span collapsed = collapse(text, a);
    return is_ascii(collapsed) ? collapsed : strip(decompose(collapsed, a));
}

static struct span strip_spaces(struct span line)
{
    size_t first = 0, last = line.n_bytes;
    while (first < last) {
        const struct character c = character_at(line, first);
        if (!is_space(c.code)) break;
        first += c.n_bytes;
    }
    while (last > first) {
        const struct character c = character_before(line, last);
        if (!is_space(c.code)) break;
        last -= c.n_bytes;
    }
    return (struct span){line.data + first, last - first};
}

struct span simplify_lower(struct span line, struct simplify_buffer *b)
{
    line = strip_spaces(line);
    b->n_bytes = 0;
    struct character c;
    for (size_t at = 0; at < line.n_bytes; at += c.n_bytes) {
        c = character_at(line, at);
        put_lower(b, line, at, c);
    }
    return (struct span){b->data, b->n_bytes};
}

struct span simplify_ccnet(struct span line, struct simplify_buffer *b)
{
    line = strip_spaces(line);
    b->n_bytes = 0;
    struct character c;
    for (size_t at = 0; at < line.n_bytes; at += c.n_bytes) {
        c = character_at(line, at);
        const bool is_control = c.code < 32 || (c.code >= 127 && c.code < 160);
        if (is_digit(c.code))
            put(b, '0');
        else if (!is_control && !IS_IN(PUNCTUATION, c.code))
            put_lower(b, line, at, c);
    }
    return (struct span){b->data, b->n_bytes};
}
