#pragma once
// The last station of a build: encoded rows become bins and shards. The plan is made from the sizes
// of all rows, in order, the same on every rank; each shard is then written by whoever it falls to,
// reading only its own rows. So the bytes depend on rows and options, not on ranks.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/pool.h"
#include "shard/build/cut.h"
#include "shard/format/frame.h"

struct assemble_options {
    const char *const *files; // part files of encoded rows, in order
    size_t n_files;
    const char *folder; // where shards go
    struct cut_limits limits;
    enum frame_codec codec;
    uint32_t vocabulary, end_of_text;
    struct hash128 tokenizer_hash;
    const char *const *score_names;
    size_t n_scores;
    // Columns that not every dataset has.
    bool verdicts, languages, urls, loss_runs, images;
    struct pool *pool;
};

struct assemble_shard {
    size_t file_idx; // of its first row
    uint64_t row;    // in that file
    uint64_t n_documents, n_tokens, n_bins;
};

struct assemble_plan {
    struct assemble_shard *shards;
    size_t n_shards, capacity;
};

/// "shard-00000.shard", in a. Can't fail.
const char *assemble_shard_name(size_t shard, struct arena *a);
/// Cuts all rows into shards, which live in a. Errors: ERR_IO, ERR_CORRUPT, ERR_DATA (too many
/// shards).
enum err assemble_plan_make(const struct assemble_options *o, struct arena *a,
                            struct assemble_plan *out) MUST_CHECK;
/// Writes one shard of the plan. Errors: ERR_IO, ERR_CORRUPT, ERR_MEMORY, ERR_DATA.
enum err assemble_write(const struct assemble_options *o, const struct assemble_plan *plan,
                        size_t shard) MUST_CHECK;
