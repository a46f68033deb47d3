#pragma once
// Text with what near duplicates differ in taken away. Bytes that are not UTF-8 become U+FFFD each.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

/// text as datatrove's simplify_text makes it: lower case; a number (with its decimals) becomes 0;
/// punctuation becomes a space; runs of whitespace become one space, none at the ends; canonically
/// decomposed, without the nonspacing marks. Lives in a. Local. Can't fail.
struct span simplify_text(struct span text, struct arena *a);

// A buffer that simplified lines are put into, one after another.
struct simplify_buffer {
    struct arena *arena;
    uint8_t *data;
    size_t n_bytes, capacity;
};
/// Empty, with room for n_bytes; grows in a. Can't fail.
void simplify_buffer_begin(struct simplify_buffer *b, size_t n_bytes, struct arena *a);
/// line without the whitespace at its ends, in lower case. Lives in b until the next call. Can't
/// fail.
struct span simplify_lower(struct span line, struct simplify_buffer *b);
/// line as CCNet's normalize_for_dedup makes it: as simplify_lower, every digit is 0, and its set
/// of (not ASCII) punctuation and controls are gone. Lives in b until the next call. Can't fail.
struct span simplify_ccnet(struct span line, struct simplify_buffer *b);
