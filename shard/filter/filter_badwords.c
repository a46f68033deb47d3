#include "shard/filter/filter_badwords.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#include "base/file.h"
#include "base/grow.h"

enum { FILE_LIMIT = 1 << 20, N_BUCKETS = 4096 };

struct entry {
    struct span text;
    uint32_t next; // in its bucket, + 1; 0 = last
};

struct filter_badwords {
    struct entry *entries;
    size_t n_entries;
    uint32_t buckets[N_BUCKETS]; // by the first two bytes; entry + 1, 0 = empty
};

static uint32_t bucket_of(const uint8_t *d, size_t n_bytes)
{
    return (d[0] * 31u + (n_bytes > 1 ? d[1] : 0) * 2053u) % N_BUCKETS;
}

// A phrase of one byte would have to be looked for in every bucket of that byte.
static void add(struct filter_badwords *b, struct span text)
{
    uint32_t *bucket = &b->buckets[bucket_of(text.data, text.n_bytes)];
    b->entries[b->n_entries] = (struct entry){text, *bucket};
    *bucket = (uint32_t)++b->n_entries;
}

static struct span trim(struct span line)
{
    while (line.n_bytes > 0 && line.data[line.n_bytes - 1] <= ' ')
        line.n_bytes--;
    while (line.n_bytes > 0 && line.data[0] <= ' ')
        line = (struct span){line.data + 1, line.n_bytes - 1};
    return line;
}

enum err filter_badwords_open(const char *path, struct arena *a, struct filter_badwords **out)
{
    struct span file;
    TRY(file_read(path, FILE_LIMIT, a, &file));
    struct filter_badwords *b = ARENA_NEW(a, struct filter_badwords);
    size_t n_lines = 1;
    for (size_t i = 0; i < file.n_bytes; i++)
        n_lines += file.data[i] == '\n';
    b->entries = ARENA_ARRAY(a, struct entry, n_lines);
    const uint8_t *at = file.data, *end = file.data + file.n_bytes;
    while (at < end) {
        const uint8_t *cut = memchr(at, '\n', (size_t)(end - at));
        if (!cut) cut = end;
        const struct span line = trim((struct span){at, (size_t)(cut - at)});
        if (line.n_bytes > 0) add(b, line);
        at = cut < end ? cut + 1 : end;
    }
    if (b->n_entries == 0) return fail(ERR_DATA, "%s: a list of bad words without words", path);
    *out = b;
    return OK;
}

static enum err lower_text(struct filter_badwords_scratch *s, const struct filter_characters *t,
                           struct span text, struct span *out)
{
    enum { GROWTH = 2 }; // a character of two bytes may become one of three
    TRY(grow_array(&s->lower, &s->capacity, text.n_bytes * GROWTH + 1, 1));
    size_t n = 0;
    for (size_t i = 0; i < text.n_bytes;) {
        const struct filter_character c = filter_character_at(t, text.data + i);
        i += c.n_bytes;
        if (c.code < 0x80)
            s->lower[n++] = (uint8_t)(c.code >= 'A' && c.code <= 'Z' ? c.code + 32 : c.code);
        else
            n += (size_t)utf8proc_encode_char(utf8proc_tolower((utf8proc_int32_t)c.code),
                                              s->lower + n);
    }
    *out = (struct span){s->lower, n};
    return OK;
}

static bool is_of_word(struct filter_character c)
{
    return c.classes & (CHARACTER_ALPHABETIC | CHARACTER_DECIMAL) || c.code == '_';
}

static uint64_t count_at(const struct filter_badwords *b, const struct filter_characters *t,
                         const uint8_t *at, const uint8_t *end, size_t key_bytes, bool anywhere)
{
    uint64_t n = 0;
    for (uint32_t i = b->buckets[bucket_of(at, key_bytes)]; i != 0; i = b->entries[i - 1].next) {
        const struct span e = b->entries[i - 1].text;
        if (e.n_bytes > (size_t)(end - at) || (key_bytes == 1) != (e.n_bytes == 1) ||
            memcmp(at, e.data, e.n_bytes) != 0)
            continue;
        const uint8_t *behind = at + e.n_bytes;
        n += anywhere || behind == end || !is_of_word(filter_character_at(t, behind));
    }
    return n;
}

enum err filter_badwords_count(const struct filter_badwords *b, struct filter_badwords_scratch *s,
                               const struct filter_characters *t, struct span text,
                               const char *language, uint64_t *out)
{
    const bool anywhere = language && (strcmp(language, "ja") == 0 || strcmp(language, "th") == 0 ||
                                       strncmp(language, "zh", 2) == 0);
    struct span lower;
    TRY(lower_text(s, t, text, &lower));
    uint64_t n = 0;
    bool open = true; // a word may begin here
    const uint8_t *at = lower.data, *end = at + lower.n_bytes;
    while (at < end) {
        if (open || anywhere) {
            n += count_at(b, t, at, end, 1, anywhere);
            if (end - at > 1) n += count_at(b, t, at, end, 2, anywhere);
        }
        const struct filter_character c = filter_character_at(t, at);
        open = !is_of_word(c);
        at += c.n_bytes;
    }
    *out = n;
    return OK;
}
