#pragma once
// Judges texts: a profile is an ordered list of rules; a rule compares one score of a text with a
// threshold. All scores of a profile are measured, also when an early rule has already failed, so
// that thresholds can change later without reading text again; the verdict names the first rule, in
// the profile's order, that fails.
//
//     struct filter *f;
//     TRY(filter_open(&(struct filter_options){.profile = "fineweb"}, arena, &f));
//     struct filter_scratch *s = filter_scratch_open(arena);            // one a thread
//     struct filter_page page = {.text = text, .language = "en", .language_score = 0.97F};
//     struct filter_verdict v;
//     TRY(filter_judge(f, s, &page, arena, &v));
//     if (v.rule < 0) use(v.text); else n_dropped[v.rule]++;
//     filter_scratch_close(s);
//
// A rule of a line (c4_line_*) drops the line, not the document: verdict.text is the text that is
// left, and rules that follow C4's in the profile read that text.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum { FILTER_SCORE_LIMIT = 48, FILTER_LINE_RULE_LIMIT = 8 };

struct filter;         // immutable: any number of threads
struct filter_scratch; // tables that grow to the longest document and stay

struct filter_options {
    const char *profile; // one of filter_profile_name
    // "rule=threshold" changes a rule's threshold, or adds the rule behind those of the profile;
    // "rule=off" removes it; "language=en,de" lists the labels that are let through, "language=any"
    // lets all through; "badwords=FILE" adds the rule c4_bad_words with the words in FILE, one a
    // line.
    char *const *overrides;
    size_t n_overrides;
};

// One rule, as it stands in an open filter.
struct filter_rule {
    const char *name;       // "gopher_words_min"
    const char *score;      // the score it reads; column score.<score> of a shard
    const char *measures;   // what that score is, a few words for people
    const char *costs;      // what is read to measure it: "words, runs"
    const char *comparison; // a text goes through if score comparison threshold: ">=" "<=" ">"
    double threshold;
    const char *reason; // why the others go, a few words for people
    bool line;          // drops lines; score is the name of a line's measure, in no column
    uint32_t score_idx; // of filter_score_name; not for rules of lines
};

// Word and sentence boundaries from elsewhere, instead of our own splitter's.
struct filter_words {
    const uint32_t *starts, *ends; // [n] byte offsets into the text, ascending, not overlapping
    size_t n_words;
    // [n_lines] of each line of the text (Python's str.splitlines), as C4 edits it (stripped,
    // citations removed): how many words and sentences are in it.
    const uint32_t *line_words, *line_sentences;
    size_t n_lines;
};

struct filter_page {
    struct span text;                 // bytes that are not UTF-8 count as U+FFFD
    const char *language;             // label of the text, "" or NULL = unknown
    float language_score;             // how sure the label is, 0..1
    const struct filter_words *words; // NULL = our own splitter
};

struct filter_verdict {
    int rule; // index of the first rule that fails, -1 = kept
    struct span
        text; // what is left of the text when lines were edited (in the arena), else the text
    uint32_t n_scores;                              // = filter_n_scores
    float scores[FILTER_SCORE_LIMIT];               // [n_scores]
    uint32_t lines_dropped[FILTER_LINE_RULE_LIMIT]; // by filter_line_rule
};

/// Name of profile i, NULL behind the last. Can't fail.
const char *filter_profile_name(size_t i);
/// Builds what options say, in arena. Errors: ERR_USAGE (no such profile or rule, a threshold that
/// is no number) naming the nearest valid one; ERR_IO (bad words' file).
enum err filter_open(const struct filter_options *options, struct arena *arena,
                     struct filter **out) MUST_CHECK;
/// How many rules of documents there are. Can't fail.
size_t filter_n_rules(const struct filter *f);
/// Rule i in the order in which they are asked. Can't fail.
const struct filter_rule *filter_rule(const struct filter *f, size_t i);
/// How many rules of lines there are. Can't fail.
size_t filter_n_line_rules(const struct filter *f);
/// Rule i of lines in the order in which they are asked. Can't fail.
const struct filter_rule *filter_line_rule(const struct filter *f, size_t i);
/// How many scores the rules read. Can't fail.
size_t filter_n_scores(const struct filter *f);
/// Name of score i ("words"), the column score.<name>. Can't fail.
const char *filter_score_name(const struct filter *f, size_t i);

/// Scratch for one thread; lives until filter_scratch_close.
struct filter_scratch *filter_scratch_open(struct arena *arena);
/// Frees its tables. Can't fail; NULL is fine.
void filter_scratch_close(struct filter_scratch *s);

/// Measures page and asks the rules. Memory of the scratch: at most about 80 MiB and a copy of the
/// text (two, thrice as long, if none of it is UTF-8). Thread-safe with a scratch for each thread.
/// Errors: ERR_MEMORY, ERR_DATA (page->words is not ascending, leaves the text or cuts a
/// character).
enum err filter_judge(const struct filter *f, struct filter_scratch *s,
                      const struct filter_page *page, struct arena *arena,
                      struct filter_verdict *out) MUST_CHECK;
/// Whether rule i lets through a text of these scores. Can't fail.
bool filter_rule_passes(const struct filter *f, size_t i, const float *scores);
/// Asks the rules of f again, of scores measured before: the first that fails, -1 = none. Can't
/// fail.
int filter_ask(const struct filter *f, const float *scores);
