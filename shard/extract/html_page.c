// Tags are taken as the HTML standard takes them where it matters to text: attributes in quotes may
// hold '>', script and its like hold no markup, p ends where a block starts, an item, cell or row
// ends the one before, end tags of nothing are passed over. What is left out: the repair of
// misnested formatting (formatting is looked through) and of text between table cells (it stays
// where it is).

#include "shard/extract/html_page.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/size.h"
#include "shard/extract/html_entity.h"
#include "shard/extract/html_hint.h"
#include "shard/extract/html_tag.h"

struct open_element {
    uint32_t element;
    uint16_t below_tag, below_group; // the next lower open elements of its kind, as in `last_*`
    uint8_t tag;
};

struct scan {
    const uint8_t *html, *p, *end;
    struct arena *a;
    struct html_page *page;
    uint8_t *text;
    uint32_t n_text;
    size_t line_capacity, element_capacity;

    // Open elements from the outermost; places are 1-based, 0 = none.
    struct open_element open[HTML_PAGE_DEPTH_LIMIT + 1];
    uint32_t n_open;
    uint16_t last_tag[HTML_TAG_N], last_group[HTML_GROUP_N];
    uint32_t hidden_from; // place of the outermost hidden open element

    // The line under way.
    struct html_line line;
    bool in_line;
    uint8_t owed; // ' ' or '\n' before the next word, 0 = nothing
    bool in_link;
    uint32_t link_first; // first byte of the link in this line
    uint32_t link_open;  // n_open when the link started

    struct html_tag_index tags;
    struct html_hint_index hints;
};

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// Lines

static void begin_line(struct scan *s)
{
    s->line = (struct html_line){.element = s->open[s->n_open - 1].element,
                                 .first = s->n_text,
                                 .in_pre = s->last_tag[HTML_TAG_PRE] != 0};
    s->in_line = true;
    s->owed = 0;
    s->link_first = s->n_text;
}

static void end_link_bytes(struct scan *s)
{
    if (s->in_line && s->in_link) s->line.n_link_bytes += s->n_text - s->link_first;
    s->link_first = s->n_text;
}

static void end_line(struct scan *s)
{
    if (!s->in_line) return;
    end_link_bytes(s);
    s->in_line = false;
    s->owed = 0;
    struct html_line *l = &s->line;
    while (s->n_text > l->first && is_space(s->text[s->n_text - 1]))
        s->n_text--;
    l->n_bytes = s->n_text - l->first;
    if (l->n_bytes == 0) return;
    l->n_link_bytes = (uint32_t)size_min(l->n_link_bytes, l->n_bytes);
    struct html_page *page = s->page;
    page->lines =
        ARENA_GROW(s->a, struct html_line, page->lines, page->n_lines + 1, &s->line_capacity);
    page->lines[page->n_lines++] = *l;
}

// Elements

static void push(struct scan *s, enum html_tag tag, uint32_t hints)
{
    struct html_page *page = s->page;
    page->elements = ARENA_GROW(s->a, struct html_element, page->elements, page->n_elements + 1,
                                &s->element_capacity);
    page->elements[page->n_elements] =
        (struct html_element){.parent = s->n_open ? s->open[s->n_open - 1].element : 0,
                              .first_line = page->n_lines,
                              .hints = hints,
                              .tag = (uint8_t)tag};
    const enum html_group group = html_tag_group(tag);
    s->open[s->n_open++] = (struct open_element){.element = page->n_elements++,
                                                 .below_tag = s->last_tag[tag],
                                                 .below_group = s->last_group[group],
                                                 .tag = (uint8_t)tag};
    s->last_tag[tag] = s->last_group[group] = (uint16_t)s->n_open;
}

static void pop(struct scan *s)
{
    const struct open_element *o = &s->open[--s->n_open];
    s->last_tag[o->tag] = o->below_tag;
    s->last_group[html_tag_group(o->tag)] = o->below_group;
    if (s->hidden_from > s->n_open) s->hidden_from = 0;
    if (s->in_link && s->link_open > s->n_open) {
        end_link_bytes(s);
        s->in_link = false;
    }
    struct html_page *page = s->page;
    struct html_element *e = &page->elements[o->element];
    e->end = page->n_elements;
    e->end_line = page->n_lines;
    // What holds no text is forgotten; so is all that was in it by now.
    if (e->end_line == e->first_line && o->element > 0) page->n_elements = o->element;
}

// Ends the open element at place and all within it.
static void close_from(struct scan *s, uint32_t place)
{
    if (place == 0) return;
    for (uint32_t i = place - 1; i < s->n_open; i++) {
        if (html_tag_kind(s->open[i].tag) != HTML_BLOCK) continue;
        end_line(s);
        break;
    }
    while (s->n_open >= place)
        pop(s);
}

static uint32_t later(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

// Nothing outside the innermost cell or table is ended from within it.
static uint32_t cell_place(const struct scan *s)
{
    return later(later(s->last_group[HTML_GROUP_CELL], s->last_group[HTML_GROUP_TABLE]),
                 s->last_tag[HTML_TAG_CAPTION]);
}

static void close_within(struct scan *s, uint32_t place, uint32_t barrier)
{
    if (place > barrier) close_from(s, place);
}

// What a start tag ends.
static void close_before(struct scan *s, enum html_tag tag)
{
    const uint16_t *last = s->last_group;
    const uint32_t table = last[HTML_GROUP_TABLE];
    switch (html_tag_group(tag)) {
    case HTML_GROUP_CELL:
        close_within(s, last[HTML_GROUP_CELL], table);
        close_within(s, s->last_tag[HTML_TAG_CAPTION], table);
        return;
    case HTML_GROUP_ROW:
        close_within(s, last[HTML_GROUP_CELL], table);
        close_within(s, last[HTML_GROUP_ROW], table);
        close_within(s, s->last_tag[HTML_TAG_CAPTION], table);
        return;
    case HTML_GROUP_ROWS:
        close_within(s, last[HTML_GROUP_CELL], table);
        close_within(s, last[HTML_GROUP_ROW], table);
        close_within(s, last[HTML_GROUP_ROWS], table);
        close_within(s, s->last_tag[HTML_TAG_CAPTION], table);
        return;
    case HTML_GROUP_ITEM:
        close_within(s, last[HTML_GROUP_ITEM], later(last[HTML_GROUP_LIST], cell_place(s)));
        break;
    case HTML_GROUP_ENTRY:
        close_within(s, last[HTML_GROUP_ENTRY], later(last[HTML_GROUP_ENTRIES], cell_place(s)));
        break;
    case HTML_GROUP_HEADING:
        if (last[HTML_GROUP_HEADING] == s->n_open) close_from(s, last[HTML_GROUP_HEADING]);
        break;
    case HTML_GROUP_NONE:
    case HTML_GROUP_PARAGRAPH:
    case HTML_GROUP_LIST:
    case HTML_GROUP_ENTRIES:
    case HTML_GROUP_TABLE:
    case HTML_GROUP_N:
        break;
    }
    close_within(s, last[HTML_GROUP_PARAGRAPH], cell_place(s));
}

static void end_tag(struct scan *s, enum html_tag tag)
{
    const uint16_t *last = s->last_group;
    const uint32_t place = s->last_tag[tag];
    switch (html_tag_group(tag)) {
    case HTML_GROUP_TABLE:
        close_from(s, place);
        return;
    case HTML_GROUP_ROWS:
    case HTML_GROUP_ROW:
    case HTML_GROUP_CELL:
        close_within(s, place, last[HTML_GROUP_TABLE]);
        return;
    case HTML_GROUP_HEADING:
        close_within(s, last[HTML_GROUP_HEADING], cell_place(s));
        return;
    case HTML_GROUP_ITEM:
        close_within(s, place, later(last[HTML_GROUP_LIST], cell_place(s)));
        return;
    case HTML_GROUP_NONE:
    case HTML_GROUP_PARAGRAPH:
    case HTML_GROUP_LIST:
    case HTML_GROUP_ENTRIES:
    case HTML_GROUP_ENTRY:
    case HTML_GROUP_N:
        break;
    }
    // A form ends by itself, whatever is open in it.
    if (tag == HTML_TAG_FORM && place != s->n_open) return;
    if (tag == HTML_TAG_CAPTION)
        close_within(s, place, last[HTML_GROUP_TABLE]);
    else
        close_within(s, place, cell_place(s));
}

// Text

enum char_class { CHAR_PLAIN, CHAR_SPACE, CHAR_SPECIAL };

// Special: '&', control characters, and the first bytes of U+00A0, U+00AD and U+200B.
static const uint8_t char_classes[256] = {
    2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 2,         2,          2,          2,         2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, ['&'] = 2, [0x7f] = 2, [0xc2] = 2, [0xe2] = 2};

static void put_owed(struct scan *s)
{
    if (!s->in_line)
        begin_line(s);
    else if (s->owed) {
        s->text[s->n_text++] = s->owed;
        s->owed = 0;
    }
}

static void put_bytes(struct scan *s, const uint8_t *bytes, size_t n)
{
    put_owed(s);
    memcpy(s->text + s->n_text, bytes, n);
    s->n_text += (uint32_t)n;
}

static void put_space(struct scan *s, uint8_t space)
{
    if (s->last_tag[HTML_TAG_PRE]) {
        if (!s->in_line) begin_line(s);
        if (space != '\r') s->text[s->n_text++] = space;
    } else if (s->owed != '\n') {
        s->owed = ' ';
    }
}

// U+00A0 is a space; U+00AD and U+200B, which only say where a word may be broken, are nothing.
static void put_character(struct scan *s, const uint8_t *c, size_t n)
{
    if (n == 2 && c[0] == 0xc2 && c[1] == 0xa0)
        put_space(s, ' ');
    else if (n == 1 && is_space(c[0]))
        put_space(s, c[0]);
    else if (!(n == 2 && c[0] == 0xc2 && c[1] == 0xad) &&
             !(n == 3 && memcmp(c, "\u200b", 3) == 0) && !(n == 1 && (c[0] < 0x20 || c[0] == 0x7f)))
        put_bytes(s, c, n);
}

// The special byte at p; returns the bytes taken.
static size_t put_special(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    const size_t n_left = (size_t)(end - p);
    if (*p == '&') {
        uint8_t character[HTML_ENTITY_BYTES];
        size_t n = 0;
        const size_t used = html_entity_decode((struct span){p, n_left}, character, &n);
        if (used == 0)
            put_bytes(s, p, 1);
        else
            put_character(s, character, n);
        return used ? used : 1;
    }
    const size_t n = *p == 0xc2 ? 2 : *p == 0xe2 ? 3 : 1;
    if (n > n_left) return n_left;
    put_character(s, p, n);
    return n;
}

// In pre, only CR and the special bytes are not copied.
static void put_pre(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    while (p < end) {
        const uint8_t class = char_classes[*p];
        if (class == CHAR_SPACE) {
            put_space(s, *p++);
        } else if (class == CHAR_SPECIAL) {
            p += put_special(s, p, end);
        } else {
            const uint8_t *first = p;
            while (p < end && char_classes[*p] == CHAR_PLAIN)
                p++;
            put_bytes(s, first, (size_t)(p - first));
        }
    }
}

static void put_text(struct scan *s, const uint8_t *p, const uint8_t *end)
{
    if (s->hidden_from) return;
    if (s->last_tag[HTML_TAG_PRE]) {
        put_pre(s, p, end);
        return;
    }
    while (p < end) {
        const uint8_t class = char_classes[*p];
        if (class == CHAR_SPACE) {
            if (s->owed != '\n') s->owed = ' ';
            while (p < end && char_classes[*p] == CHAR_SPACE)
                p++;
        } else if (class == CHAR_SPECIAL) {
            p += put_special(s, p, end);
        } else {
            put_owed(s);
            uint8_t *out = s->text + s->n_text;
            const uint8_t *first = p;
            do
                *out++ = *p++;
            while (p < end && char_classes[*p] == CHAR_PLAIN);
            s->n_text += (uint32_t)(p - first);
        }
    }
}

// Tags

struct tag_attributes {
    uint32_t hints;
    bool has_href, hidden, self_closing;
};

static bool named(struct span name, const char *expected)
{
    return strlen(expected) == name.n_bytes &&
           strncasecmp((const char *)name.data, expected, name.n_bytes) == 0;
}

static bool hides(struct span style)
{
    const uint8_t *at = memmem(style.data, style.n_bytes, "display", 7);
    if (!at) return false;
    const uint8_t *end = style.data + style.n_bytes;
    for (at += 7; at < end && (is_space(*at) || *at == ':');)
        at++;
    return end - at >= 4 && memcmp(at, "none", 4) == 0;
}

static void take_attribute(struct scan *s, struct span name, struct span value,
                           struct tag_attributes *out)
{
    if (named(name, "class") || named(name, "id") || named(name, "role") || named(name, "itemprop"))
        out->hints |= html_hint_find(&s->hints, value);
    else if (named(name, "href"))
        out->has_href = true;
    else if (named(name, "hidden") || (named(name, "style") && hides(value)))
        out->hidden = true;
}

static struct span take_value(struct scan *s)
{
    const uint8_t *first = s->p;
    if (s->p < s->end && (*s->p == '"' || *s->p == '\'')) {
        const uint8_t *last = memchr(s->p + 1, *s->p, (size_t)(s->end - s->p - 1));
        s->p = last ? last + 1 : s->end;
        return (struct span){first + 1, last ? (size_t)(last - first - 1) : 0};
    }
    while (s->p < s->end && !is_space(*s->p) && *s->p != '>')
        s->p++;
    return (struct span){first, (size_t)(s->p - first)};
}

static void skip_spaces(struct scan *s)
{
    while (s->p < s->end && is_space(*s->p))
        s->p++;
}

// Up to past the '>' of a tag; what it has is written to out if out is given.
static void take_attributes(struct scan *s, struct tag_attributes *out)
{
    for (;;) {
        bool slash = false;
        while (s->p < s->end && (is_space(*s->p) || *s->p == '/'))
            slash = *s->p++ == '/';
        if (s->p == s->end) return;
        if (*s->p == '>') {
            s->p++;
            if (out) out->self_closing = slash;
            return;
        }
        const uint8_t *first = s->p++;
        while (s->p < s->end && *s->p != '=' && *s->p != '>' && *s->p != '/' && !is_space(*s->p))
            s->p++;
        const struct span name = {first, (size_t)(s->p - first)};
        skip_spaces(s);
        struct span value = {s->p, 0};
        if (s->p < s->end && *s->p == '=') {
            s->p++;
            skip_spaces(s);
            value = take_value(s);
        }
        if (out) take_attribute(s, name, value, out);
    }
}

// Up to the end tag of an element that holds no markup.
static void skip_raw(struct scan *s, const uint8_t *name, size_t n)
{
    while (s->p < s->end) {
        const uint8_t *lt = memchr(s->p, '<', (size_t)(s->end - s->p));
        if (!lt || (size_t)(s->end - lt) < n + 2) break;
        s->p = lt + 1;
        if (lt[1] != '/' || strncasecmp((const char *)lt + 2, (const char *)name, n) != 0) continue;
        if (s->end - lt - 2 > (ptrdiff_t)n && (ascii_is_letter(lt[2 + n]) || lt[2 + n] == '-'))
            continue;
        s->p = lt + 2 + n;
        take_attributes(s, NULL);
        return;
    }
    s->p = s->end;
}

// A link whose text is only a mark, as headings have to be linked to, leaves none.
static bool is_mark(const uint8_t *text, size_t n)
{
    return (n == 1 && *text == '#') || (n == 2 && memcmp(text, "\u00b6", 2) == 0) ||
           (n == 2 && memcmp(text, "\u00a7", 2) == 0);
}

static void end_link(struct scan *s)
{
    if (!s->in_link) return;
    if (s->in_line && !s->line.in_pre) {
        uint32_t first = s->link_first;
        if (first < s->n_text && s->text[first] == ' ') first++;
        if (is_mark(s->text + first, s->n_text - first)) s->n_text = s->link_first;
    }
    end_link_bytes(s);
    s->in_link = false;
}

static enum err open_block(struct scan *s, enum html_tag tag, const struct tag_attributes *t)
{
    if (html_tag_kind(tag) == HTML_BLOCK) {
        close_before(s, tag);
        end_line(s);
    }
    if (s->n_open > HTML_PAGE_DEPTH_LIMIT)
        return fail(ERR_DATA, "HTML nested deeper than %d at offset %zu", HTML_PAGE_DEPTH_LIMIT,
                    (size_t)(s->p - s->html));
    push(s, tag, t->hints);
    const bool hidden =
        html_tag_kind(tag) == HTML_HIDDEN || t->hidden || (t->hints & HTML_HINT_HIDDEN);
    if (hidden && !s->hidden_from) s->hidden_from = s->n_open;
    if (tag == HTML_TAG_PRE && s->p < s->end && *s->p == '\n') s->p++;
    return OK;
}

static void line_break(struct scan *s)
{
    if (s->hidden_from) return;
    if (s->last_tag[HTML_TAG_PRE])
        put_space(s, '\n');
    else
        s->owed = '\n';
}

static enum err start_tag(struct scan *s, const uint8_t *name, size_t n)
{
    const enum html_tag tag = html_tag_find(&s->tags, name, n);
    struct tag_attributes t = {0};
    take_attributes(s, tag ? &t : NULL);
    switch (html_tag_kind(tag)) {
    case HTML_INLINE: {
        const bool hidden = tag && (t.hidden || (t.hints & HTML_HINT_HIDDEN));
        if (hidden || (tag && s->last_tag[tag])) return open_block(s, tag, &t);
        return OK;
    }
    case HTML_LINK:
        end_link(s);
        s->in_link = t.has_href;
        s->link_first = s->n_text;
        s->link_open = s->n_open;
        return OK;
    case HTML_BREAK:
        line_break(s);
        return OK;
    case HTML_RULE:
        close_within(s, s->last_group[HTML_GROUP_PARAGRAPH], cell_place(s));
        end_line(s);
        return OK;
    case HTML_RAW:
        if (!t.self_closing || !s->last_tag[HTML_TAG_SVG]) skip_raw(s, name, n);
        return OK;
    case HTML_HIDDEN:
    case HTML_BLOCK:
        if (t.self_closing && s->last_tag[HTML_TAG_SVG]) return OK;
        return open_block(s, tag, &t);
    }
    return OK;
}

static void take_end_tag(struct scan *s, const uint8_t *name, size_t n)
{
    const enum html_tag tag = html_tag_find(&s->tags, name, n);
    take_attributes(s, NULL);
    if (tag == HTML_TAG_NONE) return;
    if (tag == HTML_TAG_A)
        end_link(s);
    else if (tag == HTML_TAG_BR)
        line_break(s);
    else
        end_tag(s, tag);
}

static void skip_past(struct scan *s, const char *mark)
{
    const size_t n = strlen(mark);
    const uint8_t *at = memmem(s->p, (size_t)(s->end - s->p), mark, n);
    s->p = at ? at + n : s->end;
}

// <!-- -->, <!doctype>, <?x>, </ >; s->p is past the '<'.
static void skip_markup(struct scan *s)
{
    if (s->end - s->p < 3 || memcmp(s->p, "!--", 3) != 0) {
        skip_past(s, ">");
        return;
    }
    s->p += 3;
    if (s->p < s->end && *s->p == '>')
        s->p++;
    else if (s->end - s->p > 1 && memcmp(s->p, "->", 2) == 0)
        s->p += 2;
    else
        skip_past(s, "-->");
}

// The '<' at s->p starts a tag, or something to skip; else it is text and taken as such.
static enum err take_markup(struct scan *s)
{
    const uint8_t *lt = s->p++;
    const uint8_t c = s->p < s->end ? *s->p : ' ';
    const bool ends = c == '/' && s->end - s->p > 1;
    if (ascii_is_letter(c) || (ends && ascii_is_letter(s->p[1]))) {
        s->p += ends;
        const uint8_t *name = s->p;
        while (s->p < s->end && *s->p != '>' && *s->p != '/' && !is_space(*s->p))
            s->p++;
        const size_t n = (size_t)(s->p - name);
        if (!ends) return start_tag(s, name, n);
        take_end_tag(s, name, n);
        return OK;
    }
    if (c == '!' || c == '?' || ends)
        skip_markup(s);
    else
        put_text(s, lt, s->p);
    return OK;
}

static void sum_elements(struct html_page *page)
{
    for (uint32_t i = 0; i < page->n_lines; i++) {
        struct html_element *e = &page->elements[page->lines[i].element];
        e->n_bytes += page->lines[i].n_bytes;
        e->n_link_bytes += page->lines[i].n_link_bytes;
    }
    for (uint32_t i = page->n_elements; i-- > 1;) {
        const struct html_element *e = &page->elements[i];
        page->elements[e->parent].n_bytes += e->n_bytes;
        page->elements[e->parent].n_link_bytes += e->n_link_bytes;
    }
}

static enum err scan_all(struct scan *s)
{
    while (s->p < s->end) {
        const uint8_t *lt = memchr(s->p, '<', (size_t)(s->end - s->p));
        const uint8_t *text_end = lt ? lt : s->end;
        put_text(s, s->p, text_end);
        s->p = text_end;
        if (lt) TRY(take_markup(s));
    }
    end_line(s);
    close_from(s, 1);
    return OK;
}

enum err html_page_scan(struct span html, struct arena *a, struct html_page *page)
{
    if (html.n_bytes > HTML_PAGE_BYTES_LIMIT)
        return fail(ERR_DATA, "HTML of %zu bytes, the limit is %d", html.n_bytes,
                    HTML_PAGE_BYTES_LIMIT);
    *page = (struct html_page){0};
    struct scan *s = ARENA_NEW(a, struct scan);
    s->html = s->p = html.data;
    s->end = html.data + html.n_bytes;
    s->a = a;
    s->page = page;
    s->text = arena_alloc(a, html.n_bytes + html.n_bytes / 4 + HTML_ENTITY_BYTES, 1);
    html_tag_index_init(&s->tags);
    html_hint_index_init(&s->hints);
    push(s, HTML_TAG_NONE, 0);
    TRY(scan_all(s));
    page->text = (struct span){s->text, s->n_text};
    sum_elements(page);
    return OK;
}
