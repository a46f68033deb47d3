// gumbo builds the tree. Three things keep hostile pages in bounds: a pass over the tags refuses
// pages whose elements nest too deep or whose tags have too many attributes before gumbo sees them
// (its time grows with the depth, and with the square of the attributes); gumbo's memory comes from
// an arena with a limit, left by longjmp when it is passed; and the tree is walked by parent links
// and dropped with the arena, because gumbo's own destructor recurses.

#include "shard/extract/html_text.h"

#include <gumbo.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/ascii.h"
#include "base/size.h"

// Nesting

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// Elements that have no end tag, or whose end tag people leave out: the next one ends them.
static bool never_nests(const uint8_t *name, size_t n)
{
    static const char *const names[] = {
        "area",     "base",   "br",       "col",    "embed", "hr",    "img",  "input",
        "link",     "meta",   "param",    "source", "wbr",   "p",     "li",   "dt",
        "dd",       "tr",     "td",       "th",     "tbody", "html",  "head", "body",
        "colgroup", "option", "optgroup", "rp",     "rt",    "thead", "tfoot"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == n && strncasecmp(names[i], (const char *)name, n) == 0) return true;
    }
    return false;
}

// Past the tag whose name ends at i, attributes in quotes included; *n_attributes is at least their
// number.
static size_t skip_tag(struct span html, size_t i, size_t *n_attributes)
{
    uint8_t quote = 0;
    for (; i < html.n_bytes; i++) {
        const uint8_t c = html.data[i];
        if (quote) {
            if (c == quote) quote = 0;
        } else if (c == '>') {
            return i + 1;
        } else if ((c == '"' || c == '\'') && html.data[i - 1] == '=') {
            quote = c;
        } else if (is_space(c) || c == '/') {
            ++*n_attributes;
        }
    }
    return i;
}

static size_t skip_comment(struct span html, size_t i)
{
    const uint8_t *end = memmem(html.data + i, html.n_bytes - i, "-->", 3);
    return end ? (size_t)(end - html.data) + 3 : html.n_bytes;
}

// Open elements, by a hash of their names: an end tag ends only what was opened.
struct nesting {
    uint32_t n_open[256];
    uint32_t depth;
};

static void count_tag(struct nesting *n, const uint8_t *name, size_t n_name, bool ends)
{
    uint32_t hash = 0;
    for (size_t i = 0; i < n_name; i++)
        hash = hash * 31 + (name[i] | 0x20);
    uint32_t *n_open = &n->n_open[hash % 256];
    if (ends && *n_open == 0) return;
    *n_open += ends ? UINT32_MAX : 1;
    n->depth += ends ? UINT32_MAX : 1;
}

static size_t name_end(struct span html, size_t i)
{
    while (i < html.n_bytes && !is_space(html.data[i]) && html.data[i] != '>' &&
           html.data[i] != '/')
        i++;
    return i;
}

// Tags that are open, wherever they are: an estimate of the depth of the tree, seldom too low.
static enum err check_tags(struct span html)
{
    struct nesting n = {0};
    uint64_t work = 0;
    for (size_t i = 0; i + 1 < html.n_bytes;) {
        const uint8_t *lt = memchr(html.data + i, '<', html.n_bytes - i - 1);
        if (!lt) break;
        i = (size_t)(lt - html.data) + 1;
        if (html.n_bytes - i >= 3 && memcmp(html.data + i, "!--", 3) == 0) {
            i = skip_comment(html, i);
            continue;
        }
        const bool ends = html.data[i] == '/';
        const size_t first = i + ends;
        if (first == html.n_bytes || !ascii_is_letter(html.data[first])) continue;
        const size_t last = name_end(html, first);
        if (!never_nests(html.data + first, last - first))
            count_tag(&n, html.data + first, last - first, ends);
        if (n.depth > HTML_TEXT_DEPTH_LIMIT)
            return fail(ERR_DATA, "HTML nested deeper than %d at offset %zu", HTML_TEXT_DEPTH_LIMIT,
                        i);
        work += (uint64_t)n.depth * n.depth;
        if (work > HTML_TEXT_WORK_LIMIT)
            return fail(ERR_DATA, "HTML with too many tags too deep at offset %zu", i);
        size_t n_attributes = 0;
        i = skip_tag(html, last, &n_attributes);
        if (n_attributes > HTML_TEXT_ATTRIBUTE_LIMIT)
            return fail(ERR_DATA, "HTML tag with more than %d attributes before offset %zu",
                        HTML_TEXT_ATTRIBUTE_LIMIT, i);
    }
    return OK;
}

// Parsing

struct parser_memory {
    struct arena arena;
    size_t limit;
    jmp_buf full;
};

static void *parser_allocate(void *context, size_t n)
{
    struct parser_memory *m = context;
    if (m->arena.used_bytes > m->limit || n > m->limit) longjmp(m->full, 1);
    return arena_alloc(&m->arena, n, 16);
}

static void parser_free(void *context, void *data)
{
    (void)context;
    (void)data; // the arena goes as a whole
}

// Text

struct text {
    struct arena *a;
    uint8_t *data;
    size_t n_bytes, capacity;
    unsigned newlines; // owed before the next word: 1 a new line, 2 a blank line
    bool space;        // owed, if no newline is
    unsigned n_pre;    // open pre elements
};

static void put(struct text *t, const void *bytes, size_t n)
{
    if (t->capacity - t->n_bytes < n) {
        t->capacity = size_max(2 * t->capacity, t->n_bytes + n);
        uint8_t *data = arena_alloc(t->a, t->capacity, 1);
        if (t->n_bytes) memcpy(data, t->data, t->n_bytes);
        t->data = data;
    }
    memcpy(t->data + t->n_bytes, bytes, n);
    t->n_bytes += n;
}

static void put_owed(struct text *t)
{
    if (t->n_bytes && t->newlines)
        put(t, "\n\n", t->newlines);
    else if (t->n_bytes && t->space)
        put(t, " ", 1);
    t->newlines = 0;
    t->space = false;
}

static void put_text(struct text *t, const char *text)
{
    if (t->n_pre) {
        put_owed(t);
        put(t, text, strlen(text));
        return;
    }
    while (*text) {
        const char *first = text;
        while (*text && !is_space((uint8_t)*text))
            text++;
        if (text > first) {
            put_owed(t);
            put(t, first, (size_t)(text - first));
        }
        while (*text && is_space((uint8_t)*text)) {
            t->space = true;
            text++;
        }
    }
}

static void owe_newlines(struct text *t, unsigned n)
{
    if (t->newlines < n) t->newlines = n;
}

// Newlines around an element: 2 for paragraphs, 1 for other blocks, 0 within a line.
static unsigned newlines_of(GumboTag tag)
{
    static const struct {
        GumboTag tag;
        unsigned newlines;
    } blocks[] = {{GUMBO_TAG_P, 2},       {GUMBO_TAG_H1, 2},         {GUMBO_TAG_H2, 2},
                  {GUMBO_TAG_H3, 2},      {GUMBO_TAG_H4, 2},         {GUMBO_TAG_H5, 2},
                  {GUMBO_TAG_H6, 2},      {GUMBO_TAG_PRE, 2},        {GUMBO_TAG_BLOCKQUOTE, 2},
                  {GUMBO_TAG_UL, 2},      {GUMBO_TAG_OL, 2},         {GUMBO_TAG_DL, 2},
                  {GUMBO_TAG_TABLE, 2},   {GUMBO_TAG_SECTION, 2},    {GUMBO_TAG_ARTICLE, 2},
                  {GUMBO_TAG_FIGURE, 2},  {GUMBO_TAG_DIV, 1},        {GUMBO_TAG_LI, 1},
                  {GUMBO_TAG_DT, 1},      {GUMBO_TAG_DD, 1},         {GUMBO_TAG_TR, 1},
                  {GUMBO_TAG_BR, 1},      {GUMBO_TAG_HR, 1},         {GUMBO_TAG_ADDRESS, 1},
                  {GUMBO_TAG_ASIDE, 1},   {GUMBO_TAG_FIGCAPTION, 1}, {GUMBO_TAG_FOOTER, 1},
                  {GUMBO_TAG_HEADER, 1},  {GUMBO_TAG_HGROUP, 1},     {GUMBO_TAG_MAIN, 1},
                  {GUMBO_TAG_OPTION, 1},  {GUMBO_TAG_FORM, 1},       {GUMBO_TAG_FIELDSET, 1},
                  {GUMBO_TAG_CAPTION, 1}, {GUMBO_TAG_SUMMARY, 1},    {GUMBO_TAG_DETAILS, 1},
                  {GUMBO_TAG_NAV, 1}};
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        if (blocks[i].tag == tag) return blocks[i].newlines;
    }
    return 0;
}

static bool left_out(const GumboNode *node)
{
    if (node->type == GUMBO_NODE_TEMPLATE) return true;
    if (node->type != GUMBO_NODE_ELEMENT) return false;
    const GumboTag tag = node->v.element.tag;
    return tag == GUMBO_TAG_SCRIPT || tag == GUMBO_TAG_STYLE || tag == GUMBO_TAG_NAV;
}

static void enter(struct text *t, const GumboNode *node)
{
    if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_CDATA ||
        node->type == GUMBO_NODE_WHITESPACE)
        put_text(t, node->v.text.text);
    if (node->type != GUMBO_NODE_ELEMENT) return;
    const GumboTag tag = node->v.element.tag;
    if (tag == GUMBO_TAG_TD || tag == GUMBO_TAG_TH) t->space = true;
    owe_newlines(t, newlines_of(tag));
    if (tag == GUMBO_TAG_PRE) t->n_pre++;
}

static void leave(struct text *t, const GumboNode *node)
{
    if (node->type != GUMBO_NODE_ELEMENT) return;
    if (node->v.element.tag == GUMBO_TAG_PRE) t->n_pre--;
    owe_newlines(t, newlines_of(node->v.element.tag));
}

static const GumboNode *first_child(const GumboNode *node)
{
    if (node->type != GUMBO_NODE_ELEMENT || left_out(node)) return NULL;
    return node->v.element.children.length ? node->v.element.children.data[0] : NULL;
}

static const GumboNode *next_sibling(const GumboNode *node)
{
    const GumboVector *siblings = &node->parent->v.element.children;
    const size_t i = node->index_within_parent + 1;
    return i < siblings->length ? siblings->data[i] : NULL;
}

static void walk(struct text *t, const GumboNode *root)
{
    const GumboNode *node = root;
    enter(t, node);
    for (;;) {
        const GumboNode *next = first_child(node);
        while (!next) {
            leave(t, node);
            if (node == root) return;
            next = next_sibling(node);
            node = node->parent;
        }
        node = next;
        if (!left_out(node)) enter(t, node);
    }
}

static const GumboNode *find_body(const GumboOutput *output)
{
    const GumboVector *children = &output->root->v.element.children;
    for (unsigned i = 0; i < children->length; i++) {
        const GumboNode *node = children->data[i];
        if (node->type == GUMBO_NODE_ELEMENT && node->v.element.tag == GUMBO_TAG_BODY) return node;
    }
    return NULL;
}

// In a function of its own, so that no local lives across setjmp.
static void parse_and_walk(struct parser_memory *m, struct span html, struct text *t)
{
    GumboOptions options = kGumboDefaultOptions;
    options.allocator = parser_allocate;
    options.deallocator = parser_free;
    options.userdata = m;
    options.max_errors = 0;
    const GumboOutput *output =
        gumbo_parse_with_options(&options, (const char *)html.data, html.n_bytes);
    const GumboNode *body = find_body(output);
    if (body) walk(t, body);
}

enum err html_text_extract(struct span html, struct arena *a, struct span *text)
{
    TRY(check_tags(html));
    struct parser_memory memory = {.limit = HTML_TEXT_MEMORY_BYTES +
                                            html.n_bytes * HTML_TEXT_MEMORY_FACTOR};
    struct text *t = ARENA_NEW(a, struct text);
    t->a = a;
    t->capacity = html.n_bytes / 2 + 1;
    t->data = arena_alloc(a, t->capacity, 1);
    arena_init(&memory.arena, "html");
    const bool fits = setjmp(memory.full) == 0;
    if (fits) parse_and_walk(&memory, html, t);
    const size_t limit = memory.limit;
    arena_fini(&memory.arena);
    if (!fits) return fail(ERR_DATA, "HTML takes more than %zu bytes of memory to parse", limit);
    *text = (struct span){t->data, t->n_bytes};
    return OK;
}
