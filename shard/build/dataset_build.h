#pragma once
// Builds a dataset: reads the inputs, encodes documents side by side, cuts bins and shards, and
// puts the folder in place at once (shard/dataset/dataset_folder.h). The bytes written depend on inputs and
// options, not on the number of workers.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "shard/format/frame.h"

enum {
    DATASET_BUILD_BIN_TOKENS = 1 << 20,
    DATASET_BUILD_SHARD_TOKENS = 64 << 20,
    DATASET_BUILD_SHARD_TOKENS_LIMIT = 1 << 30,
    DATASET_BUILD_BIN_TOKENS_LIMIT = 1 << 28
};

struct dataset_build_result;
struct dataset_build_options {
    const char *out;
    const char *tokenizer; // path; NULL = a token a byte, end_of_text 256
    char *const *inputs;
    size_t n_inputs;
    const char *separator; // splits text files into documents; NULL = a file is a document
    enum frame_codec codec;
    size_t n_workers;      // threads, >= 1
    uint64_t shard_tokens; // a shard ends with the bin in which it reaches this
    uint64_t bin_tokens;   // a bin has no more, unless one document has
    bool skip_bad;         // leave out documents that cannot be read, and count them
    // Called after each batch with what has been done so far; may be NULL.
    void (*progress)(void *context, const struct dataset_build_result *so_far);
    void *context;
};

struct dataset_build_result {
    uint64_t n_files, n_skipped_files; // read; left out by their names
    uint64_t n_documents, n_empty, n_bad;
    uint64_t text_bytes, n_tokens; // end_of_text included
    uint64_t n_shards, n_bins, file_bytes;
};

/// Errors: ERR_DATA (no document, bad document, tokenizer without <|endoftext|>), ERR_IO, ERR_USAGE
/// (out exists). On an error out is as it was.
enum err dataset_build(const struct dataset_build_options *options,
                       struct dataset_build_result *out) MUST_CHECK;
