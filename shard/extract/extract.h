#pragma once
// The text of a web page: its encoding found and turned into UTF-8, its main content told from
// navigation, headers, footers, side bars, link lists, banners and forms, and written as lines.
//
//     struct span text;
//     TRY(extract_page(html, document.charset, &(struct extract_options){0}, a, &text));

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum extract_mode {
    EXTRACT_MAIN, // the main content; nothing (no bytes) if a page has none, as a page of links
    EXTRACT_PLAIN // the whole body, as shard/extract/html_text.h
};

struct extract_options {
    enum extract_mode mode;
};

/// The mode called name: main or plain. Errors: ERR_USAGE.
enum err extract_mode_named(const char *name, enum extract_mode *out) MUST_CHECK;
/// The text of html, valid UTF-8, in a. charset_hint is what the server said of its encoding
/// ("iso-8859-1", or a whole Content-Type); n_bytes 0 = nothing. Borrows html: *text may point into
/// it. Local. Errors: ERR_DATA (an encoding that browsers refuse or UTF-7; nested deeper than the
/// limits), one line that says what and where; the page is then to be counted as lost.
enum err extract_page(struct span html, struct span charset_hint,
                      const struct extract_options *options, struct arena *a,
                      struct span *text) MUST_CHECK;
