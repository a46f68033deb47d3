#pragma once
// Builds a dataset, alone or over ranks, in stations with files between them, all in OUT.partial:
//
//     judge     inputs -> rows of documents: read, address, extract, language, rules, personal data
//     dedup     which rows repeat others (only when asked for)
//     encode    rows -> rows of tokens (one station with judge when there is no dedup)
//     assemble  rows of tokens -> bins, shards, dataset.json; OUT.partial is renamed to OUT
//
// The bytes written depend on inputs and options, not on ranks or threads. A build that was killed
// leaves OUT.partial, and the same command goes on from the parts that were finished.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "shard/build/judge.h"
#include "shard/build/part_done.h"
#include "shard/build/station.h"
#include "shard/format/frame.h"
#include "topology/fabric.h"

enum {
    DATASET_BUILD_BIN_TOKENS = 1 << 20,
    DATASET_BUILD_SHARD_TOKENS = 64 << 20,
    DATASET_BUILD_SHARD_TOKENS_LIMIT = 1 << 30,
    DATASET_BUILD_BIN_TOKENS_LIMIT = 1 << 28,
    DATASET_BUILD_BIN_IMAGE_BYTES = 256 << 20,
    DATASET_BUILD_SHARD_IMAGE_BYTES = 1 << 30
};

struct dataset_build_options {
    struct fabric *fabric; // NULL = one rank
    const char *out;
    const char *tokenizer; // path; NULL = a token a byte, end_of_text 256
    const char *bins;      // path of bin edges of trajectories; NULL = trajectories are errors
    char *const *inputs;
    size_t n_inputs;
    const char *separator; // splits text files into documents; NULL = a file is a document
    enum frame_codec codec;
    size_t n_workers;           // threads of each rank, >= 1
    uint64_t shard_tokens;      // a shard ends with the bin in which it reaches this
    uint64_t bin_tokens;        // a bin has no more, unless one document has
    bool skip_bad;              // leave out documents that cannot be read, and count them
    struct judge_options judge; // zeroed: nothing is dropped, pages are reduced to main content
    const char *dedup;          // "document,minhash,line": passes in order; NULL = none
    const char *minhash;        // preset of the pass minhash; NULL = "fineweb"
    char *const *evaluation;    // files whose texts must not be in the dataset
    size_t n_evaluation;
    uint64_t memory_bytes; // of each rank for what could grow with the input; 0 = 2 GiB
    uint64_t part_bytes;   // of inputs that make a part, or a piece; 0 = part_list.h decides
    // Called after each batch; may be NULL.
    void (*progress)(void *context, const struct station_progress *p);
    // Called on every rank with the reason why skip_bad leaves a document out; may be NULL.
    void (*lost)(void *context, const char *line);
    void *context;
};

struct dataset_build_result {
    uint64_t n_files, n_skipped_files; // read; left out by their names
    uint64_t n_documents, n_dropped;   // in the dataset; of those, kept though a rule drops them
    uint64_t n_empty;                  // nothing was in them
    uint64_t n_bad, bad_bytes;         // could not be read; bytes as they stand in the files
    uint64_t n_other;                  // records of the input that are no documents
    uint64_t text_bytes, n_tokens;     // end_of_text included
    uint64_t n_shards, n_bins, file_bytes;
    struct funnel funnel;
};

/// Errors: ERR_DATA (no document, bad document, tokenizer without end of text), ERR_IO, ERR_USAGE
/// (out exists, or an option is wrong). On an error out is as it was; OUT.partial stays when a part
/// of the work in it is finished. The result's texts live in a. Collective.
enum err dataset_build(const struct dataset_build_options *options, struct arena *a,
                       struct dataset_build_result *out) MUST_CHECK;
