#pragma once
// C4's rules of lines: which lines of a text stay, and how they are edited.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/filter/filter_character.h"
#include "shard/filter/filter_text.h"
#include "shard/filter/filter_tokens.h"
#include "shard/filter/rule.h"

struct filter_c4_rules {
    bool asked[LINE_RULE_N];
    double thresholds[LINE_RULE_N];
    bool tfds; // as profile.h says
};

// Phrases that the text has anywhere; lines are looked at only for those.
struct filter_c4_phrases {
    bool javascript, policy, lorem_ipsum, curly_bracket, bracket;
};

struct filter_c4 {
    const struct filter_c4_rules *rules;
    struct filter_c4_phrases phrases;
    uint8_t *edited; // the lines that stay, a newline behind each
    size_t n_edited_bytes, edited_capacity;
    uint8_t *line; // one line without its citations
    size_t line_capacity;
    uint64_t n_words, n_sentences; // of the lines that stay
    uint64_t n_lorem_ipsum, n_curly_bracket;
    uint32_t n_dropped[LINE_RULE_N];
};

/// Forgets the text before and looks which phrases this one has. Errors: ERR_MEMORY.
enum err filter_c4_begin(struct filter_c4 *c, const struct filter_c4_rules *rules,
                         const struct filter_text *text) MUST_CHECK;
/// Takes a line of the text (no line end) whose words and sentences, as it is, are sums; counted
/// anew if citations go, unless exact says that they are those of the edited line already. Errors:
/// ERR_MEMORY.
enum err filter_c4_add(struct filter_c4 *c, const struct filter_tokens *t, struct span line,
                       struct filter_line_sums sums, bool exact) MUST_CHECK;
/// What is left, stripped; borrowed until the next text. Can't fail.
struct span filter_c4_text(const struct filter_c4 *c, const struct filter_characters *t);
/// Frees what it holds. Can't fail.
void filter_c4_fini(struct filter_c4 *c);
