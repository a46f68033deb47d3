#include "shard/filter/words_url.h"

#include <string.h>

enum {
    URL_LIMIT = 2048, // bytes; longer words are none
    AT_LIMIT = 8,     // @ that are tried
    LABEL_LIMIT = 64, // characters between the dots of a host
    TOP_LIMIT = 63    // letters of its last name
};

struct scan {
    const struct filter_characters *t;
    const uint8_t *text;
    size_t end;
};

static struct filter_character at(const struct scan *s, size_t i)
{
    return filter_character_at(s->t, s->text + i);
}

static bool is_label_character(struct filter_character c)
{
    if (c.code >= 0x80) return c.code >= 0xA1 && c.code <= 0xFFFF;
    return (c.classes & (CHARACTER_LETTER | CHARACTER_DIGIT)) != 0;
}

// [:port][/path] up to the end.
static bool matches_rest(const struct scan *s, size_t i)
{
    if (i < s->end && s->text[i] == ':') {
        size_t n = 0;
        while (i + 1 + n < s->end && s->text[i + 1 + n] >= '0' && s->text[i + 1 + n] <= '9')
            n++;
        if (n < 2 || n > 5) return false;
        i += 1 + n;
    }
    return i == s->end || s->text[i] == '/' || s->text[i] == '?' || s->text[i] == '#';
}

// The last name of a host, in lower case, and what follows it.
static bool matches_top(const struct scan *s, size_t i)
{
    size_t n = 0;
    while (i < s->end && n <= TOP_LIMIT) {
        const struct filter_character c = at(s, i);
        if (!(c.classes & CHARACTER_LOWER)) break;
        i += c.n_bytes;
        n++;
    }
    return n >= 2 && n <= TOP_LIMIT && matches_rest(s, i);
}

// Skips a label and its dot: 0 if there is none at i.
static size_t label_end(const struct scan *s, size_t i)
{
    struct filter_character last = {0};
    for (size_t n = 0; i < s->end && n <= LABEL_LIMIT; n++) {
        const struct filter_character c = at(s, i);
        if (c.code == '.') return n > 0 && is_label_character(last) ? i + 1 : 0;
        const bool inner = c.code == '-' || c.code == '_';
        if (!is_label_character(c) && !(inner && n > 0)) return 0;
        last = c;
        i += c.n_bytes;
    }
    return 0;
}

static bool matches_name(const struct scan *s, size_t i)
{
    for (size_t next = label_end(s, i); next > 0; next = label_end(s, i)) {
        i = next;
        if (matches_top(s, i)) return true;
    }
    return false;
}

// Networks that are nobody's in particular.
static bool is_private(const uint32_t *parts)
{
    if (parts[0] == 10 || parts[0] == 127) return true;
    if (parts[0] == 172) return parts[1] >= 16 && parts[1] <= 31;
    return (parts[0] == 169 && parts[1] == 254) || (parts[0] == 192 && parts[1] == 168);
}

static bool matches_numbers(const struct scan *s, size_t i)
{
    uint32_t parts[4] = {0};
    for (size_t part = 0; part < 4; part++) {
        size_t n = 0;
        for (; i < s->end && s->text[i] >= '0' && s->text[i] <= '9' && n < 4; i++, n++)
            parts[part] = parts[part] * 10 + (s->text[i] - '0');
        if (n == 0 || n > 3 || parts[part] > 255) return false;
        if (part == 3) break;
        if (i == s->end || s->text[i++] != '.') return false;
    }
    if (parts[0] == 0 || parts[0] > 223 || parts[3] == 0 || parts[3] == 255) return false;
    return !is_private(parts) && matches_rest(s, i);
}

static bool matches_host(const struct scan *s, size_t i)
{
    return matches_name(s, i) || matches_numbers(s, i);
}

static size_t scheme_bytes(struct span text)
{
    const uint8_t *colon = memchr(text.data, ':', text.n_bytes);
    if (!colon) return 0;
    const size_t n = (size_t)(colon - text.data);
    if (n < 2 || n + 3 > text.n_bytes || memcmp(colon, "://", 3) != 0) return 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t b = text.data[i];
        const bool fine = (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
                          (b >= '0' && b <= '9') || b == '_' || b == '+' || b == '-' || b == '.';
        if (!fine) return 0;
    }
    return n + 3;
}

bool words_url_matches(const struct filter_characters *t, struct span text)
{
    if (text.n_bytes > URL_LIMIT || !memchr(text.data, '.', text.n_bytes)) return false;
    const struct scan s = {t, text.data, text.n_bytes};
    const size_t start = scheme_bytes(text);
    if (matches_host(&s, start)) return true;
    size_t i = start;
    for (size_t n = 0; n < AT_LIMIT && i < text.n_bytes; n++) {
        const uint8_t *sign = memchr(text.data + i, '@', text.n_bytes - i);
        if (!sign) return false;
        i = (size_t)(sign - text.data) + 1;
        if (i > start + 1 && matches_host(&s, i)) return true;
    }
    return false;
}
