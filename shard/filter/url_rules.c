// As datatrove's URLFilter judges (pipeline/filters/url_filter.py), in its order: domain, host,
// address, word, two soft words, subword. A host is looked up with each of its parents, which needs
// no list of public suffixes. Words are what stands between other characters than ASCII letters and
// digits, in the address's own case; entries of word lists are made lower-case letters and digits.

#include "shard/filter/url_rules.h"

#include <string.h>

#include "base/ascii.h"
#include "base/file.h"
#include "base/size.h"
#include "shard/tokenizer/span_table.h"

enum { SOFT_WORDS_ALLOWED = 1, LIST_LIMIT_BYTES = 1 << 30, SUBWORD_LIMIT = 64 };

static const struct {
    const char *name, *text;
} LISTS[URL_LISTS] = {
#define X(list, name, text) [list] = {name, text},
    URL_LIST_TABLE(X)
#undef X
};

struct url_rules {
    struct span_table lists[URL_LISTS];
    size_t subword_least, subword_most; // bytes
};

const char *url_list_name(enum url_list list)
{
    return LISTS[list].name;
}

const char *url_list_text(enum url_list list)
{
    return LISTS[list].text;
}

/// Letters and digits alone, lower-case, in a.
static struct span squeeze(struct span s, struct arena *a)
{
    uint8_t *out = arena_alloc(a, s.n_bytes, 1);
    size_t n = 0;
    for (size_t i = 0; i < s.n_bytes; i++)
        if (ascii_is_alnum(s.data[i])) out[n++] = ascii_lower(s.data[i]);
    return (struct span){out, n};
}

static struct span trim(struct span s)
{
    while (s.n_bytes && s.data[s.n_bytes - 1] <= ' ')
        s.n_bytes--;
    while (s.n_bytes && s.data[0] <= ' ') {
        s.data++;
        s.n_bytes--;
    }
    return s;
}

static enum err add_entry(struct url_rules *r, enum url_list list, struct span line,
                          struct arena *a)
{
    struct span entry = trim(line);
    if (entry.n_bytes == 0 || entry.data[0] == '#') return OK;
    if (list >= URL_WORDS) entry = squeeze(entry, a);
    if (entry.n_bytes == 0) return OK;
    if (list == URL_SUBWORDS) {
        if (entry.n_bytes > SUBWORD_LIMIT)
            return fail(ERR_DATA, "a subword of %zu letters, the limit is %d", entry.n_bytes,
                        SUBWORD_LIMIT);
        if (r->subword_least == 0) r->subword_least = entry.n_bytes;
        r->subword_least = size_min(r->subword_least, entry.n_bytes);
        r->subword_most = size_max(r->subword_most, entry.n_bytes);
    }
    struct span_entry *added;
    return span_table_insert(&r->lists[list], entry, &added);
}

static enum err read_list(struct url_rules *r, enum url_list list, struct span file,
                          struct arena *a)
{
    while (file.n_bytes) {
        const uint8_t *end = memchr(file.data, '\n', file.n_bytes);
        const size_t n = end ? (size_t)(end - file.data) : file.n_bytes;
        TRY(add_entry(r, list, (struct span){file.data, n}, a));
        file.data += n + (end != NULL);
        file.n_bytes -= n + (end != NULL);
    }
    return OK;
}

static enum err open_list(struct url_rules *r, enum url_list list, const char *path,
                          struct arena *a)
{
    struct span_table table;
    TRY(span_table_open(&table, a));
    r->lists[list] = table;
    struct span file = {0};
    enum err e = file_read(path, LIST_LIMIT_BYTES, a, &file);
    if (e == OK) {
        e = read_list(r, list, file, a);
        if (e != OK) e = fail_at(e, "%s", path);
    }
    table = r->lists[list];
    r->lists[list] = span_table_take(&table, a);
    return e;
}

enum err url_rules_open(const char *const paths[URL_LISTS], struct arena *a, struct url_rules **out)
{
    struct url_rules *r = ARENA_NEW(a, struct url_rules);
    for (enum url_list list = 0; list < URL_LISTS; list++)
        if (paths[list]) TRY(open_list(r, list, paths[list], a));
    *out = r;
    return OK;
}

static bool listed(const struct url_rules *r, enum url_list list, struct span entry)
{
    return r->lists[list].n_entries && span_table_find(&r->lists[list], entry);
}

/// The host of url, lower-case in buffer; empty when it has none or a longer one than hosts may be.
static struct span host_of(struct span url, uint8_t buffer[256])
{
    const uint8_t *scheme = memmem(url.data, url.n_bytes, "://", 3);
    const uint8_t *first = scheme ? scheme + 3 : url.data;
    const uint8_t *const end = url.data + url.n_bytes;
    const uint8_t *stop = first;
    while (stop < end && !strchr("/?#", *stop))
        stop++;
    const uint8_t *user = memrchr(first, '@', (size_t)(stop - first));
    if (user) first = user + 1;
    const uint8_t *port = memchr(first, ':', (size_t)(stop - first));
    if (port) stop = port;
    const size_t n = (size_t)(stop - first);
    if (n > 255) return (struct span){buffer, 0};
    for (size_t i = 0; i < n; i++)
        buffer[i] = ascii_lower(first[i]);
    return (struct span){buffer, n};
}

static bool domain_listed(const struct url_rules *r, struct span url)
{
    uint8_t buffer[256];
    struct span host = host_of(url, buffer);
    while (host.n_bytes) {
        if (listed(r, URL_DOMAINS, host)) return true;
        const uint8_t *dot = memchr(host.data, '.', host.n_bytes);
        if (!dot) return false;
        host.n_bytes -= (size_t)(dot + 1 - host.data);
        host.data = dot + 1;
    }
    return false;
}

/// How many different entries of list are words of url, counted up to two.
static size_t count_words(const struct url_rules *r, enum url_list list, struct span url)
{
    const struct span_entry *first_hit = NULL;
    for (size_t at = 0; at < url.n_bytes && r->lists[list].n_entries;) {
        const size_t first = at;
        while (at < url.n_bytes && ascii_is_alnum(url.data[at]))
            at++;
        const struct span word = {url.data + first, at - first};
        const struct span_entry *hit = word.n_bytes ? span_table_find(&r->lists[list], word) : NULL;
        if (hit && first_hit && hit != first_hit) return 2;
        if (hit) first_hit = hit;
        at += at == first;
    }
    return first_hit != NULL;
}

/// Whether the last letters seen end with a listed subword; window holds them, oldest first.
static bool subword_ends(const struct url_rules *r, const uint8_t *window, size_t n)
{
    for (size_t length = r->subword_least; length <= size_min(n, r->subword_most); length++)
        if (listed(r, URL_SUBWORDS, (struct span){window + n - length, length})) return true;
    return false;
}

static bool subword_listed(const struct url_rules *r, struct span url)
{
    uint8_t window[2 * SUBWORD_LIMIT];
    size_t n = 0;
    for (size_t i = 0; i < url.n_bytes && r->subword_most; i++) {
        if (!ascii_is_alnum(url.data[i])) continue;
        if (n == sizeof window) {
            memmove(window, window + SUBWORD_LIMIT, SUBWORD_LIMIT);
            n = SUBWORD_LIMIT;
        }
        window[n++] = ascii_lower(url.data[i]);
        if (subword_ends(r, window, n)) return true;
    }
    return false;
}

enum url_list url_rules_judge(const struct url_rules *r, struct span url)
{
    if (domain_listed(r, url)) return URL_DOMAINS;
    if (listed(r, URL_ADDRESSES, url)) return URL_ADDRESSES;
    if (count_words(r, URL_WORDS, url) > 0) return URL_WORDS;
    if (count_words(r, URL_SOFT_WORDS, url) > SOFT_WORDS_ALLOWED) return URL_SOFT_WORDS;
    return subword_listed(r, url) ? URL_SUBWORDS : URL_LISTS;
}
