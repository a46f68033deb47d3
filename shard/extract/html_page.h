#pragma once
// A page of HTML as lines of text in a tree of blocks. One pass, no document tree: only elements
// that make lines of their own are kept, and of those only the ones that hold text; formatting is
// looked through; attributes are read for what they hint at and forgotten.
//
// Time is linear in the bytes of the page and memory at most HTML_PAGE_MEMORY_FACTOR times them,
// whatever they are: end tags find what they end through the last open element of their kind, and
// nesting has a limit.

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum {
    HTML_PAGE_DEPTH_LIMIT = 1024, // of elements that make lines
    HTML_PAGE_BYTES_LIMIT = 1 << 29,
    HTML_PAGE_MEMORY_FACTOR = 64, // times the bytes of the page, and
    HTML_PAGE_MEMORY_BYTES = 1 << 16
};

// A run of text between the starts and ends of blocks. Blanks are collapsed to single spaces, br is
// a newline; in pre all is as it was.
struct html_line {
    uint32_t element;        // innermost
    uint32_t first, n_bytes; // of the page's text
    uint32_t n_link_bytes;   // of these, within links
    bool in_pre;
};

// In the order of their start tags, so that an element's descendants are those up to `end`.
// Element 0 is the page itself.
struct html_element {
    uint32_t parent, end;
    uint32_t first_line, end_line; // below it
    uint32_t n_bytes, n_link_bytes;
    uint32_t hints; // html_hint.h, from class, id, role and the like
    uint8_t tag;    // enum html_tag
};

struct html_page {
    struct span text;
    struct html_line *lines;
    struct html_element *elements;
    uint32_t n_lines, n_elements;
};

/// The lines and elements of html (UTF-8), in a. Script, style, controls of forms, hidden elements
/// and the like leave no text. Local. Errors: ERR_DATA (larger, or nested deeper, than the limits).
enum err html_page_scan(struct span html, struct arena *a, struct html_page *page) MUST_CHECK;
