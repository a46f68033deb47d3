// Which lines are kept is decided by blocks, in this order:
//
// 1. A line has a mass, its bytes of prose: long lines count in full, short ones and links little.
// 2. Blocks are cut by what they are (nav, aside) and by what they are called (html_hint.h), if the
//    greater part of the page's mass is elsewhere: names lie ("no-sidebar", "page-header" around
//    everything), so the heaviest block is never cut by its name. Lists and blocks that are mostly
//    links are cut.
// 3. The root is found from the page downwards: into the child that holds nearly all of the mass
//    that is left, or most of it if its name says that it is the content.
// 4. Lines below the root stay unless cut; before it only long ones do (a lead, often outside).
//    Headings with nothing after them go.
//
// The percentages were chosen on one half of the annotated pages that docs/DATA.md names, and
// checked on the other.

#include "shard/extract/main_text.h"

#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "shard/extract/html_hint.h"
#include "shard/extract/html_tag.h"

enum {
    LONG_BYTES = 80,   // a line that is surely prose
    MIDDLE_BYTES = 30, // one that counts half
    LONG_LINK_PERCENT = 33,
    LINE_LINK_PERCENT = 80,  // lines with more are links
    BLOCK_LINK_PERCENT = 40, // blocks with more, and little mass, are
    BLOCK_MASS_PERCENT = 15,
    CONTENT_ROOT_PERCENT = 50, // of the mass, for a child to become the root
    NAMED_ROOT_PERCENT = 75,
    ANY_ROOT_PERCENT = 90,
    HOLDER_PERCENT = 33,  // of the mass, for a block called content to be the content
    COPYRIGHT_BYTES = 24, // where a line says so
    LAST_LINES = 3,       // after a footer, at most
    LAST_PERCENT = 85,    // of the mass, that a footer there may have
    LEFT_PERCENT = 10, // of the mass, must be left, or the names of this step mean something else
    META_BYTES = 350,  // bylines, dates and captions are shorter
    FORM_MASS = 200,   // forms with less are only forms
    NOTHING_MASS = 150 // a page of links with less has no content
};

enum cut {
    CUT_NOT,
    CUT_SHORT, // all but headings and long lines is left out
    CUT_ALL
};

// What is cut by names, and up to which share of the page's mass: one row a step, as each step
// changes what the next sees.
static const struct cut_row {
    uint32_t hints;
    unsigned percent;
    bool asides;
} cut_rows[] = {{HTML_HINT_NOTICE, 80, false},
                {HTML_HINT_COMMENT | HTML_HINT_FORM, 50, false},
                {HTML_HINT_NAV | HTML_HINT_FOOT | HTML_HINT_SHARE | HTML_HINT_RELATED |
                     HTML_HINT_AD | HTML_HINT_TOC,
                 30, false},
                {HTML_HINT_SIDE, 70, true}};

struct choice {
    const struct html_page *page;
    uint32_t *line_mass;
    uint32_t *mass; // of an element: of the lines below it that are not cut
    uint8_t *cut;   // enum cut of elements
    uint8_t *cut_before;
    bool *holds; // of an element: the main content is within it, by tag or name
    bool *kept;  // lines
    uint32_t root;
};

// Shares in percent without overflow: page offsets have 32 bits.
static bool is_above(uint32_t part, unsigned percent, uint32_t whole)
{
    return (uint64_t)part * 100 > (uint64_t)whole * percent;
}

// Mass

// "(c)" in one of its spellings at the start of a line.
static bool is_copyright(const struct html_page *page, const struct html_line *l)
{
    const uint8_t *at = page->text.data + l->first;
    const size_t n = size_min(l->n_bytes, COPYRIGHT_BYTES);
    return memmem(at, n, "\u00a9", 2) || (memmem(at, n, "Copyright", 9) && memmem(at, n, "20", 2));
}

static uint32_t line_mass(const struct html_page *page, const struct html_line *l)
{
    if (is_copyright(page, l)) return 0;
    if (is_above(l->n_link_bytes, 50, l->n_bytes) && !l->in_pre) return 0;
    const uint32_t n = l->in_pre ? l->n_bytes : l->n_bytes - l->n_link_bytes;
    return n >= LONG_BYTES ? n : n >= MIDDLE_BYTES ? n / 2 : n / 8;
}

static bool is_long(const struct html_line *l)
{
    return l->n_bytes - l->n_link_bytes >= LONG_BYTES &&
           !is_above(l->n_link_bytes, LONG_LINK_PERCENT, l->n_bytes);
}

static void weigh(struct choice *c)
{
    const struct html_page *page = c->page;
    memset(c->mass, 0, page->n_elements * sizeof *c->mass);
    for (uint32_t i = 0; i < page->n_lines; i++)
        c->mass[page->lines[i].element] += c->line_mass[i];
    for (uint32_t i = page->n_elements; i-- > 1;)
        if (c->cut[i] != CUT_ALL) c->mass[page->elements[i].parent] += c->mass[i];
}

// Cuts

static bool is_heading(uint8_t tag)
{
    return tag >= HTML_TAG_H1 && tag <= HTML_TAG_H6;
}

static bool is_paragraph(uint8_t tag)
{
    return tag == HTML_TAG_P || tag == HTML_TAG_BLOCKQUOTE || tag == HTML_TAG_PRE ||
           is_heading(tag);
}

// What may be the root.
static bool is_container(uint8_t tag)
{
    return tag == HTML_TAG_DIV || tag == HTML_TAG_SECTION || tag == HTML_TAG_ARTICLE ||
           tag == HTML_TAG_MAIN || tag == HTML_TAG_FORM || tag == HTML_TAG_CENTER ||
           tag == HTML_TAG_TABLE || tag == HTML_TAG_TBODY || tag == HTML_TAG_TR ||
           tag == HTML_TAG_TD || tag == HTML_TAG_ASIDE || tag == HTML_TAG_HEADER;
}

static void cut_tags(struct choice *c)
{
    for (uint32_t i = 1; i < c->page->n_elements; i++) {
        const uint8_t tag = c->page->elements[i].tag;
        const bool footer = tag == HTML_TAG_FOOTER && !is_above(c->mass[i], 50, c->mass[0]);
        if (tag == HTML_TAG_NAV || tag == HTML_TAG_MENU || tag == HTML_TAG_DIALOG ||
            tag == HTML_TAG_SEARCH || tag == HTML_TAG_FIGCAPTION || footer)
            c->cut[i] = CUT_ALL;
    }
    weigh(c);
}

static void find_holders(struct choice *c)
{
    const struct html_page *page = c->page;
    memset(c->holds, 0, page->n_elements * sizeof *c->holds);
    for (uint32_t i = page->n_elements; i-- > 1;) {
        const struct html_element *e = &page->elements[i];
        const bool is_content =
            (e->hints & HTML_HINT_CONTENT) && is_above(c->mass[i], HOLDER_PERCENT, c->mass[0]);
        if (e->tag == HTML_TAG_MAIN || is_content || c->holds[i]) c->holds[e->parent] = true;
    }
}

// An article's names are often those of its topics.
static uint32_t own_hints(const struct html_element *e)
{
    if (e->tag == HTML_TAG_MAIN) return 0;
    if (e->tag == HTML_TAG_ARTICLE) return e->hints & (HTML_HINT_COMMENT | HTML_HINT_RELATED);
    return e->hints;
}

// A footer by name and place.
static bool is_last(const struct html_page *page, const struct html_element *e)
{
    return (e->hints & HTML_HINT_FOOT) && e->end_line + LAST_LINES >= page->n_lines;
}

static void cut_names(struct choice *c, const struct cut_row *row)
{
    const struct html_page *page = c->page;
    const uint32_t before = c->mass[0];
    memcpy(c->cut_before, c->cut, page->n_elements * sizeof *c->cut);
    find_holders(c);
    for (uint32_t i = 1; i < page->n_elements; i++) {
        const struct html_element *e = &page->elements[i];
        const bool named = own_hints(e) & row->hints;
        if (c->cut[i] || !(named || (row->asides && e->tag == HTML_TAG_ASIDE))) continue;
        const unsigned percent = is_last(page, e) ? LAST_PERCENT : row->percent;
        if (c->holds[i] || is_above(c->mass[i], percent, c->mass[0])) continue;
        c->cut[i] = is_paragraph(e->tag) ? CUT_SHORT : CUT_ALL;
    }
    weigh(c);
    if (is_above(c->mass[0], LEFT_PERCENT, before)) return;
    memcpy(c->cut, c->cut_before, page->n_elements * sizeof *c->cut);
    weigh(c);
}

static void cut_small(struct choice *c)
{
    const struct html_page *page = c->page;
    for (uint32_t i = 1; i < page->n_elements; i++) {
        const struct html_element *e = &page->elements[i];
        if (c->cut[i]) continue;
        const uint32_t hints = own_hints(e);
        const bool meta =
            e->n_bytes < META_BYTES &&
            ((hints & (HTML_HINT_META | HTML_HINT_CAPTION)) || e->tag == HTML_TAG_ADDRESS);
        const bool header = e->tag == HTML_TAG_HEADER || (hints & HTML_HINT_HEAD);
        if (meta || (e->tag == HTML_TAG_FORM && c->mass[i] < FORM_MASS))
            c->cut[i] = CUT_ALL;
        else if (header && !is_above(c->mass[i], 50, c->mass[0]))
            c->cut[i] = CUT_SHORT;
    }
    weigh(c);
}

static bool may_be_links(uint8_t tag)
{
    if (tag == HTML_TAG_TBODY || tag == HTML_TAG_TR || tag == HTML_TAG_TD) return false;
    return is_container(tag) || tag == HTML_TAG_UL || tag == HTML_TAG_OL || tag == HTML_TAG_DL;
}

static void cut_links(struct choice *c)
{
    const struct html_page *page = c->page;
    for (uint32_t i = 1; i < page->n_elements; i++) {
        const struct html_element *e = &page->elements[i];
        if (may_be_links(e->tag) && is_above(e->n_link_bytes, BLOCK_LINK_PERCENT, e->n_bytes) &&
            !is_above(c->mass[i], 20, e->n_bytes) &&
            !is_above(c->mass[i], BLOCK_MASS_PERCENT, c->mass[0]))
            c->cut[i] = CUT_ALL;
    }
    weigh(c);
}

// Root

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

static unsigned root_percent(const struct html_element *e)
{
    if (e->hints & HTML_HINT_CONTENT) return CONTENT_ROOT_PERCENT;
    if ((e->hints & HTML_HINT_MAIN) || e->tag == HTML_TAG_MAIN || e->tag == HTML_TAG_ARTICLE)
        return NAMED_ROOT_PERCENT;
    return ANY_ROOT_PERCENT;
}

static void find_root(struct choice *c)
{
    c->root = 0;
    for (;;) {
        const uint32_t child = heaviest_child(c, c->root);
        const struct html_element *e = &c->page->elements[child];
        if (child == 0 || !is_above(c->mass[child] + 1, root_percent(e), c->mass[c->root])) return;
        c->root = child;
    }
}

// Lines

// What is within something cut is cut; the root and what is around it is not.
static void spread_cuts(struct choice *c)
{
    const struct html_page *page = c->page;
    for (uint32_t i = c->root; i; i = page->elements[i].parent)
        c->cut[i] = CUT_NOT;
    for (uint32_t i = 1; i < page->n_elements; i++) {
        const uint8_t above = c->cut[page->elements[i].parent];
        if (above > c->cut[i]) c->cut[i] = above;
    }
}

static bool stays(const struct choice *c, uint32_t i)
{
    const struct html_element *root = &c->page->elements[c->root];
    const struct html_line *l = &c->page->lines[i];
    const bool heading = is_heading(c->page->elements[l->element].tag);
    if (c->cut[l->element] == CUT_ALL || i >= root->end_line) return false;
    if (i < root->first_line) return is_long(l);
    if (c->cut[l->element] == CUT_SHORT) return heading || is_long(l);
    if (c->line_mass[i] == 0 && is_copyright(c->page, l)) return false;
    return heading || l->in_pre || !is_above(l->n_link_bytes, LINE_LINK_PERCENT, l->n_bytes);
}

static void keep_lines(struct choice *c)
{
    const struct html_page *page = c->page;
    uint64_t mass = 0;
    bool has_long = false;
    for (uint32_t i = 0; i < page->n_lines; i++) {
        c->kept[i] = stays(c, i);
        if (!c->kept[i]) continue;
        mass += c->line_mass[i];
        has_long = has_long || is_long(&page->lines[i]);
    }
    const struct html_element *all = &page->elements[0];
    if (!has_long && mass < NOTHING_MASS && is_above(all->n_link_bytes, 50, all->n_bytes))
        memset(c->kept, 0, page->n_lines * sizeof *c->kept);
}

// The title is often above the root: the last h1 before what is kept.
static void keep_title(struct choice *c)
{
    const struct html_page *page = c->page;
    uint32_t title = UINT32_MAX;
    for (uint32_t i = 0; i < page->n_lines && !c->kept[i]; i++) {
        const uint32_t element = page->lines[i].element;
        if (page->elements[element].tag == HTML_TAG_H1 && c->cut[element] != CUT_ALL) title = i;
    }
    if (title != UINT32_MAX) c->kept[title] = true;
}

static void drop_bare_headings(struct choice *c)
{
    bool followed = false;
    for (uint32_t i = c->page->n_lines; i-- > 0;) {
        if (!c->kept[i]) continue;
        const bool heading = is_heading(c->page->elements[c->page->lines[i].element].tag);
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

// Elements up from a line to its cell or item; deeper in a cell is no cell of data.
enum { CELL_LIMIT = 2, ITEM_LIMIT = 3 };

static uint32_t find_around(const struct choice *c, uint32_t element, enum html_group group,
                            unsigned limit)
{
    for (unsigned n = 0; element && n < limit; n++) {
        if (html_tag_group(c->page->elements[element].tag) == group) return element;
        element = c->page->elements[element].parent;
    }
    return 0;
}

static void put_line(struct output *o, const struct html_line *l)
{
    const struct choice *c = o->c;
    const uint32_t cell = find_around(c, l->element, HTML_GROUP_CELL, CELL_LIMIT);
    const uint32_t row = cell ? c->page->elements[cell].parent : 0;
    const uint32_t item = cell ? 0 : find_around(c, l->element, HTML_GROUP_ITEM, ITEM_LIMIT);
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
                       .cut = ARENA_ARRAY(a, uint8_t, page->n_elements),
                       .cut_before = ARENA_ARRAY(a, uint8_t, page->n_elements),
                       .holds = ARENA_ARRAY(a, bool, page->n_elements),
                       .kept = ARENA_ARRAY(a, bool, page->n_lines)};
    for (uint32_t i = 0; i < page->n_lines; i++)
        c.line_mass[i] = line_mass(page, &page->lines[i]);
    weigh(&c);
    cut_tags(&c);
    for (size_t i = 0; i < sizeof cut_rows / sizeof cut_rows[0]; i++)
        cut_names(&c, &cut_rows[i]);
    cut_small(&c);
    cut_links(&c);
    find_root(&c);
    spread_cuts(&c);
    keep_lines(&c);
    keep_title(&c);
    drop_bare_headings(&c);
    return write_lines(&c, a);
}
