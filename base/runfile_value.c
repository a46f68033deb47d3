#include "base/runfile_value.h"

#include <stdbool.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

static const double RANGE_OPEN = 1e18; // a maximum from here on is not worth printing

static const char *range_text(const struct runfile_key *key, struct arena *a)
{
    char min[NUMBER_F64_BYTES], max[NUMBER_F64_BYTES];
    if (!(key->max > key->min)) return "";
    number_print_f64(key->min, min);
    if (key->max >= RANGE_OPEN) return arena_printf(a, " from %s", min);
    number_print_f64(key->max, max);
    return arena_printf(a, " from %s to %s", min, max);
}

const char *runfile_value_expected(const struct runfile_key *key, struct arena *a)
{
    switch (key->type) {
    case RUNFILE_U64:
        return arena_printf(a, "a whole number%s", range_text(key, a));
    case RUNFILE_F64:
        return arena_printf(a, "a number%s", range_text(key, a));
    case RUNFILE_BOOL:
        return "true or false";
    case RUNFILE_TEXT:
        return "a text";
    case RUNFILE_CHOICE:
        return arena_printf(a, "one of: %s", key->choices);
    }
    err_abort(__FILE__, __LINE__, "key %s has no type", key->path);
}

// The place in the list of words of the word [text, text + n), or -1.
static int choice_find(const char *choices, const char *text)
{
    size_t n_text = strlen(text);
    for (int i = 0; *choices != '\0'; i++) {
        size_t n = strcspn(choices, " ");
        if (n == n_text && n > 0 && memcmp(choices, text, n) == 0) return i;
        choices += n;
        choices += strspn(choices, " ");
    }
    return -1;
}

static const char *choice_word(const char *choices, int idx, struct arena *a)
{
    ASSERT(idx >= 0);
    for (; idx > 0; idx--) {
        choices += strcspn(choices, " ");
        choices += strspn(choices, " ");
    }
    ASSERT(*choices != '\0');
    return arena_strndup(a, choices, strcspn(choices, " "));
}

// One character of UTF-8 at *at, which moves past it; -1 when it is not well formed (RFC 3629).
static int32_t utf8_next(const unsigned char **at)
{
    static const int32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *s = *at;
    int n_bytes = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (n_bytes == 0 || s[0] > 0xf4) return -1;
    int32_t c = n_bytes == 1 ? s[0] : s[0] & (0x7f >> n_bytes);
    for (int i = 1; i < n_bytes; i++) {
        if ((s[i] & 0xc0) != 0x80) return -1;
        c = c << 6 | (s[i] & 0x3f);
    }
    if (c < least[n_bytes] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return -1;
    *at = s + n_bytes;
    return c;
}

static bool text_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != '\0')
        if (utf8_next(&at) < 0) return false;
    return true;
}

// YAML's ways to write nothing, which a text must put in quotes.
static bool text_is_null(const char *text, enum runfile_style style)
{
    if (style != RUNFILE_PLAIN) return false;
    return *text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

static bool in_range(const struct runfile_key *key, double value)
{
    return !(key->max > key->min) || (value >= key->min && value <= key->max);
}

static bool field_store(const struct runfile_key *key, const char *text, enum runfile_style style,
                        void *field)
{
    const bool plain = style != RUNFILE_QUOTED;
    uint64_t whole;
    double number;
    int choice;
    switch (key->type) {
    case RUNFILE_U64:
        if (!plain || !number_parse_u64(text, &whole) || !in_range(key, (double)whole))
            return false;
        *(uint64_t *)field = whole;
        return true;
    case RUNFILE_F64:
        if (!plain || !number_parse_f64(text, &number) || !in_range(key, number)) return false;
        *(double *)field = number;
        return true;
    case RUNFILE_BOOL:
        if (!plain || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)) return false;
        *(bool *)field = *text == 't';
        return true;
    case RUNFILE_TEXT:
        if (text_is_null(text, style) || !text_is_utf8(text)) return false;
        *(const char **)field = text;
        return true;
    case RUNFILE_CHOICE:
        choice = choice_find(key->choices, text);
        if (choice < 0) return false;
        *(int *)field = choice;
        return true;
    }
    return false;
}

enum err runfile_value_parse(const struct runfile_key *key, const char *path, const char *text,
                             enum runfile_style style, struct arena *a, void *field)
{
    if (field_store(key, text, style, field)) return OK;
    const char *expected = runfile_value_expected(key, a);
    if (key->type == RUNFILE_TEXT && !text_is_utf8(text))
        return fail(ERR_CONFIG, "'%s' must be a text in UTF-8", path);
    if (key->type == RUNFILE_TEXT)
        return fail(ERR_CONFIG, "'%s' must be a text; write \"\" for an empty one", path);
    if (style == RUNFILE_QUOTED && key->type != RUNFILE_CHOICE)
        return fail(ERR_CONFIG, "'%s' must be %s, without quotes", path, expected);
    return fail(ERR_CONFIG, "'%s' must be %s, not '%s'", path, expected, runfile_shown(a, text));
}

const char *runfile_value_text(const struct runfile_key *key, const void *field, struct arena *a)
{
    switch (key->type) {
    case RUNFILE_U64:
        return arena_printf(a, "%llu", (unsigned long long)*(const uint64_t *)field);
    case RUNFILE_F64: {
        char number[NUMBER_F64_BYTES];
        number_print_f64(*(const double *)field, number);
        return arena_strdup(a, number);
    }
    case RUNFILE_BOOL:
        return *(const bool *)field ? "true" : "false";
    case RUNFILE_TEXT: {
        const char *text = *(const char *const *)field;
        return text == NULL ? "" : text;
    }
    case RUNFILE_CHOICE:
        return choice_word(key->choices, *(const int *)field, a);
    }
    err_abort(__FILE__, __LINE__, "key %s has no type", key->path);
}

// Characters that YAML reads as they are between double quotes.
static bool needs_no_escape(int32_t c)
{
    if (c < 0xa0) return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
    return c != 0x2028 && c != 0x2029 && c != 0xfeff && c != 0xfffe && c != 0xffff;
}

const char *runfile_value_yaml(const struct runfile_key *key, const void *field, struct arena *a)
{
    const char *plain = runfile_value_text(key, field, a);
    if (key->type != RUNFILE_TEXT) return plain;
    struct text quoted;
    text_begin(&quoted, a);
    text_put(&quoted, "\"", 1);
    for (const unsigned char *at = (const unsigned char *)plain; *at != '\0';) {
        const char *begin = (const char *)at;
        int32_t c = utf8_next(&at);
        ASSERT(c >= 0); // checked when it was stored
        if (needs_no_escape(c))
            text_put(&quoted, begin, (size_t)((const char *)at - begin));
        else
            text_printf(&quoted, c > 0xffff ? "\\U%08x" : "\\u%04x", (unsigned)c);
    }
    text_put(&quoted, "\"", 1);
    return quoted.data;
}
