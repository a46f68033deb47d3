#pragma once
// A text as the rules read it: well-formed UTF-8, and what one look over its bytes tells, so that
// later looks can be left out.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

struct filter_text {
    struct span bytes; // the text, or a copy in which U+FFFD stands for what is not UTF-8
    size_t n_characters;
    bool ascii, copied;
};

/// Looks over text; a copy goes into arena only if text is not well-formed UTF-8 (each maximal
/// part of a character that breaks off counts as one U+FFFD). Borrows text. Can't fail.
struct filter_text filter_text_look(struct span text, struct arena *arena);
