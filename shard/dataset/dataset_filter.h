#pragma once
// A filter of documents by the columns of a dataset (shard/dataset/expression.h), without touching
// tokens. Columns that it may name: language, verdict, url, id, source, text_bytes, tokens, and
// every score.<name>; a column counts where all shards have it.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "shard/dataset/dataset.h"

struct dataset_filter;

/// text "" is the default: verdict == "kept" where there are verdicts, else *out is NULL and all
/// documents are kept. Borrows d. Errors: ERR_CONFIG, as expression_parse.
enum err dataset_filter_open(const struct dataset *d, const char *text, struct arena *a,
                             struct dataset_filter **out) MUST_CHECK;
/// Of its text: other texts with the same meaning hash otherwise. Never 0. Can't fail.
struct hash128 dataset_filter_hash(const struct dataset_filter *f);
/// keep[n_documents of the bin] = 1 or 0. Safe from several threads. Errors: those of reads.
enum err dataset_filter_read(const struct dataset_filter *f, uint64_t bin,
                             uint8_t *keep) MUST_CHECK;
