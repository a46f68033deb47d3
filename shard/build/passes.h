#pragma once
// Passes over the rows of judging that compare documents with each other, over all ranks: repeated
// documents, paragraphs and lines, near duplicates, and texts of evaluation files. A pass sees the
// rows as the passes before it left them. Its answers lie on disk, a file a part, so encoding
// applies them as it reads.
//
// Like rules, passes look at documents of one text piece; others pass.

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "shard/build/part_row.h"
#include "shard/dataset/funnel.h"
#include "topology/fabric.h"

struct station_options;

enum { PASSES_LIMIT = 8 };

struct passes_options {
    const char *list;        // "document,minhash,line": in that order; NULL = none
    const char *minhash;     // preset; NULL = "fineweb"
    char *const *evaluation; // files whose texts must not be in the dataset
    size_t n_evaluation;
    size_t n_gram_words; // of decontamination; 0 = its default
    struct fabric *fabric;
    const char *work;      // folder of answers
    const char *report;    // folder for what decontamination found
    uint64_t memory_bytes; // of what a pass holds
};

struct passes;

/// Opens what options name, in a; *out is NULL when no pass is asked for. Errors: ERR_USAGE,
/// ERR_IO, ERR_DATA.
enum err passes_open(const struct passes_options *o, struct arena *a,
                     struct passes **out) MUST_CHECK;
/// Appends a row for each pass to f. Can't fail.
void passes_stages(const struct passes *p, struct funnel *f);
/// Does all passes over the rows of station "from" in options; n_parts and the rest as for
/// station_run. Collective. Errors: any rank's.
enum err passes_run(struct passes *p, const struct station_options *rows) MUST_CHECK;

// A part's answers, read along with its rows.
struct passes_cursor;
struct passes_answers; // of a row

/// Opens the answers to a part, in a. Errors: ERR_IO, ERR_CORRUPT.
enum err passes_cursor_open(const struct passes *p, size_t part, struct arena *a,
                            struct passes_cursor **out) MUST_CHECK;
/// c may be NULL. Can't fail.
void passes_cursor_close(struct passes_cursor *c);
/// The answers to a row of the part, in a; rows ascend. Errors: ERR_IO, ERR_CORRUPT.
enum err passes_cursor_take(struct passes_cursor *c, uint64_t row_idx, struct arena *a,
                            const struct passes_answers **out) MUST_CHECK;
/// Applies answers to row: a verdict, or a shorter text; its way goes to trail. Thread-safe; memory
/// from a. Errors: ERR_CORRUPT.
enum err passes_apply(const struct passes *p, const struct passes_answers *answers,
                      struct part_row *row, struct funnel_trail *trail, struct arena *a) MUST_CHECK;
