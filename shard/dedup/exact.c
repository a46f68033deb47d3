#include "shard/dedup/exact.h"

#include <string.h>

#include "base/hash.h"
#include "shard/dedup/simplify.h"

static const struct rule_row {
    const char *name;
    struct exact_rule rule;
} RULES[] = {
    {"document", {EXACT_DOCUMENT, EXACT_AS_IS}}, {"paragraph", {EXACT_PARAGRAPH, EXACT_AS_IS}},
    {"line", {EXACT_LINE, EXACT_AS_IS}},         {"c4", {EXACT_LINE, EXACT_LOWER}},
    {"ccnet", {EXACT_LINE, EXACT_CCNET}},        {"c4-spans", {EXACT_SPAN, EXACT_SIMPLE}},
};
enum { N_RULES = sizeof RULES / sizeof *RULES, SPAN_SENTENCES = 3 };

enum err exact_rule(const char *name, struct exact_rule *out)
{
    for (size_t i = 0; i < N_RULES; i++) {
        if (strcmp(RULES[i].name, name) != 0) continue;
        *out = RULES[i].rule;
        return OK;
    }
    return fail(ERR_USAGE, "no exact rule %s: document, paragraph, line, c4, ccnet or c4-spans",
                name);
}

static struct span form_of(enum exact_form form, struct span item, struct simplify_buffer *b,
                           struct arena *a)
{
    switch (form) {
    case EXACT_AS_IS:
        return item;
    case EXACT_LOWER:
        return simplify_lower(item, b);
    case EXACT_CCNET:
        return simplify_ccnet(item, b);
    case EXACT_SIMPLE:
        return simplify_text(item, a);
    }
    return item;
}

struct items {
    struct exact_rule rule;
    struct span text;
    struct arena *arena;
    struct simplify_buffer buffer;
    struct exact_item *list;
    size_t n, capacity;
};

static void add(struct items *i, size_t first, size_t last)
{
    const struct span form = form_of(
        i->rule.form, (struct span){i->text.data + first, last - first}, &i->buffer, i->arena);
    i->list = ARENA_GROW(i->arena, struct exact_item, i->list, i->n + 1, &i->capacity);
    i->list[i->n++] = (struct exact_item){
        .bytes = {first, last},
        .key = hash_xxh3(form.data, form.n_bytes, 0),
        .counts = form.n_bytes > 0,
    };
}

static size_t line_end(struct span text, size_t at)
{
    const uint8_t *end = memchr(text.data + at, '\n', text.n_bytes - at);
    return end != NULL ? (size_t)(end - text.data) : text.n_bytes;
}

static bool is_last(const struct items *i)
{
    return i->n == UINT32_MAX - 1;
}

static void add_lines(struct items *i)
{
    size_t at = 0, end;
    for (;; at = end + 1) {
        end = is_last(i) ? i->text.n_bytes : line_end(i->text, at);
        add(i, at, end);
        if (end == i->text.n_bytes) return;
    }
}

// A paragraph is a run of lines that are not empty.
static void add_paragraphs(struct items *i)
{
    size_t first = 0, last = 0; // of the paragraph so far; empty while first == last
    for (size_t at = 0, end; at < i->text.n_bytes; at = end + 1) {
        end = line_end(i->text, at);
        if (end > at) {
            if (first == last) first = at;
            last = end;
        } else if (last > first && !is_last(i)) {
            add(i, first, last);
            first = last;
        }
    }
    if (last > first) add(i, first, last);
}

// The length of a sentence's end at data: . ? ! or U+2026, U+3002, U+FF01, U+FF1F; 0 if none.
static size_t end_mark_bytes(const uint8_t *data, size_t n_bytes)
{
    static const char *const MARKS[] = {
        ".", "?", "!", "\xe2\x80\xa6", "\xe3\x80\x82", "\xef\xbc\x81", "\xef\xbc\x9f"};
    for (size_t i = 0; i < sizeof MARKS / sizeof *MARKS; i++) {
        const size_t n = strlen(MARKS[i]);
        if (n <= n_bytes && memcmp(data, MARKS[i], n) == 0) return n;
    }
    return 0;
}

// Closing quotes and brackets: " ' ) ] U+201D U+2019.
static size_t closing_bytes(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes > 0 && memchr("\"')]", data[0], 4) != NULL) return 1;
    if (n_bytes < 3 || data[0] != 0xe2 || data[1] != 0x80) return 0;
    return data[2] == 0x9d || data[2] == 0x99 ? 3 : 0;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

// Where the sentence that begins at `at` ends.
static size_t sentence_end(struct span text, size_t at)
{
    while (at < text.n_bytes && text.data[at] != '\n') {
        size_t n = end_mark_bytes(text.data + at, text.n_bytes - at);
        if (n == 0) {
            at++;
            continue;
        }
        for (; n > 0; n = end_mark_bytes(text.data + at, text.n_bytes - at))
            at += n;
        while ((n = closing_bytes(text.data + at, text.n_bytes - at)) > 0)
            at += n;
        if (at == text.n_bytes || is_blank(text.data[at])) return at;
    }
    return at;
}

static size_t skip_blanks(struct span text, size_t at)
{
    while (at < text.n_bytes && is_blank(text.data[at]))
        at++;
    return at;
}

static void add_spans(struct items *i)
{
    size_t firsts[SPAN_SENTENCES], n = 0;
    for (size_t at = skip_blanks(i->text, 0); at < i->text.n_bytes && !is_last(i); n++) {
        const size_t end = sentence_end(i->text, at);
        firsts[n % SPAN_SENTENCES] = at;
        if (n + 1 >= SPAN_SENTENCES) add(i, firsts[(n + 1) % SPAN_SENTENCES], end);
        at = skip_blanks(i->text, end);
    }
}

const struct exact_item *exact_items(struct exact_rule rule, struct span text, struct arena *a,
                                     size_t *n_items)
{
    if (text.n_bytes == 0) text.data = (const uint8_t *)""; // not NULL, to be added to
    struct items i = {.rule = rule, .text = text, .arena = a};
    if (rule.form != EXACT_AS_IS) simplify_buffer_begin(&i.buffer, 256, a);
    switch (rule.unit) {
    case EXACT_DOCUMENT:
        add(&i, 0, text.n_bytes);
        break;
    case EXACT_PARAGRAPH:
        add_paragraphs(&i);
        break;
    case EXACT_LINE:
        add_lines(&i);
        break;
    case EXACT_SPAN:
        add_spans(&i);
        break;
    }
    *n_items = i.n;
    return i.list;
}

static bool any(const bool *dropped, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (dropped[i]) return true;
    return false;
}

static bool are_spans(const struct exact_item *items, size_t n_items)
{
    return n_items > 1 && items[1].bytes.first < items[0].bytes.last;
}

// Spans overlap: what is in any that is dropped goes, and the space behind it.
static struct span remove_spans(struct span text, const struct exact_item *items, size_t n_items,
                                const bool *dropped, uint8_t *out)
{
    size_t n_bytes = 0, at = 0;
    for (size_t i = 0; i < n_items; i++) {
        if (!dropped[i]) continue;
        if (items[i].bytes.first > at) {
            memcpy(out + n_bytes, text.data + at, (size_t)items[i].bytes.first - at);
            n_bytes += (size_t)items[i].bytes.first - at;
        }
        at = skip_blanks(text, (size_t)items[i].bytes.last);
    }
    memcpy(out + n_bytes, text.data + at, text.n_bytes - at);
    return (struct span){out, n_bytes + text.n_bytes - at};
}

struct span exact_remove(struct span text, const struct exact_item *items, size_t n_items,
                         const bool *dropped, struct arena *a)
{
    if (!any(dropped, n_items)) return text;
    uint8_t *out = ARENA_ARRAY(a, uint8_t, text.n_bytes);
    if (are_spans(items, n_items)) return remove_spans(text, items, n_items, dropped, out);
    size_t n_bytes = 0, n_kept = 0;
    for (size_t i = 0; i < n_items; i++) {
        if (dropped[i]) continue;
        const size_t before = i > 0 ? (size_t)items[i - 1].bytes.last : 0;
        const size_t first = n_kept++ > 0 || i == 0 ? before : (size_t)items[i].bytes.first;
        const size_t last = i + 1 < n_items ? (size_t)items[i].bytes.last : text.n_bytes;
        memcpy(out + n_bytes, text.data + first, last - first);
        n_bytes += last - first;
    }
    return (struct span){out, n_bytes};
}
