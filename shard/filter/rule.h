#pragma once
// The rules: one row each. A rule reads one score and lets a text through if
// score comparison threshold; thresholds here are datatrove's defaults, a profile may have others.
// A new rule is a row (and a row of scores with its measure, if it reads a new one) and its place
// in the profiles that want it (profile.c).

#include <stdbool.h>
#include <stddef.h>

// What a score costs to measure, in words (docs/DATA.md has them in instructions a byte). Whoever
// needs one of a kind gets the others for nothing.
#define MEASURE_TABLE(X)    \
    X(LABEL, "nothing")     \
    X(TEXT, "a look")       \
    X(REPEATS, "lines")     \
    X(GRAMS, "words, runs") \
    X(WORDS, "words")       \
    X(C4, "words, edit")    \
    X(BAD, "list")          \
    X(LINES, "words, edit, left")

enum measure {
#define X(name, cost) MEASURE_##name,
    MEASURE_TABLE(X)
#undef X
};

// score, what it costs, what it is
#define SCORE_TABLE(X)                                                                           \
    X(language_allowed, MEASURE_LABEL, "1 if the label is one of those let through, else 0")     \
    X(language_score, MEASURE_LABEL, "how sure the label is")                                    \
    X(characters, MEASURE_TEXT, "characters of the text")                                        \
    X(duplicate_paragraphs, MEASURE_REPEATS, "share of paragraphs that stood before")            \
    X(duplicate_paragraph_characters, MEASURE_REPEATS, "their characters / characters")          \
    X(duplicate_lines, MEASURE_REPEATS, "share of lines that stood before")                      \
    X(duplicate_line_characters, MEASURE_REPEATS, "their characters / characters")               \
    X(top_2_gram, MEASURE_GRAMS, "commonest 2 words: count x length / characters")               \
    X(top_3_gram, MEASURE_GRAMS, "commonest 3 words: count x length / characters")               \
    X(top_4_gram, MEASURE_GRAMS, "commonest 4 words: count x length / characters")               \
    X(duplicate_5_gram, MEASURE_GRAMS, "characters in 5 words that stood before / characters")   \
    X(duplicate_6_gram, MEASURE_GRAMS, "characters in 6 words that stood before / characters")   \
    X(duplicate_7_gram, MEASURE_GRAMS, "characters in 7 words that stood before / characters")   \
    X(duplicate_8_gram, MEASURE_GRAMS, "characters in 8 words that stood before / characters")   \
    X(duplicate_9_gram, MEASURE_GRAMS, "characters in 9 words that stood before / characters")   \
    X(duplicate_10_gram, MEASURE_GRAMS, "characters in 10 words that stood before / characters") \
    X(words, MEASURE_WORDS, "words that are not symbols alone")                                  \
    X(word_length, MEASURE_WORDS, "mean characters of those")                                    \
    X(hashes, MEASURE_WORDS, "# / words")                                                        \
    X(ellipses, MEASURE_WORDS, "(... and U+2026) / words")                                       \
    X(bullet_lines, MEASURE_WORDS, "share of lines that begin with - or U+2022")                 \
    X(ellipsis_lines, MEASURE_WORDS, "share of lines that end in ... or U+2026")                 \
    X(alphabetic_words, MEASURE_WORDS, "share of words with a letter")                           \
    X(stop_words, MEASURE_WORDS, "how many of: the be to of and that have with")                 \
    X(lorem_ipsum_lines, MEASURE_C4, "lines with lorem ipsum")                                   \
    X(curly_bracket_lines, MEASURE_C4, "lines with {")                                           \
    X(sentences, MEASURE_C4, "sentences in the lines that are left")                             \
    X(bad_words, MEASURE_BAD, "words and phrases of the list")                                   \
    X(lines, MEASURE_LINES, "lines left that are not blank")                                     \
    X(terminal_lines, MEASURE_LINES, "share of those that end in terminal punctuation")          \
    X(short_lines, MEASURE_LINES, "share of those of at most 30 characters")                     \
    X(repeated_lines, MEASURE_LINES, "characters of those that stood before / characters")       \
    X(newlines, MEASURE_LINES, "newlines left / words left")

enum score {
#define X(name, measure, meaning) SCORE_##name,
    SCORE_TABLE(X)
#undef X
        SCORE_N
};

// How a score lets a text through: score comparison threshold.
#define COMPARISON_TABLE(X) \
    X(AT_LEAST, ">=")       \
    X(AT_MOST, "<=")        \
    X(ABOVE, ">")

enum comparison {
#define X(name, sign) COMPARISON_##name,
    COMPARISON_TABLE(X)
#undef X
};

// rule, score, comparison, threshold, why the others go
#define RULE_TABLE(X)                                                                          \
    X(language, language_allowed, AT_LEAST, 1, "language that nobody asked for")               \
    X(language_score, language_score, ABOVE, 0.65, "language unsure")                          \
    X(language_score_min, language_score, AT_LEAST, 0.5, "language unsure")                    \
    X(characters_min, characters, AT_LEAST, 300, "too short")                                  \
    X(characters_max, characters, AT_MOST, 190000, "too long")                                 \
    X(gopher_empty, characters, AT_LEAST, 1, "empty")                                          \
    X(gopher_duplicate_paragraphs, duplicate_paragraphs, AT_MOST, 0.3, "repeats paragraphs")   \
    X(gopher_duplicate_paragraph_characters, duplicate_paragraph_characters, AT_MOST, 0.2,     \
      "repeats much text in paragraphs")                                                       \
    X(gopher_duplicate_lines, duplicate_lines, AT_MOST, 0.3, "repeats lines")                  \
    X(gopher_duplicate_line_characters, duplicate_line_characters, AT_MOST, 0.2,               \
      "repeats much text in lines")                                                            \
    X(gopher_top_2_gram, top_2_gram, AT_MOST, 0.2, "one pair of words over and over")          \
    X(gopher_top_3_gram, top_3_gram, AT_MOST, 0.18, "three words over and over")               \
    X(gopher_top_4_gram, top_4_gram, AT_MOST, 0.16, "four words over and over")                \
    X(gopher_duplicate_5_gram, duplicate_5_gram, AT_MOST, 0.15, "repeats runs of 5 words")     \
    X(gopher_duplicate_6_gram, duplicate_6_gram, AT_MOST, 0.14, "repeats runs of 6 words")     \
    X(gopher_duplicate_7_gram, duplicate_7_gram, AT_MOST, 0.13, "repeats runs of 7 words")     \
    X(gopher_duplicate_8_gram, duplicate_8_gram, AT_MOST, 0.12, "repeats runs of 8 words")     \
    X(gopher_duplicate_9_gram, duplicate_9_gram, AT_MOST, 0.11, "repeats runs of 9 words")     \
    X(gopher_duplicate_10_gram, duplicate_10_gram, AT_MOST, 0.1, "repeats runs of 10 words")   \
    X(gopher_words_min, words, AT_LEAST, 50, "few words")                                      \
    X(gopher_words_max, words, AT_MOST, 100000, "very many words")                             \
    X(gopher_word_length_min, word_length, AT_LEAST, 3, "words short on average")              \
    X(gopher_word_length_max, word_length, AT_MOST, 10, "words long on average")               \
    X(gopher_hashes, hashes, AT_MOST, 0.1, "many #")                                           \
    X(gopher_ellipses, ellipses, AT_MOST, 0.1, "many ellipses")                                \
    X(gopher_bullet_lines, bullet_lines, AT_MOST, 0.9, "nothing but bullets")                  \
    X(gopher_ellipsis_lines, ellipsis_lines, AT_MOST, 0.3, "lines that break off")             \
    X(gopher_alphabetic_words, alphabetic_words, AT_LEAST, 0.8, "words without letters")       \
    X(gopher_stop_words, stop_words, AT_LEAST, 2, "hardly a stop word")                        \
    X(c4_lorem_ipsum, lorem_ipsum_lines, AT_MOST, 0, "lorem ipsum")                            \
    X(c4_curly_bracket, curly_bracket_lines, AT_MOST, 0, "code: {")                            \
    X(c4_sentences, sentences, AT_LEAST, 5, "few sentences")                                   \
    X(c4_bad_words, bad_words, AT_MOST, 0, "words of the list")                                \
    X(fineweb_empty, lines, AT_LEAST, 1, "no line left")                                       \
    X(fineweb_terminal_lines, terminal_lines, AT_LEAST, 0.12, "lines that end in no sentence") \
    X(fineweb_short_lines, short_lines, AT_MOST, 0.67, "short lines")                          \
    X(fineweb_repeated_lines, repeated_lines, AT_MOST, 0.01, "repeats lines")                  \
    X(fineweb_newlines, newlines, AT_MOST, 0.3, "a list")

enum rule {
#define X(name, score, comparison, threshold, reason) RULE_##name,
    RULE_TABLE(X)
#undef X
        RULE_N
};

// Rules of lines, in the order in which they are asked: rule, what it looks at in the line,
// comparison, threshold, why the line goes. A profile with a rule of C4 has them all.
#define LINE_RULE_TABLE(X)                                                              \
    X(c4_line_long_word, longest_word, AT_MOST, 1000, "a word of very many characters") \
    X(c4_line_end, ends_sentence, AT_LEAST, 1, "ends in none of . ? ! \" ' or in ...")  \
    X(c4_line_words, line_words, AT_LEAST, 3, "few words (between spaces)")             \
    X(c4_line_javascript, javascript, AT_MOST, 0, "javascript")                         \
    X(c4_line_policy, policy, AT_MOST, 0, "terms of use, privacy or cookie policy, cookies")

enum line_rule {
#define X(name, measured, comparison, threshold, reason) LINE_RULE_##name,
    LINE_RULE_TABLE(X)
#undef X
        LINE_RULE_N
};

struct score_row {
    const char *name;
    enum measure measure;
    const char *meaning;
};

struct rule_row {
    const char *name;
    enum score score;     // of a rule of documents
    const char *measured; // name of what it reads
    enum comparison comparison;
    double threshold;
    const char *reason;
};

/// What a measure costs, in words. Can't fail.
const char *rule_measure_cost(enum measure measure);
/// Row of a score. Can't fail.
const struct score_row *rule_score(enum score score);
/// Row of a rule of documents. Can't fail.
const struct rule_row *rule_row(enum rule rule);
/// Row of a rule of lines. Can't fail.
const struct rule_row *rule_line_row(enum line_rule rule);
/// ">=", "<=" or ">". Can't fail.
const char *rule_comparison_sign(enum comparison comparison);
/// score comparison threshold, in f32, as scores are kept. Can't fail.
bool rule_lets_through(enum comparison comparison, float score, double threshold);
