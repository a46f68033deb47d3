#include "shard/extract/charset.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "shard/extract/charset_guess.h"
#include "shard/extract/charset_label.h"

// The standard reads 1024 bytes ahead, then starts again if a later <meta> says otherwise.
enum { META_LIMIT_BYTES = 1 << 16 };

static const struct charset utf8 = {"UTF-8", "", false}, utf16le = {"UTF-16LE", "", false},
                            utf16be = {"UTF-16BE", "", false};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool starts(struct span s, const char *text)
{
    const size_t n = strlen(text);
    return s.n_bytes >= n && strncasecmp((const char *)s.data, text, n) == 0;
}

static struct span after(struct span s, size_t n)
{
    return (struct span){s.data + n, s.n_bytes - n};
}

// What is said

// The label after "charset" = in a Content-Type: `text/html; charset="utf-8"`.
static struct span find_parameter(struct span s)
{
    for (; s.n_bytes; s = after(s, 1)) {
        if (!starts(s, "charset")) continue;
        struct span rest = after(s, 7);
        while (rest.n_bytes && is_space(rest.data[0]))
            rest = after(rest, 1);
        if (!rest.n_bytes || rest.data[0] != '=') continue;
        rest = after(rest, 1);
        while (rest.n_bytes &&
               (is_space(rest.data[0]) || rest.data[0] == '"' || rest.data[0] == '\''))
            rest = after(rest, 1);
        size_t n = 0;
        while (n < rest.n_bytes && !is_space(rest.data[n]) && !strchr(";\"'", rest.data[n]))
            n++;
        return (struct span){rest.data, n};
    }
    return (struct span){0};
}

static const struct charset *find_hint(struct span hint)
{
    const struct charset *c = charset_label_find(hint);
    return c ? c : charset_label_find(find_parameter(hint));
}

// One attribute of a tag; false at its end.
static bool next_attribute(struct span *at, struct span *name, struct span *value)
{
    struct span s = *at;
    while (s.n_bytes && (is_space(s.data[0]) || s.data[0] == '/'))
        s = after(s, 1);
    if (s.n_bytes == 0 || s.data[0] == '>') return false;
    size_t n = 1;
    while (n < s.n_bytes && !is_space(s.data[n]) && !strchr("=/>", s.data[n]))
        n++;
    *name = (struct span){s.data, n};
    *value = (struct span){0};
    s = after(s, n);
    while (s.n_bytes && is_space(s.data[0]))
        s = after(s, 1);
    if (s.n_bytes && s.data[0] == '=') {
        s = after(s, 1);
        while (s.n_bytes && is_space(s.data[0]))
            s = after(s, 1);
        const uint8_t quote = s.n_bytes && (s.data[0] == '"' || s.data[0] == '\'') ? s.data[0] : 0;
        if (quote) s = after(s, 1);
        for (n = 0; n < s.n_bytes; n++)
            if (quote ? s.data[n] == quote : is_space(s.data[n]) || s.data[n] == '>') break;
        *value = (struct span){s.data, n};
        s = after(s, n + (quote && n < s.n_bytes));
    }
    *at = s;
    return true;
}

static bool is_named(struct span name, const char *expected)
{
    return name.n_bytes == strlen(expected) && starts(name, expected);
}

// Moves *tag past the attributes, so that a page of tags that never end is read once.
static const struct charset *read_meta(struct span *tag)
{
    struct span name, value, charset = {0}, content = {0};
    bool is_type = false;
    while (next_attribute(tag, &name, &value)) {
        if (is_named(name, "charset")) charset = value;
        if (is_named(name, "content")) content = find_parameter(value);
        if (is_named(name, "http-equiv")) is_type = is_named(value, "content-type");
    }
    const struct charset *c = charset_label_find(charset);
    if (!c && is_type) c = charset_label_find(content);
    if (c && c->name && strncmp(c->name, "UTF-16", 6) == 0) c = &utf8; // the tag was readable
    return c;
}

static const struct charset *read_declaration(struct span html)
{
    const uint8_t *end = memchr(html.data, '>', html.n_bytes);
    if (!end) return NULL;
    struct span name, value, at = {html.data + 5, (size_t)(end - html.data - 5)};
    while (next_attribute(&at, &name, &value))
        if (is_named(name, "encoding")) return charset_label_find(value);
    return NULL;
}

static const struct charset *find_meta(struct span html)
{
    if (html.n_bytes > META_LIMIT_BYTES) html.n_bytes = META_LIMIT_BYTES;
    if (starts(html, "<?xml")) {
        const struct charset *c = read_declaration(html);
        if (c) return c;
    }
    while (html.n_bytes) {
        const uint8_t *lt = memchr(html.data, '<', html.n_bytes);
        if (!lt) return NULL;
        html = after(html, (size_t)(lt - html.data));
        if (starts(html, "<!--")) {
            const uint8_t *end = memmem(html.data + 2, html.n_bytes - 2, "-->", 3);
            if (!end) return NULL;
            html = after(html, (size_t)(end - html.data));
        } else if (starts(html, "<meta") && html.n_bytes > 5 &&
                   (is_space(html.data[5]) || html.data[5] == '/')) {
            html = after(html, 5);
            const struct charset *c = read_meta(&html);
            if (c) return c;
        } else {
            html = after(html, 1);
        }
    }
    return NULL;
}

// What it is

// Bytes of the well-formed sequence at p, of n bytes; 0 if there is none, and then *n_bad is how
// many bytes to pass over (the part of a sequence that could have been one).
static size_t sequence(const uint8_t *p, size_t n, size_t *n_bad)
{
    const uint8_t c = *p;
    if (c < 0x80) return 1;
    const size_t need = c >= 0xc2 && c < 0xe0   ? 2
                        : c >= 0xe0 && c < 0xf0 ? 3
                        : c >= 0xf0 && c < 0xf5 ? 4
                                                : 0;
    *n_bad = 1;
    if (need == 0 || n < 2) return 0;
    const uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) return 0;
    for (size_t i = 2; i < need; i++) {
        *n_bad = i;
        if (i == n || p[i] < 0x80 || p[i] > 0xbf) return 0;
    }
    return need;
}

struct utf8_count {
    size_t n_good, n_bad; // sequences of more than one byte; bad ones
};

static size_t skip_ascii(const uint8_t *data, size_t i, size_t n)
{
    uint64_t word;
    for (; n - i >= sizeof word; i += sizeof word) {
        memcpy(&word, data + i, sizeof word);
        if (word & 0x8080808080808080U) break;
    }
    while (i < n && data[i] < 0x80)
        i++;
    return i;
}

static struct utf8_count count_utf8(struct span s)
{
    struct utf8_count count = {0};
    for (size_t i = skip_ascii(s.data, 0, s.n_bytes); i < s.n_bytes;) {
        size_t n_bad = 0;
        const size_t n = sequence(s.data + i, s.n_bytes - i, &n_bad);
        count.n_good += n > 1;
        count.n_bad += n == 0;
        i += n ? n : n_bad;
        if (i < s.n_bytes && s.data[i] < 0x80) i = skip_ascii(s.data, i, s.n_bytes);
    }
    return count;
}

// UTF-16 without a mark: half of markup's bytes are NUL.
static const struct charset *guess_utf16(struct span s)
{
    const size_t n = s.n_bytes < 512 ? s.n_bytes & ~(size_t)1 : 512;
    size_t n_even = 0, n_odd = 0;
    for (size_t i = 0; i < n; i += 2) {
        n_even += s.data[i] == 0;
        n_odd += s.data[i + 1] == 0;
    }
    if (4 * n_odd > n && n_even == 0) return &utf16le;
    return 4 * n_even > n && n_odd == 0 ? &utf16be : NULL;
}

static const struct charset *find_charset(struct span html, struct span hint,
                                          struct utf8_count count)
{
    const struct charset *said = find_hint(hint);
    if (!said) said = find_meta(html);
    const bool is_utf8 = count.n_bad == 0 && count.n_good > 0;
    if (said && said->single_byte && is_utf8) return &utf8;
    if (said && said->name && strcmp(said->name, "UTF-8") == 0 && count.n_bad > count.n_good)
        said = NULL;
    if (said) return said;
    const struct charset *utf16 = guess_utf16(html);
    if (utf16) return utf16;
    return count.n_bad == 0 ? &utf8 : charset_label_named(charset_guess(html));
}

static const struct charset *find_mark(struct span *html)
{
    if (starts(*html, "\xef\xbb\xbf")) {
        *html = after(*html, 3);
        return &utf8;
    }
    if (html->n_bytes < 2) return NULL;
    const struct charset *c = NULL;
    if (html->data[0] == 0xfe && html->data[1] == 0xff) c = &utf16be;
    if (html->data[0] == 0xff && html->data[1] == 0xfe) c = &utf16le;
    if (c) *html = after(*html, 2);
    return c;
}

const char *charset_find(struct span html, struct span hint)
{
    const struct charset *c = find_mark(&html);
    if (!c) c = find_charset(html, hint, count_utf8(html));
    return c->name ? c->name : "";
}

// Into UTF-8

static const uint8_t replacement[3] = {0xef, 0xbf, 0xbd};

static struct span repair(struct span html, size_t n_bad, struct arena *a)
{
    uint8_t *data = arena_alloc(a, html.n_bytes + 3 * n_bad, 1);
    size_t n_out = 0;
    for (size_t i = 0; i < html.n_bytes;) {
        size_t n_skipped = 0;
        const size_t n = sequence(html.data + i, html.n_bytes - i, &n_skipped);
        memcpy(data + n_out, n ? html.data + i : replacement, n ? n : sizeof replacement);
        n_out += n ? n : sizeof replacement;
        i += n ? n : n_skipped;
    }
    return (struct span){data, n_out};
}

// No encoding has more than three bytes of UTF-8 for each of its own.
static enum err convert(const char *name, struct span html, struct arena *a, struct span *out)
{
    iconv_t converter = iconv_open("UTF-8", name);
    if (converter == (iconv_t)-1) // NOLINT
        return fail(ERR_IO, "no converter for the encoding %s: %s", name, strerror(errno));
    const size_t capacity = 3 * html.n_bytes + 16, unit = strncmp(name, "UTF-16", 6) == 0 ? 2 : 1;
    uint8_t *data = arena_alloc(a, capacity, 1);
    char *to = (char *)data, *from = NULL;
    memcpy(&from, &html.data, sizeof from); // iconv's own declaration lacks the const
    size_t n_from = html.n_bytes, n_to = capacity;
    while (n_from > 0) {
        if (iconv(converter, &from, &n_from, &to, &n_to) != (size_t)-1) break;
        if (errno == E2BIG || n_to < sizeof replacement) break;
        memcpy(to, replacement, sizeof replacement);
        to += sizeof replacement;
        n_to -= sizeof replacement;
        const size_t n = n_from < unit || errno == EINVAL ? n_from : unit;
        from += n;
        n_from -= n;
    }
    iconv_close(converter);
    *out = (struct span){data, capacity - n_to};
    return OK;
}

enum err charset_decode(struct span html, struct span hint, struct arena *a, struct span *out)
{
    const struct charset *c = find_mark(&html);
    const struct utf8_count count = count_utf8(html);
    if (!c) c = find_charset(html, hint, count);
    if (!c->name)
        return fail(ERR_DATA,
                    "HTML in an encoding that is not decoded (UTF-7, ISO-2022-CN or the like)");
    if (strcmp(c->name, "UTF-8") != 0) return convert(c->name, html, a, out);
    *out = count.n_bad ? repair(html, count.n_bad, a) : html;
    return OK;
}
