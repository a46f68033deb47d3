#pragma once
// Walks over the lines of a text as Python's str.splitlines cuts them.

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "shard/filter/filter_character.h"

struct filter_lines {
    const struct filter_characters *characters;
    const uint8_t *at, *end;
    bool only_newlines; // no other line end is in the text
};

/// Begins at the first line of text, well-formed UTF-8. Can't fail.
struct filter_lines filter_lines_begin(const struct filter_characters *characters, struct span text,
                                       bool ascii);
/// The next line, without its end; false behind the last. Can't fail.
bool filter_lines_next(struct filter_lines *l, struct span *line);
