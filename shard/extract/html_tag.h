#pragma once
// The elements of HTML that matter to the text of a page: one row each. All others, and those that
// only format (b, span, font, unknown ones), are looked through.

#include <stddef.h>
#include <stdint.h>

// How the scanner takes an element.
enum html_kind {
    HTML_INLINE, // looked through
    HTML_LINK,   // a
    HTML_BREAK,  // br: a new line in a block
    HTML_RULE,   // hr: ends a block
    HTML_RAW,    // what it holds is no markup, and is left out, to its own end tag
    HTML_HIDDEN, // an element whose text is left out: select, svg, template
    HTML_BLOCK   // an element; text before, in and after it is on lines of its own
};

// name, kind, group (enum html_group below)
#define HTML_TAG_TABLE(X)       \
    X(A, LINK, NONE)            \
    X(ADDRESS, BLOCK, NONE)     \
    X(ANNOTATION, HIDDEN, NONE) \
    X(ARTICLE, BLOCK, NONE)     \
    X(ASIDE, BLOCK, NONE)       \
    X(AUDIO, HIDDEN, NONE)      \
    X(B, INLINE, NONE)          \
    X(BLOCKQUOTE, BLOCK, NONE)  \
    X(BR, BREAK, NONE)          \
    X(BUTTON, HIDDEN, NONE)     \
    X(CANVAS, HIDDEN, NONE)     \
    X(CAPTION, BLOCK, NONE)     \
    X(CENTER, BLOCK, NONE)      \
    X(DD, BLOCK, ENTRY)         \
    X(DETAILS, BLOCK, NONE)     \
    X(DIALOG, BLOCK, NONE)      \
    X(DIR, BLOCK, LIST)         \
    X(DIV, BLOCK, NONE)         \
    X(DL, BLOCK, ENTRIES)       \
    X(DT, BLOCK, ENTRY)         \
    X(FIELDSET, BLOCK, NONE)    \
    X(FIGCAPTION, BLOCK, NONE)  \
    X(FIGURE, BLOCK, NONE)      \
    X(FOOTER, BLOCK, NONE)      \
    X(FORM, BLOCK, NONE)        \
    X(H1, BLOCK, HEADING)       \
    X(H2, BLOCK, HEADING)       \
    X(H3, BLOCK, HEADING)       \
    X(H4, BLOCK, HEADING)       \
    X(H5, BLOCK, HEADING)       \
    X(H6, BLOCK, HEADING)       \
    X(HEADER, BLOCK, NONE)      \
    X(HGROUP, BLOCK, NONE)      \
    X(HR, RULE, NONE)           \
    X(IFRAME, RAW, NONE)        \
    X(LEGEND, BLOCK, NONE)      \
    X(LI, BLOCK, ITEM)          \
    X(MAIN, BLOCK, NONE)        \
    X(MENU, BLOCK, LIST)        \
    X(NAV, BLOCK, NONE)         \
    X(NOEMBED, RAW, NONE)       \
    X(NOFRAMES, RAW, NONE)      \
    X(NOSCRIPT, HIDDEN, NONE)   \
    X(OBJECT, HIDDEN, NONE)     \
    X(OL, BLOCK, LIST)          \
    X(P, BLOCK, PARAGRAPH)      \
    X(PRE, BLOCK, NONE)         \
    X(RP, HIDDEN, NONE)         \
    X(RT, HIDDEN, NONE)         \
    X(SCRIPT, RAW, NONE)        \
    X(SEARCH, BLOCK, NONE)      \
    X(SECTION, BLOCK, NONE)     \
    X(SELECT, HIDDEN, NONE)     \
    X(SPAN, INLINE, NONE)       \
    X(STYLE, RAW, NONE)         \
    X(SUMMARY, BLOCK, NONE)     \
    X(SUP, INLINE, NONE)        \
    X(SVG, HIDDEN, NONE)        \
    X(TABLE, BLOCK, TABLE)      \
    X(TBODY, BLOCK, ROWS)       \
    X(TD, BLOCK, CELL)          \
    X(TEMPLATE, HIDDEN, NONE)   \
    X(TEXTAREA, RAW, NONE)      \
    X(TFOOT, BLOCK, ROWS)       \
    X(TH, BLOCK, CELL)          \
    X(THEAD, BLOCK, ROWS)       \
    X(TITLE, RAW, NONE)         \
    X(TR, BLOCK, ROW)           \
    X(UL, BLOCK, LIST)          \
    X(VIDEO, HIDDEN, NONE)      \
    X(XMP, RAW, NONE)

enum html_tag {
    HTML_TAG_NONE, // looked through
#define X(name, kind, group) HTML_TAG_##name,
    HTML_TAG_TABLE(X)
#undef X
        HTML_TAG_N
};

// Elements that end one another.
enum html_group {
    HTML_GROUP_NONE,
    HTML_GROUP_PARAGRAPH,
    HTML_GROUP_HEADING,
    HTML_GROUP_LIST,
    HTML_GROUP_ITEM,
    HTML_GROUP_ENTRIES,
    HTML_GROUP_ENTRY,
    HTML_GROUP_TABLE,
    HTML_GROUP_ROWS,
    HTML_GROUP_ROW,
    HTML_GROUP_CELL,
    HTML_GROUP_N
};

enum { HTML_TAG_SLOTS = 512 };

// Names to tags, by a hash. Small and made for each page, as there are no globals to write to.
struct html_tag_index {
    uint8_t slots[HTML_TAG_SLOTS];
};

/// Fills the index. Can't fail.
void html_tag_index_init(struct html_tag_index *index);
/// The tag of a name of n bytes, in any case. Can't fail.
enum html_tag html_tag_find(const struct html_tag_index *index, const uint8_t *name, size_t n);

/// How the scanner takes a tag. Can't fail.
enum html_kind html_tag_kind(enum html_tag tag);
/// The group of a tag. Can't fail.
enum html_group html_tag_group(enum html_tag tag);
