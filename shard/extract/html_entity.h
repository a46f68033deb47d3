#pragma once
// Character references of HTML: &eacute; &#233; &#xe9; and the few that need no semicolon (&lt).

#include "base/span.h"

enum {
    HTML_ENTITY_NAME_LIMIT = 32,
    HTML_ENTITY_BYTES = 8 // of UTF-8 that one becomes, at most; 1.2 times its own length
};

/// The reference at at.data[0], a '&': its UTF-8 into out (HTML_ENTITY_BYTES) and *n_out. Returns
/// the bytes it takes, 0 = there is none, the '&' is text. Work is bounded but for digits, which
/// are all taken. Can't fail.
size_t html_entity_decode(struct span at, uint8_t *out, size_t *n_out);
