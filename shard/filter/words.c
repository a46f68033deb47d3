// A chunk is peeled from both ends until nothing comes off or what is left is special; then it is
// an address and stays whole, or it is cut at what stands between letters. At the end neighbours
// that are an emoticon together become one again.

#include "shard/filter/words.h"

#include <string.h>

#include "base/ascii.h"
#include "base/err.h"
#include "shard/filter/words_special.h"
#include "shard/filter/words_url.h"

struct words {
    const struct filter_characters *characters;
    const struct words_specials *specials;
};

// Bytes [start, end) of a chunk, and the ends of words found so far.
struct splitter {
    const struct words *w;
    const uint8_t *text;
    uint16_t *ends;
    size_t n_ends;
};

const struct words *words_build(const struct filter_characters *characters, struct arena *a)
{
    struct words *w = ARENA_NEW(a, struct words);
    w->characters = characters;
    w->specials = words_specials_build(a);
    return w;
}

static const struct words_special *find_special(const struct splitter *s, size_t start, size_t end)
{
    return words_special_find(s->w->specials, (struct span){s->text + start, end - start});
}

static void put(struct splitter *s, size_t end)
{
    s->ends[s->n_ends++] = (uint16_t)end;
}

static struct filter_character at(const struct splitter *s, size_t i)
{
    return filter_character_at(s->w->characters, s->text + i);
}

static uint32_t classes_at(const struct splitter *s, size_t i, size_t end)
{
    return i < end ? at(s, i).classes : 0;
}

static uint32_t classes_before(const struct splitter *s, size_t start, size_t i)
{
    return start < i
               ? filter_character_before(s->w->characters, s->text + start, s->text + i).classes
               : 0;
}

static size_t run_of_dots(const struct splitter *s, size_t i, size_t end)
{
    size_t n = 0;
    while (i + n < end && s->text[i + n] == '.')
        n++;
    return n;
}

static bool is_dash(uint32_t code)
{
    return code == 0x2013 || code == 0x2014;
}

// Bytes that come off the front, 0 = none.
static size_t prefix_bytes(const struct splitter *s, size_t start, size_t end)
{
    const struct filter_character c = at(s, start);
    if (c.classes & (CHARACTER_CUT | CHARACTER_CURRENCY | CHARACTER_ICON)) return c.n_bytes;
    if (c.code == '.') {
        size_t n = run_of_dots(s, start, end);
        return n > 1 ? n : 0;
    }
    if (c.code == 0xA7 || c.code == '%' || c.code == '=' || is_dash(c.code)) return c.n_bytes;
    if (c.code == '+') return classes_at(s, start + 1, end) & CHARACTER_DIGIT ? 0 : 1;
    const uint8_t *d = s->text + start;
    if (end - start >= 3 && memcmp(d, "US$", 3) == 0) return 3;
    if (end - start >= 2 && (d[0] == 'C' || d[0] == 'A') && d[1] == '$') return 2;
    return 0;
}

// Units that come off a number.
static size_t unit_bytes(const struct splitter *s, size_t start, size_t end)
{
    enum { UNIT_LIMIT = 4 };
    static const char *const units[] = {
        "km/h",     "m/s",      "kmh",     "mph",      "hPa",      "mbar",     "km\u00b2",
        "km\u00b3", "m\u00b2",  "m\u00b3", "cm\u00b2", "cm\u00b3", "mm\u00b2", "mm\u00b3",
        "dm\u00b2", "dm\u00b3", "\u00b5m", "\u00b5g",  "km",       "dm",       "cm",
        "mm",       "ha",       "nm",      "yd",       "in",       "ft",       "kg",
        "mg",       "lb",       "oz",      "Pa",       "mb",       "MB",       "kb",
        "KB",       "gb",       "GB",      "tb",       "TB",       "m",        "g",
        "t",        "T",        "G",       "M",        "K",        "%"};
    size_t n = 0; // bytes behind the last digit
    while (n < UNIT_LIMIT && end - start > n && !ascii_is_digit(s->text[end - n - 1]))
        n++;
    if (end - start == n || !ascii_is_digit(s->text[end - n - 1])) return 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strlen(units[i]) == n && memcmp(s->text + end - n, units[i], n) == 0) return n;
    return 0;
}

// A full stop at the end comes off behind most things, but not behind one capital (J.).
static bool stop_comes_off(const struct splitter *s, size_t start, size_t stop)
{
    if (start == stop) return false;
    const struct filter_character c =
        filter_character_before(s->w->characters, s->text + start, s->text + stop);
    if (c.classes & (CHARACTER_LOWER | CHARACTER_DIGIT | CHARACTER_CUT)) return true;
    if (c.code == '%' || c.code == 0xB2 || c.code == '-' || c.code == '+' || c.code == '|')
        return true;
    if (start + c.n_bytes == stop) return false;
    const struct filter_character before =
        filter_character_before(s->w->characters, s->text + start, s->text + stop - c.n_bytes);
    if (before.code == 0xB0) return c.code == 'F' || c.code == 'C' || c.code == 'K';
    return c.classes & before.classes & CHARACTER_UPPER;
}

// Bytes that come off the back of [start, end), 0 = none.
static size_t suffix_bytes(const struct splitter *s, size_t start, size_t end)
{
    if (start == end) return 0;
    const struct filter_character c =
        filter_character_before(s->w->characters, s->text + start, s->text + end);
    if (c.code == 's' || c.code == 'S') {
        const uint8_t *d = s->text + end;
        if (end - start >= 2 && d[-2] == '\'') return 2;
        if (end - start >= 4 && memcmp(d - 4, "\u2019", 3) == 0) return 4;
    }
    if (c.code == '.') {
        size_t n = 1;
        while (end - n > start && s->text[end - n - 1] == '.')
            n++;
        return n > 1 || stop_comes_off(s, start, end - 1) ? n : 0;
    }
    if (c.classes & (CHARACTER_CUT | CHARACTER_ICON) || is_dash(c.code)) return c.n_bytes;
    const bool behind_digit = classes_before(s, start, end - c.n_bytes) & CHARACTER_DIGIT;
    if (behind_digit && (c.code == '+' || c.classes & CHARACTER_CURRENCY)) return c.n_bytes;
    if (c.classes & CHARACTER_LETTER || c.code == '%' || c.code == 0xB2 || c.code == 0xB3)
        return unit_bytes(s, start, end);
    return 0;
}

// Bytes of a hyphen at i between letters, 0 = none.
static size_t hyphen_bytes(const struct splitter *s, size_t i, size_t end,
                           struct filter_character c)
{
    if (c.code != '-' && c.code != '~' && !is_dash(c.code)) return 0;
    const size_t limit = c.code == '-' ? 3 : c.code == 0x2014 ? 2 : 1;
    for (size_t n = 1, behind = i + c.n_bytes; n <= limit && behind < end; n++) {
        const struct filter_character next = at(s, behind);
        if (next.classes & CHARACTER_LETTER) return behind - i;
        if (next.code != c.code) return 0;
        behind += next.n_bytes;
    }
    return 0;
}

// Bytes of a cut inside [start, end) at i > start, 0 = none.
static size_t infix_bytes(const struct splitter *s, size_t i, size_t end, struct filter_character c,
                          uint32_t before)
{
    if (c.code == 0x2026 || c.classes & CHARACTER_ICON) return c.n_bytes;
    if (c.code == '.') {
        size_t n = run_of_dots(s, i, end);
        if (n > 1) return n;
        return before & (CHARACTER_LOWER | CHARACTER_QUOTE) &&
               classes_at(s, i + 1, end) & (CHARACTER_UPPER | CHARACTER_QUOTE);
    }
    const uint32_t next = classes_at(s, i + c.n_bytes, end);
    if (before & CHARACTER_DIGIT && c.code < 0x80 && c.code && strchr("+-*^", (int)c.code) &&
        (next & CHARACTER_DIGIT || (i + 1 < end && s->text[i + 1] == '-')))
        return 1;
    if (c.code == ',') return before & CHARACTER_LETTER && next & CHARACTER_LETTER;
    if (!(before & (CHARACTER_LETTER | CHARACTER_DIGIT))) return 0;
    if (c.code < 0x80 && c.code && strchr(":<>=/", (int)c.code))
        return next & CHARACTER_LETTER ? 1 : 0;
    return hyphen_bytes(s, i, end, c);
}

static void split_infixes(struct splitter *s, size_t start, size_t end)
{
    size_t word = start;
    uint32_t before = 0;
    for (size_t i = start; i < end;) {
        const struct filter_character c = at(s, i);
        const uint32_t plain = CHARACTER_LETTER | CHARACTER_DIGIT;
        size_t n = c.classes & plain ? 0 : infix_bytes(s, i, end, c, before);
        if (n > 0 && i > start) {
            if (i > word) put(s, i);
            put(s, i + n);
            word = i + n;
        }
        i += n > 0 ? n : c.n_bytes;
        before = n > 0 ? at(s, i - 1).classes : c.classes;
    }
    if (word < end) put(s, end);
}

static void put_special(struct splitter *s, const struct words_special *special, size_t start)
{
    for (size_t i = 0; i < special->n_cuts; i++)
        put(s, start + special->cuts[i]);
    put(s, start + special->n_bytes);
}

static void split_middle(struct splitter *s, size_t start, size_t end)
{
    const struct words_special *special = find_special(s, start, end);
    if (special)
        put_special(s, special, start);
    else if (words_url_matches(s->w->characters, (struct span){s->text + start, end - start}))
        put(s, end);
    else
        split_infixes(s, start, end);
}

struct peeled {
    size_t start, end;
    size_t n_suffixes;
};

// Takes prefixes (put at once) and suffixes (their starts kept, outermost first) off the chunk.
static struct peeled peel(struct splitter *s, size_t n_bytes, uint16_t *suffixes)
{
    struct peeled p = {0, n_bytes, 0};
    while (p.start < p.end && !find_special(s, p.start, p.end)) {
        const size_t prefix = prefix_bytes(s, p.start, p.end);
        if (prefix > 0 && find_special(s, p.start + prefix, p.end)) {
            p.start += prefix;
            put(s, p.start);
            return p;
        }
        const size_t suffix = suffix_bytes(s, p.start + prefix, p.end);
        if (suffix > 0 && find_special(s, p.start, p.end - suffix)) {
            p.end -= suffix;
            suffixes[p.n_suffixes++] = (uint16_t)p.end;
            return p;
        }
        if (prefix + suffix == 0) return p;
        if (prefix > 0) {
            p.start += prefix;
            put(s, p.start);
        }
        if (suffix > 0) {
            p.end -= suffix;
            suffixes[p.n_suffixes++] = (uint16_t)p.end;
        }
    }
    return p;
}

// The special that words from i on are together, and how many of them.
static const struct words_special *find_joined(const struct splitter *s, size_t i, size_t *n_words)
{
    const size_t start = i > 0 ? s->ends[i - 1] : 0;
    const struct words_special *best = NULL;
    for (size_t k = i + 1; k < s->n_ends && s->ends[k] - start <= WORDS_SPECIAL_LIMIT; k++) {
        const struct words_special *special = find_special(s, start, s->ends[k]);
        if (!special || !special->joins) continue;
        best = special;
        *n_words = k + 1 - i;
    }
    return best;
}

static void join_specials(struct splitter *s)
{
    size_t n_out = 0;
    const size_t n_in = s->n_ends;
    for (size_t i = 0; i < n_in;) {
        size_t n_words = 1;
        const struct words_special *special = find_joined(s, i, &n_words);
        const size_t start = i > 0 ? s->ends[i - 1] : 0;
        if (special && special->n_cuts + 1u <= n_words)
            for (size_t c = 0; c < special->n_cuts; c++)
                s->ends[n_out++] = (uint16_t)(start + special->cuts[c]);
        s->ends[n_out++] = s->ends[i + n_words - 1];
        i += n_words;
    }
    s->n_ends = n_out;
}

size_t words_split(const struct words *w, struct span chunk, uint16_t ends[WORDS_CHUNK_LIMIT])
{
    DASSERT(chunk.n_bytes > 0 && chunk.n_bytes <= WORDS_CHUNK_LIMIT);
    struct splitter s = {w, chunk.data, ends, 0};
    uint16_t suffixes[WORDS_CHUNK_LIMIT];
    const struct peeled p = peel(&s, chunk.n_bytes, suffixes);
    if (p.start < p.end) split_middle(&s, p.start, p.end);
    for (size_t i = p.n_suffixes; i > 0; i--)
        put(&s, i > 1 ? suffixes[i - 2] : chunk.n_bytes);
    if (s.n_ends > 1) join_specials(&s);
    return s.n_ends;
}

size_t words_split_letters(const struct words *w, struct span chunk,
                           uint16_t ends[WORDS_CHUNK_LIMIT])
{
    struct splitter s = {w, chunk.data, ends, 0};
    const struct words_special *special = find_special(&s, 0, chunk.n_bytes);
    if (special)
        put_special(&s, special, 0);
    else
        put(&s, chunk.n_bytes);
    return s.n_ends;
}
