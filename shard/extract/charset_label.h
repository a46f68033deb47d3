#pragma once
// Names of encodings, as pages and servers write them.

#include <stdbool.h>

#include "base/span.h"

// One encoding: a row of charset_label.c.
struct charset {
    const char *name;   // as iconv knows it; NULL = refused
    const char *labels; // all in small letters, a blank between
    bool single_byte;
};

/// The encoding that label (blanks around it are passed over, any case) means; NULL = none known.
/// Can't fail.
const struct charset *charset_label_find(struct span label);
/// The encoding that iconv knows as name; NULL = none. Can't fail.
const struct charset *charset_label_named(const char *name);
