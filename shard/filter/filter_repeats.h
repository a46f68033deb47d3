#pragma once
// Lines and paragraphs that stand in a text more than once.

#include <stdint.h>

#include "base/err.h"
#include "shard/filter/filter_character.h"
#include "shard/filter/filter_set.h"
#include "shard/filter/filter_text.h"

enum { FILTER_REPEATS_LIMIT = 1 << 20 }; // pieces that are compared; later ones count as new

struct filter_repeats {
    uint64_t n_pieces, n_duplicates, n_duplicate_characters; // duplicates stood before
};

/// Gopher's paragraphs: the stripped text, cut at two newlines and more. Errors: ERR_MEMORY.
enum err filter_repeats_paragraphs(struct filter_set *set, const struct filter_characters *t,
                                   const struct filter_text *text,
                                   struct filter_repeats *out) MUST_CHECK;
/// Gopher's lines: the text cut at one newline and more. Errors: ERR_MEMORY.
enum err filter_repeats_lines(struct filter_set *set, const struct filter_text *text,
                              struct filter_repeats *out) MUST_CHECK;

// FineWeb's lines: cut at each newline, blank ones left out.
struct filter_left {
    struct filter_repeats repeats;
    uint64_t n_terminal, n_short, n_newlines;
};
/// Measures what is left of a text. Errors: ERR_MEMORY.
enum err filter_repeats_left(struct filter_set *set, const struct filter_characters *t,
                             const struct filter_text *text, struct filter_left *out) MUST_CHECK;
