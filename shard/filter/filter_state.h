#pragma once
// An open filter, as its two files share it: filter_options.c makes it, filter.c judges with it.

#include "shard/filter/filter.h"
#include "shard/filter/filter_badwords.h"
#include "shard/filter/filter_c4.h"
#include "shard/filter/filter_character.h"
#include "shard/filter/profile.h"
#include "shard/filter/rule.h"
#include "shard/filter/words.h"

enum { FILTER_LANGUAGE_LIMIT = 64 };

struct filter {
    const struct filter_characters *characters;
    const struct words *words;

    struct filter_rule rules[RULE_N];
    enum comparison comparisons[RULE_N];
    size_t n_rules;

    struct filter_rule line_rules[LINE_RULE_N]; // those that are asked
    enum line_rule line_rule_of[LINE_RULE_N];
    size_t n_line_rules;
    struct filter_c4_rules c4;
    bool edits;

    enum score scores[SCORE_N]; // those that the rules read
    size_t n_scores;
    uint32_t measures; // bits of what they cost

    const char *languages[FILTER_LANGUAGE_LIMIT]; // n_languages 0 = any
    size_t n_languages;
    struct filter_badwords *badwords;
};
