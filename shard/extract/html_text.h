#pragma once
// HTML stripped plainly: the text of body without script, style, nav and template; white space
// collapsed outside pre, a line for each block and a blank line around paragraphs.

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum {
    HTML_TEXT_DEPTH_LIMIT = 512,
    HTML_TEXT_ATTRIBUTE_LIMIT = 1024,  // of one tag, blanks and slashes counted
    HTML_TEXT_WORK_LIMIT = 1000000000, // sum over tags of the square of their depth
    HTML_TEXT_MEMORY_FACTOR = 64,      // parser's bytes per byte of input; manuals take up to 27
    HTML_TEXT_MEMORY_BYTES = 16 << 20
};

/// The text of html, UTF-8 (invalid bytes become U+FFFD), in a. Does not recurse; parser's memory
/// is bounded. Errors: ERR_DATA (nested deeper, or deep for longer, more attributes in a tag, or
/// more memory needed, than the limits).
enum err html_text_extract(struct span html, struct arena *a, struct span *text) MUST_CHECK;
