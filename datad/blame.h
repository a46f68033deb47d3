#pragma once
// Which documents stand in given rows of a run: for finding what a bad step was trained on. Opens
// the datasets itself; needs no running datad.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"
#include "datad/datad_config.h"

struct blame_question {
    uint64_t T, seed;
    struct range rows; // of the run's training rows
};

// A document, or the piece of one that stands in a row.
struct blame_answer {
    uint64_t row;
    const char *source;
    struct hash128 dataset;
    uint64_t document;         // counted over the dataset
    uint64_t offset, n_tokens; // of the piece in the document
    uint64_t at;               // of the piece in the row
    bool skipped;              // left out already
    const char *shard;         // file; "" = the source has no names
    struct span id, from;
};

/// All pieces of the rows, in order, in a. Errors: those of setting_open and stream_open; ERR_DATA
/// for rows that no run has.
enum err blame_ask(const struct datad_config *config, const struct blame_question *question,
                   struct arena *a, struct blame_answer **out, size_t *n) MUST_CHECK;
/// Errors: ERR_CONFIG when text, of the file path, is no skip list that lines can be added to.
enum err blame_check_skip_list(struct span text, const char *path, struct arena *a) MUST_CHECK;
/// The line of a skip list (datad/skip_list.h) that leaves the answer's document out from a token
/// of the run on, in a. Can't fail.
const char *blame_skip_line(const struct blame_answer *answer, uint64_t from_tokens,
                            struct arena *a);
