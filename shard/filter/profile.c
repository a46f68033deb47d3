#include "shard/filter/profile.h"

#define ROW(name)           \
    {                       \
        .rule = RULE_##name \
    }
#define ROW_AT(name, at)                                              \
    {                                                                 \
        .rule = RULE_##name, .own_threshold = true, .threshold = (at) \
    }

#define GOPHER_REPETITION                                                                         \
    ROW(gopher_empty), ROW(gopher_duplicate_paragraphs),                                          \
        ROW(gopher_duplicate_paragraph_characters), ROW(gopher_duplicate_lines),                  \
        ROW(gopher_duplicate_line_characters), ROW(gopher_top_2_gram), ROW(gopher_top_3_gram),    \
        ROW(gopher_top_4_gram), ROW(gopher_duplicate_5_gram), ROW(gopher_duplicate_6_gram),       \
        ROW(gopher_duplicate_7_gram), ROW(gopher_duplicate_8_gram), ROW(gopher_duplicate_9_gram), \
        ROW(gopher_duplicate_10_gram)

#define GOPHER_QUALITY                                                                      \
    ROW(gopher_words_min), ROW(gopher_words_max), ROW(gopher_word_length_min),              \
        ROW(gopher_word_length_max), ROW(gopher_hashes), ROW(gopher_ellipses),              \
        ROW(gopher_bullet_lines), ROW(gopher_ellipsis_lines), ROW(gopher_alphabetic_words), \
        ROW(gopher_stop_words)

static const struct profile_rule gopher[] = {GOPHER_REPETITION, GOPHER_QUALITY};

// The paper: English by langdetect at 0.99; 5 sentences, lines of 3 words that end in a sentence.
static const struct profile_rule c4_paper[] = {ROW(language), ROW_AT(language_score_min, 0.99),
                                               ROW(c4_lorem_ipsum), ROW(c4_curly_bracket),
                                               ROW(c4_sentences)};

// The code that made C4: 3 sentences, lines of 5 words, no page above 190,000 characters.
static const struct profile_rule c4_tfds[] = {
    ROW(characters_max),     ROW(c4_lorem_ipsum), ROW(c4_curly_bracket),
    ROW_AT(c4_sentences, 3), ROW(language),       ROW_AT(language_score_min, 0.99)};

static const struct profile_rule fineweb[] = {ROW(language),
                                              ROW(language_score),
                                              GOPHER_REPETITION,
                                              GOPHER_QUALITY,
                                              ROW(c4_lorem_ipsum),
                                              ROW(c4_curly_bracket),
                                              ROW(c4_sentences),
                                              ROW(fineweb_empty),
                                              ROW(fineweb_terminal_lines),
                                              ROW(fineweb_short_lines),
                                              ROW(fineweb_repeated_lines),
                                              ROW(fineweb_newlines)};

// cc_net's order: length, then the label. Its perplexity needs a model that is not ours to give.
static const struct profile_rule ccnet[] = {ROW(characters_min), ROW(language_score_min)};

#define RULES(name) .rules = name, .n_rules = sizeof name / sizeof name[0]

static const struct profile profiles[] = {
    {.name = "none", .languages = "any"},
    {.name = "gopher", .languages = "en", RULES(gopher)},
    {.name = "c4-paper", .languages = "en", .edits = true, RULES(c4_paper)},
    {.name = "c4-tfds",
     .languages = "en",
     .edits = true,
     .tfds = true,
     .line_thresholds = {[LINE_RULE_c4_line_words] = 5},
     RULES(c4_tfds)},
    {.name = "fineweb",
     .languages = "en",
     .edits = true,
     .off = {[LINE_RULE_c4_line_end] = true},
     RULES(fineweb)},
    {.name = "ccnet", .languages = "any", RULES(ccnet)},
};

const struct profile *profile_row(size_t i)
{
    return i < sizeof profiles / sizeof profiles[0] ? &profiles[i] : NULL;
}
