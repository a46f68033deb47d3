#pragma once
// Cuts text into the pieces inside which BPE merges: GPT-2's rule, without a regex engine.
//
//     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// Bytes that are not well-formed UTF-8 each count as one character that is neither letter, number
// nor space. Pieces are then cut where they would be if each of them were U+FFFD (what
// decode(errors="replace") gives), but keep their bytes.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

enum pretokenize_class {
    PRETOKENIZE_OTHER,
    PRETOKENIZE_LETTER, // \p{L}
    PRETOKENIZE_NUMBER, // \p{N}
    PRETOKENIZE_SPACE,  // \s: White_Space
};

struct pretokenize; // class of each code point; immutable

/// The table of classes, from utf8proc's Unicode data, in a. Can't fail.
const struct pretokenize *pretokenize_build(struct arena *a);
/// Bytes of the first piece of text (>= 1). text.n_bytes >= 1. Linear in what it returns, but for
/// runs of space, which it reads one character further. Can't fail.
size_t pretokenize_next(const struct pretokenize *p, struct span text);
/// Class of a code point below 0x110000. Can't fail.
enum pretokenize_class pretokenize_class(const struct pretokenize *p, uint32_t code);
