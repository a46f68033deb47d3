#pragma once
// A dataset as datad reads it: a folder of shards (shard/format/shard.h) that belong together, as
// bins of about 1 M tokens of whole documents. A bin never crosses a shard. Opening costs
// O(shards + bins); token bytes are read and checked frame by frame when asked for. Safe from
// several threads (reads use pread and caller's buffers).
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"

struct dataset;
struct shard;

struct dataset_info {
    struct hash128 hash; // of the shards' content ids, in order: the same under any compression
    uint64_t n_shards, n_bins, n_documents, n_tokens;
    uint64_t max_bin_tokens, max_bin_documents;
    uint32_t vocabulary; // ids are < vocabulary
    // id that ends each document (stored with the document's tokens, counted in n_tokens)
    uint32_t end_of_text;
    struct hash128 tokenizer_hash;
    char tokenizer_file[256]; // path of the tokenizer.json kept with the dataset; "" if none
};

struct dataset_bin {
    uint64_t shard;
    uint64_t first_document, n_documents; // within the shard
    uint64_t n_tokens;
    uint64_t first_of_all; // first_document, counted over all shards
};

/// Opens path (a folder written by weft shard build). Errors: ERR_IO, ERR_DATA, ERR_CORRUPT naming
/// file and offset.
enum err dataset_open(const char *path, struct arena *a, struct dataset **out) MUST_CHECK;
void dataset_close(struct dataset *d);
const struct dataset_info *dataset_info(const struct dataset *d);
struct dataset_bin dataset_bin(const struct dataset *d, uint64_t bin);
/// lengths[n_documents of the bin]: tokens of each document, end_of_text included.
enum err dataset_read_lengths(const struct dataset *d, uint64_t bin, uint32_t *lengths) MUST_CHECK;
/// tokens[n_tokens of the bin]: the bin's documents one after another.
enum err dataset_read_tokens(const struct dataset *d, uint64_t bin, uint32_t *tokens) MUST_CHECK;

/// Whether some shard has loss runs: not all tokens may count for the loss. Can't fail.
bool dataset_has_loss(const struct dataset *d);
/// Sets bit t of bits (u64 words, zeroed by the caller) where token t of the bin counts for the
/// loss. lengths as dataset_read_lengths gave them. Errors: reads; ERR_DATA when runs do not fit
/// their documents.
enum err dataset_read_loss(const struct dataset *d, uint64_t bin, const uint32_t *lengths,
                           uint64_t *bits) MUST_CHECK;
/// Id and source of document (of the bin's); their bytes live in a.
enum err dataset_read_name(const struct dataset *d, uint64_t bin, uint64_t document,
                           struct arena *a, struct span *id, struct span *source) MUST_CHECK;

/// Index of the first of tokens [n] that is not below vocabulary, or n. Can't fail.
uint64_t dataset_find_bad_token(const uint32_t *tokens, uint64_t n, uint32_t vocabulary);

struct dataset_document {
    struct span id, source;
    uint32_t text_bytes; // of the text that was encoded
    uint32_t n_tokens;   // end_of_text included
    const uint32_t *tokens;
};
/// Document number document, counted over all shards; everything lives in a. O(bins). Errors: as
/// reads; ERR_DATA when there is no such document.
enum err dataset_read_document(const struct dataset *d, uint64_t document, struct arena *a,
                               struct dataset_document *out) MUST_CHECK;
/// The open shard of that index, for those who want its other columns. Borrowed.
const struct shard *dataset_shard(const struct dataset *d, uint64_t shard);
