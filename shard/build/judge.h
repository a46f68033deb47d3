#pragma once
// The first station of a build, of one record: it becomes a document, its address is asked, its
// text extracted, its language found, rules judge it and personal data is masked. Thread-safe with
// a scratch and an arena a thread.
//
// Rules judge documents of one text piece. Others (chats, interleaved pages, trajectories, tokens)
// pass; their scores are NaN.

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "shard/build/part_row.h"
#include "shard/dataset/funnel.h"
#include "shard/extract/extract.h"
#include "shard/filter/filter.h"
#include "shard/filter/url_rules.h"
#include "shard/read/reader.h"

struct judge_options {
    struct filter_options filter; // profile "none" without overrides = no rules, no language
    const char *language_model;   // of language_open
    const char *url_lists[URL_LISTS];
    enum extract_mode extract;
    bool mask_pii;
    bool keep_dropped; // dropped documents become rows, with their verdict
};

struct judge;
struct judge_scratch;

struct judged {
    struct part_row row; // when kept, or dropped ones are kept
    bool has_row;
    bool empty; // there was nothing in it
    struct funnel_trail trail;
    uint32_t lines_dropped[FILTER_LINE_RULE_LIMIT];
};

/// Loads what options name, into a. Errors: ERR_USAGE, ERR_IO, ERR_DATA.
enum err judge_open(const struct judge_options *o, struct arena *a, struct judge **out) MUST_CHECK;
/// Appends its stages to f; names are borrowed from j. Can't fail.
void judge_stages(const struct judge *j, struct funnel *f);
/// The filter behind it. Borrowed. Can't fail.
const struct filter *judge_filter(const struct judge *j);
/// Whether rows have languages. Can't fail.
bool judge_has_languages(const struct judge *j);

/// Lives until judge_scratch_close. Can't fail.
struct judge_scratch *judge_scratch_open(struct arena *a);
/// s may be NULL. Can't fail.
void judge_scratch_close(struct judge_scratch *s);

/// Judges record; what out points to lives in a or the record. Errors: ERR_DATA (the record is
/// damaged) naming file and line, ERR_IO, ERR_MEMORY.
enum err judge_record(const struct judge *j, struct judge_scratch *s,
                      const struct reader_record *record, struct arena *a,
                      struct judged *out) MUST_CHECK;
