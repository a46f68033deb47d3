#include "shard/extract/main_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "shard/extract/html_hint.h"
#include "shard/extract/html_tag.h"

struct choice {
    const struct html_page *page;
    uint32_t *line_mass; // bytes of prose of a line
    uint32_t *mass;      // of an element: of the lines below it that are not cut
    bool *cut;           // elements left out, all below them included
    bool *kept;          // lines
    uint32_t root;
};

static uint32_t prose(const struct html_line *l)
{
    if (2 * l->n_link_bytes > l->n_bytes) return 0;
    const uint32_t n = l->n_bytes - l->n_link_bytes;
    return n >= 80 ? n : n >= 30 ? n / 2 : n / 8;
}

static bool has_kind(const struct choice *c, uint32_t element, enum html_tag tag)
{
    return c->page->elements[element].tag == tag;
}

// Sums line_mass over elements, passing over those that are cut.
static void weigh(struct choice *c)
{
    const struct html_page *page = c->page;
    memset(c->mass, 0, page->n_elements * sizeof *c->mass);
    for (uint32_t i = 0; i < page->n_lines; i++)
        c->mass[page->lines[i].element] += c->line_mass[i];
    for (uint32_t i = page->n_elements; i-- > 1;)
        if (!c->cut[i]) c->mass[page->elements[i].parent] += c->mass[i];
}

enum strength { STAYS, IF_SMALL, IF_MINOR, ALWAYS };

static enum strength tag_strength(uint8_t tag)
{
    switch (tag) {
    case HTML_TAG_NAV:
    case HTML_TAG_MENU:
    case HTML_TAG_DIALOG:
    case HTML_TAG_SEARCH:
    case HTML_TAG_FOOTER:
        return ALWAYS;
    case HTML_TAG_ASIDE:
    case HTML_TAG_FORM:
    case HTML_TAG_HEADER:
        return IF_MINOR;
    case HTML_TAG_FIGCAPTION:
        return STAYS;
    }
    return STAYS;
}

static enum strength hint_strength(uint32_t hints)
{
    if (hints & (HTML_HINT_NAV | HTML_HINT_FOOT | HTML_HINT_SHARE | HTML_HINT_RELATED |
                 HTML_HINT_AD | HTML_HINT_NOTICE | HTML_HINT_FORM | HTML_HINT_COMMENT |
                 HTML_HINT_SIDE | HTML_HINT_HEAD | HTML_HINT_TOC))
        return IF_MINOR;
    if (hints & (HTML_HINT_META | HTML_HINT_CAPTION)) return IF_SMALL;
    return STAYS;
}

static void cut_by_name(struct choice *c)
{
    const struct html_page *page = c->page;
    const uint32_t all = c->mass[0];
    for (uint32_t i = 1; i < page->n_elements; i++) {
        const struct html_element *e = &page->elements[i];
        const enum strength by_tag = tag_strength(e->tag), by_hint = hint_strength(e->hints);
        const enum strength s = by_tag > by_hint ? by_tag : by_hint;
        c->cut[i] = s == ALWAYS || (s == IF_MINOR && 2 * (uint64_t)c->mass[i] < all) ||
                    (s == IF_SMALL && e->n_bytes < 250);
    }
}

// Lists, tables and blocks that are mostly links.
static void cut_links(struct choice *c)
{
    const struct html_page *page = c->page;
    for (uint32_t i = 1; i < page->n_elements; i++) {
        const struct html_element *e = &page->elements[i];
        if (e->tag == HTML_TAG_P || e->tag == HTML_TAG_LI || e->tag == HTML_TAG_TD) continue;
        if (10 * (uint64_t)e->n_link_bytes > 6 * (uint64_t)e->n_bytes &&
            5 * (uint64_t)c->mass[i] < e->n_bytes)
            c->cut[i] = true;
    }
}

static bool is_container(uint8_t tag)
{
    return tag == HTML_TAG_DIV || tag == HTML_TAG_SECTION || tag == HTML_TAG_ARTICLE ||
           tag == HTML_TAG_MAIN || tag == HTML_TAG_FORM || tag == HTML_TAG_CENTER ||
           tag == HTML_TAG_TABLE || tag == HTML_TAG_TBODY || tag == HTML_TAG_TR ||
           tag == HTML_TAG_TD || tag == HTML_TAG_ASIDE || tag == HTML_TAG_HEADER;
}

static uint32_t heaviest_child(const struct choice *c, uint32_t element)
{
    const struct html_page *page = c->page;
    uint32_t best = 0;
    for (uint32_t i = element + 1; i < page->elements[element].end; i = page->elements[i].end) {
        if (c->cut[i] || !is_container(page->elements[i].tag)) continue;
        if (best == 0 || c->mass[i] > c->mass[best]) best = i;
    }
    return best;
}

static uint32_t find_root(const struct choice *c)
{
    const struct html_page *page = c->page;
    uint32_t root = 0;
    for (;;) {
        const uint32_t child = heaviest_child(c, root);
        if (child == 0) return root;
        const struct html_element *e = &page->elements[child];
        const bool named = (e->hints & (HTML_HINT_CONTENT | HTML_HINT_MAIN)) ||
                           e->tag == HTML_TAG_MAIN || e->tag == HTML_TAG_ARTICLE;
        const unsigned percent = (e->hints & HTML_HINT_CONTENT) ? 50 : named ? 60 : 85;
        if (100 * (uint64_t)c->mass[child] < percent * (uint64_t)c->mass[root]) return root;
        root = child;
    }
}

static bool is_heading(const struct choice *c, const struct html_line *l)
{
    const uint8_t tag = c->page->elements[l->element].tag;
    return tag >= HTML_TAG_H1 && tag <= HTML_TAG_H6;
}

static void keep_lines(struct choice *c, uint32_t root)
{
    const struct html_page *page = c->page;
    const struct html_element *e = &page->elements[root];
    // An element within one that is cut is cut.
    for (uint32_t i = root + 1; i < e->end; i++)
        if (page->elements[i].parent != root && c->cut[page->elements[i].parent]) c->cut[i] = true;
    for (uint32_t i = e->first_line; i < e->end_line; i++) {
        const struct html_line *l = &page->lines[i];
        if (l->element != root && c->cut[l->element]) continue;
        if (10 * (uint64_t)l->n_link_bytes > 8 * (uint64_t)l->n_bytes && !is_heading(c, l))
            continue;
        c->kept[i] = true;
    }
}

// A heading stays if there is something below it.
static void drop_bare_headings(struct choice *c)
{
    bool followed = false;
    for (uint32_t i = c->page->n_lines; i-- > 0;) {
        if (!c->kept[i]) continue;
        const bool heading = is_heading(c, &c->page->lines[i]);
        if (heading && !followed) c->kept[i] = false;
        if (!heading) followed = true;
    }
}

// Writing

struct output {
    const struct choice *c;
    uint8_t *data;
    size_t n_bytes;
    uint32_t row, cell, item; // of the line before; 0 = none
};

static void put(struct output *o, const void *bytes, size_t n)
{
    memcpy(o->data + o->n_bytes, bytes, n);
    o->n_bytes += n;
}

// The innermost element of a tag around a line, but not beyond one of `outside`; 0 = none.
static uint32_t find_around(const struct choice *c, uint32_t element, enum html_tag tag,
                            enum html_tag or_tag)
{
    for (unsigned n = 0; element && n < 3; element = c->page->elements[element].parent, n++)
        if (has_kind(c, element, tag) || has_kind(c, element, or_tag)) return element;
    return 0;
}

static void put_line(struct output *o, const struct html_line *l)
{
    const struct choice *c = o->c;
    const uint32_t cell = find_around(c, l->element, HTML_TAG_TD, HTML_TAG_TH);
    const uint32_t row = cell ? c->page->elements[cell].parent : 0;
    const uint32_t item = cell ? 0 : find_around(c, l->element, HTML_TAG_LI, HTML_TAG_LI);
    if (o->n_bytes) {
        if (row && row == o->row && cell != o->cell)
            put(o, " | ", 3);
        else
            put(o, "\n", 1);
    }
    if (item && item != o->item && !l->in_pre) put(o, "- ", 2);
    put(o, c->page->text.data + l->first, l->n_bytes);
    o->row = row;
    o->cell = cell;
    o->item = item;
}

static struct span write_lines(const struct choice *c, struct arena *a)
{
    const struct html_page *page = c->page;
    size_t n = 1;
    for (uint32_t i = 0; i < page->n_lines; i++)
        if (c->kept[i]) n += page->lines[i].n_bytes + 5;
    struct output o = {.c = c, .data = arena_alloc(a, n, 1)};
    for (uint32_t i = 0; i < page->n_lines; i++)
        if (c->kept[i]) put_line(&o, &page->lines[i]);
    return (struct span){o.data, o.n_bytes};
}

struct span main_text_extract(const struct html_page *page, struct arena *a)
{
    struct choice c = {.page = page,
                       .line_mass = ARENA_ARRAY(a, uint32_t, page->n_lines),
                       .mass = ARENA_ARRAY(a, uint32_t, page->n_elements),
                       .cut = ARENA_ARRAY(a, bool, page->n_elements),
                       .kept = ARENA_ARRAY(a, bool, page->n_lines)};
    for (uint32_t i = 0; i < page->n_lines; i++)
        c.line_mass[i] = prose(&page->lines[i]);
    weigh(&c);
    cut_by_name(&c);
    cut_links(&c);
    weigh(&c);
    c.root = find_root(&c);
    keep_lines(&c, c.root);
    drop_bare_headings(&c);
    return write_lines(&c, a);
}
