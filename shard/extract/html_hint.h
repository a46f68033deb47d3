#pragma once
// What the names that authors give to elements say of their purpose: words of class, id, role,
// itemprop. One row a word in html_hint.c.

#include <stdint.h>

#include "base/span.h"

enum html_hint {
    HTML_HINT_HIDDEN = 1 << 0,  // not shown: sr-only, line numbers, edit links
    HTML_HINT_NAV = 1 << 1,     // navigation, breadcrumbs, pagers
    HTML_HINT_FOOT = 1 << 2,    // footers, copyright
    HTML_HINT_HEAD = 1 << 3,    // site headers, mastheads
    HTML_HINT_SIDE = 1 << 4,    // side bars, widgets
    HTML_HINT_COMMENT = 1 << 5, // readers' comments and the form for them
    HTML_HINT_SHARE = 1 << 6,   // share and follow buttons
    HTML_HINT_RELATED = 1 << 7, // related, recommended, popular pages
    HTML_HINT_AD = 1 << 8,      // advertisements, promotions, newsletters
    HTML_HINT_NOTICE = 1 << 9,  // cookie and consent banners, pop-ups
    HTML_HINT_META = 1 << 10,   // byline, date, tags
    HTML_HINT_FORM = 1 << 11,   // search, login
    HTML_HINT_TOC = 1 << 12,    // tables of contents
    HTML_HINT_CAPTION = 1 << 13,
    HTML_HINT_CONTENT = 1 << 14, // the main content: entry-content, articleBody
    HTML_HINT_MAIN = 1 << 15     // probably around it: content, main, article
};

enum { HTML_HINT_SLOTS = 1024 };

// Words to rows, by a hash; made for each page.
struct html_hint_index {
    uint16_t slots[HTML_HINT_SLOTS];
};

/// Fills the index. Can't fail.
void html_hint_index_init(struct html_hint_index *index);
/// The hints (enum html_hint, or-ed) of the words of an attribute's value. Can't fail.
uint32_t html_hint_find(const struct html_hint_index *index, struct span value);
