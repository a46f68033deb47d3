#pragma once
// Text with what near duplicates differ in taken away, the same text as datatrove's simplify_text:
// lower case; a number (with its decimals) becomes 0; punctuation becomes a space; runs of
// whitespace become one space, none at the ends; canonically decomposed, without the nonspacing
// marks. Bytes that are not UTF-8 become U+FFFD each.

#include "base/arena.h"
#include "base/span.h"

/// text, simplified; lives in a. At most a few times as long as text. Local. Can't fail.
struct span simplify_text(struct span text, struct arena *a);
