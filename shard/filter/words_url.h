#pragma once
// Whether a word is an address: [scheme://][user@]host.name[:port][/path?query#part], as spaCy's
// tokenizer sees it. So are file names (notes.txt) and dotted names (os.path).

#include <stdbool.h>

#include "base/span.h"
#include "shard/filter/filter_character.h"

/// text is well-formed UTF-8 without space. Can't fail.
bool words_url_matches(const struct filter_characters *t, struct span text);
