#pragma once
// dataset.json: which shards make a dataset, with their sizes and content ids, and the tokenizer
// kept beside them. Text that people can read, but exact: its last line holds the crc32c of every
// byte before that line, and nothing else may differ by a bit.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"
#include "shard/dataset/funnel.h"

enum {
    DATASET_INDEX_VERSION = 1,
    DATASET_INDEX_BYTES_LIMIT = 64 << 20, // of dataset.json
    DATASET_INDEX_SHARDS_LIMIT = 100000
};

struct dataset_index_shard {
    const char *file; // name within the folder
    const char *id;   // 32 hex digits
    uint64_t n_bytes, n_documents, n_tokens, n_bins;
};

// What the build left out beside what rules dropped.
struct dataset_index_loss {
    uint64_t n_files;          // of other kinds
    uint64_t n_empty;          // documents with nothing in them
    uint64_t n_bad, bad_bytes; // documents that could not be read
    uint64_t n_other;          // records that are no documents
};

struct dataset_index {
    struct dataset_index_shard *shards;
    size_t n_shards;
    uint64_t n_documents, n_tokens, n_bins; // sums over shards
    uint32_t vocabulary, end_of_text;
    const char *tokenizer_hash;      // 32 hex digits
    const char *tokenizer_file;      // name within the folder; "" = tokens are bytes
    const char *tokenizer_file_hash; // XXH3-128 of that file, 32 hex digits; "" without one
    struct funnel funnel;            // n_rows 0 = none was kept
    struct dataset_index_loss lost;
};

/// Replaces folder/dataset.json atomically. Errors: ERR_IO.
enum err dataset_index_write(const struct dataset_index *index, const char *folder) MUST_CHECK;
/// Reads and checks folder/dataset.json; texts live in a. Errors: ERR_IO, ERR_DATA, ERR_CORRUPT.
enum err dataset_index_read(const char *folder, struct arena *a,
                            struct dataset_index *out) MUST_CHECK;

/// As dataset_index_read, of text; name stands for the file in messages.
enum err dataset_index_decode(struct span text, const char *name, struct arena *a,
                              struct dataset_index *out) MUST_CHECK;

/// h as the 32 hex digits that the index uses, in a. Can't fail.
const char *dataset_index_hex(struct hash128 h, struct arena *a);
