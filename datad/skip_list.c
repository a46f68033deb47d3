#include "datad/skip_list.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"

enum { FILE_BYTES_LIMIT = 128 << 20, HASH_DIGITS = 32, WORDS = 3 };

/// One lower-case hex digit, or -1.
static int digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hash(const char *word, struct hash128 *out)
{
    struct hash128 h = {0};
    if (strlen(word) != HASH_DIGITS) return false;
    for (size_t i = 0; i < HASH_DIGITS; i++) {
        if (digit(word[i]) < 0) return false;
        uint64_t *half = i < HASH_DIGITS / 2 ? &h.hi : &h.lo;
        *half = *half << 4 | (uint64_t)digit(word[i]);
    }
    *out = h;
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/// Cuts line into words; returns how many, or WORDS + 1 for more than WORDS.
static size_t split_words(char *line, char *words[WORDS])
{
    size_t n = 0;
    for (char *at = line; n <= WORDS;) {
        while (is_blank(*at))
            *at++ = '\0';
        if (*at == '\0' || *at == '#') {
            *at = '\0';
            break;
        }
        if (n < WORDS) words[n] = at;
        n++;
        while (*at != '\0' && *at != '#' && !is_blank(*at))
            at++;
    }
    return n;
}

/// *found = false for a line without a document.
static enum err parse_line(char *line, struct edits_document *out, bool *found)
{
    char *words[WORDS];
    const size_t n = split_words(line, words);
    *found = n > 0;
    if (n == 0) return OK;
    struct edits_document d = {0};
    if (n < 2 || n > WORDS) return fail(ERR_CONFIG, "expected: dataset hash, document, from token");
    if (!parse_hash(words[0], &d.dataset))
        return fail(ERR_CONFIG, "the dataset's hash is 32 digits 0-9 a-f");
    if (!number_parse_u64(words[1], &d.document) ||
        (n == WORDS && !number_parse_u64(words[2], &d.from_tokens)))
        return fail(ERR_CONFIG, "document and token are whole numbers");
    *out = d;
    return OK;
}

static enum err parse_lines(char *text, const char *name, struct edits_document *out, size_t *n)
{
    size_t number = 1;
    for (char *line = text; line != NULL; number++) {
        char *end = strchr(line, '\n');
        if (end != NULL) *end = '\0';
        bool found;
        const enum err e = parse_line(line, &out[*n], &found);
        if (e != OK) return fail_at(e, "%s:%zu", name, number);
        *n += found;
        line = end == NULL ? NULL : end + 1;
    }
    return OK;
}

enum err skip_list_parse(struct span text, const char *name, struct arena *a,
                         struct edits_document **out, size_t *n)
{
    size_t n_lines = 1;
    for (size_t i = 0; i < text.n_bytes; i++) {
        if (text.data[i] == '\0') return fail(ERR_CONFIG, "%s: a NUL byte", name);
        n_lines += text.data[i] == '\n';
    }
    if (n_lines > SKIP_LIST_LIMIT)
        return fail(ERR_CONFIG, "%s: %zu lines; at most %d are possible", name, n_lines,
                    SKIP_LIST_LIMIT);
    struct edits_document *found = ARENA_ARRAY(a, struct edits_document, n_lines);
    size_t n_found = 0;
    TRY(parse_lines(arena_strndup(a, (const char *)text.data, text.n_bytes), name, found,
                    &n_found));
    *out = found;
    *n = n_found;
    return OK;
}

enum err skip_list_read(const char *path, struct arena *a, struct edits_document **out, size_t *n)
{
    struct span text;
    TRY(file_read(path, FILE_BYTES_LIMIT, a, &text));
    return skip_list_parse(text, path, a, out, n);
}

void skip_list_line(const struct edits_document *d, char out[SKIP_LIST_LINE_BYTES])
{
    snprintf(out, SKIP_LIST_LINE_BYTES, "%016llx%016llx %llu %llu\n",
             (unsigned long long)d->dataset.hi, (unsigned long long)d->dataset.lo,
             (unsigned long long)d->document, (unsigned long long)d->from_tokens);
}
