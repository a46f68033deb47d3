#include "shard/read/header_fields.h"

#include <string.h>
#include <strings.h>

#include "base/number.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct span trim(struct span s)
{
    while (s.n_bytes && is_blank(s.data[0]))
        s = (struct span){s.data + 1, s.n_bytes - 1};
    while (s.n_bytes && is_blank(s.data[s.n_bytes - 1]))
        s.n_bytes--;
    return s;
}

static struct span tail(struct span s, size_t first)
{
    return (struct span){s.data + first, s.n_bytes - first};
}

size_t header_fields_end(struct span bytes)
{
    struct span rest = bytes, line;
    while (rest.n_bytes && memchr(rest.data, '\n', rest.n_bytes)) {
        header_fields_line(&rest, &line);
        if (line.n_bytes == 0) return bytes.n_bytes - rest.n_bytes;
    }
    return 0;
}

bool header_fields_line(struct span *rest, struct span *line)
{
    if (rest->n_bytes == 0) return false;
    const uint8_t *end = memchr(rest->data, '\n', rest->n_bytes);
    const size_t n = end ? (size_t)(end - rest->data) : rest->n_bytes;
    *line = (struct span){rest->data, n && rest->data[n - 1] == '\r' ? n - 1 : n};
    *rest = tail(*rest, end ? n + 1 : n);
    return true;
}

bool header_fields_equal(struct span value, const char *text)
{
    return value.n_bytes == strlen(text) &&
           strncasecmp((const char *)value.data, text, value.n_bytes) == 0;
}

struct span header_fields_get(struct span head, const char *name)
{
    struct span line;
    while (header_fields_line(&head, &line)) {
        const uint8_t *colon = line.n_bytes ? memchr(line.data, ':', line.n_bytes) : NULL;
        if (!colon) continue;
        const size_t n = (size_t)(colon - line.data);
        if (header_fields_equal(trim((struct span){line.data, n}), name))
            return trim(tail(line, n + 1));
    }
    return (struct span){(const uint8_t *)"", 0};
}

struct span header_fields_word(struct span value)
{
    size_t n = 0;
    while (n < value.n_bytes && value.data[n] != ';' && value.data[n] != ',')
        n++;
    return trim((struct span){value.data, n});
}

static struct span unquoted(struct span s)
{
    if (s.n_bytes >= 2 && (s.data[0] == '"' || s.data[0] == '\'') &&
        s.data[s.n_bytes - 1] == s.data[0])
        return (struct span){s.data + 1, s.n_bytes - 2};
    return s;
}

struct span header_fields_parameter(struct span value, const char *name)
{
    for (;;) {
        const uint8_t *next = value.n_bytes ? memchr(value.data, ';', value.n_bytes) : NULL;
        if (!next) return (struct span){(const uint8_t *)"", 0};
        value = tail(value, (size_t)(next - value.data) + 1);
        const struct span pair = header_fields_word(value);
        const uint8_t *equals = pair.n_bytes ? memchr(pair.data, '=', pair.n_bytes) : NULL;
        if (!equals) continue;
        const size_t n = (size_t)(equals - pair.data);
        if (header_fields_equal(trim((struct span){pair.data, n}), name))
            return unquoted(trim(tail(pair, n + 1)));
    }
}

bool header_fields_number(struct span value, uint64_t *out)
{
    char digits[24];
    while (value.n_bytes > 1 && value.data[0] == '0')
        value = tail(value, 1);
    if (value.n_bytes == 0 || value.n_bytes >= sizeof digits) return false;
    memcpy(digits, value.data, value.n_bytes);
    digits[value.n_bytes] = '\0';
    return number_parse_u64(digits, out);
}
