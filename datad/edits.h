#pragma once
// How a run's rows are edited over its course: weights that change, ranges of the stream that are
// left out, documents that are left out. Each edit says from where in the run it holds, in tokens
// (rows * T, padding included), so that it means the same for any batch and, to a row, for any T.
// Rows before an edit do not depend on it: edits_history names what the first rows of a run were
// made from, so a run may go on with edits added that begin where it has arrived or later.
//
//     a run's row      0  1  2  3  4  5  6        left out from row 3 on: 2 rows
//     stream's row     0  1  2  5  6  7  8
//
// Weights that change at a run's row hold from the stream's row that it is. Documents left out keep
// their place: their tokens become padding, and no other token of any row moves.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "datad/mixture.h"
#include "datad/source.h"

enum { EDITS_SKIPS = 256, EDITS_CHANGES = MIXTURE_SEGMENTS - 1 };

struct edits_change {
    uint64_t from_tokens;
    const double *weights; // [n_sources]
};

struct edits_skip {
    uint64_t from_tokens, n_tokens;
};

struct edits_document {
    struct hash128 dataset;
    uint64_t document, from_tokens; // document counted over the dataset
};

// What a config says, in ascending order of from_tokens (documents in any). All borrowed.
struct edits_given {
    const struct edits_change *changes;
    const struct edits_skip *skips;
    const struct edits_document *documents;
    size_t n_changes, n_skips, n_documents;
};

struct edits;

/// The edits for rows of T. base names everything else that decides what rows hold. Errors:
/// ERR_CONFIG for edits out of order or too many.
enum err edits_build(const struct edits_given *edits, const struct source *sources,
                     size_t n_sources, uint64_t T, struct hash128 base, struct arena *a,
                     struct edits **out) MUST_CHECK;
/// The stream's row of a run's row. Can't fail.
uint64_t edits_shift(const struct edits *s, uint64_t row);
/// Names all that decided the run's rows [0, n_rows): base where no edit begins before n_rows.
/// Can't fail.
struct hash128 edits_history(const struct edits *s, uint64_t n_rows);
/// The run's row from which change idx holds. Can't fail.
uint64_t edits_change_row(const struct edits *s, size_t idx);
/// Whether any document of source is ever left out. Can't fail.
bool edits_skips_source(const struct edits *s, size_t source);
/// Whether document (counted over its source) is left out in the run's row. Can't fail.
bool edits_skips_document(const struct edits *s, size_t source, uint64_t document, uint64_t row);
