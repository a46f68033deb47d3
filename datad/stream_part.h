#pragma once
// One source's part of a stream: its bins of the split, their rows, and their order in an epoch.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/row_order.h"
#include "datad/source.h"
#include "datad/split.h"
#include "datad/stream.h"

// Two order tables a source, for the epoch that begins while the last one still has requests under
// way.
enum { STREAM_PART_TABLES = 2 };

struct stream_part {
    const struct source *source;
    struct split_bins bins;
    uint32_t *rows_of_bin, *tokens_of_bin; // [bins.n_bins]
    uint64_t n_rows, n_tokens, n_documents;
    struct row_order_rule rule;
    struct row_order_table tables[STREAM_PART_TABLES]; // epoch e at e % STREAM_PART_TABLES
};

/// Everything lives in a. Errors: as row_table_open.
enum err stream_part_build(const struct stream_rule *rule, const struct stream_request *request,
                           const struct source *source, struct arena *a,
                           struct stream_part *out) MUST_CHECK;
/// The place of the source's index-th row (from 0, over all epochs). n_rows > 0. Changes tables.
/// Can't fail.
void stream_part_find(struct stream_part *p, uint64_t index, uint32_t *bin, uint64_t *row);
/// Tokens of the source's first n rows, over all epochs. Changes tables. Can't fail.
uint64_t stream_part_tokens(struct stream_part *p, uint64_t n);
