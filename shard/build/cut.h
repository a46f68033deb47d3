#pragma once
// Where bins and shards end: a rule over the sizes of documents in order, so that every rank cuts
// alike. A bin has at most bin_tokens tokens and bin_image_bytes of images, unless one document has
// more. A shard ends with the bin in which it reaches shard_tokens or shard_image_bytes.

#include <stdint.h>

struct cut_limits {
    uint64_t bin_tokens, shard_tokens, bin_image_bytes, shard_image_bytes;
};

struct cut {
    struct cut_limits limits;
    uint64_t bin_documents, bin_tokens, bin_image_bytes; // of the open bin
    uint64_t shard_tokens, shard_image_bytes;            // of the open shard, this bin included
};

enum cut_end { CUT_NONE, CUT_BIN, CUT_SHARD };

/// Says what ends before a document of those sizes, and counts it. Can't fail.
enum cut_end cut_add(struct cut *c, uint64_t n_tokens, uint64_t image_bytes);
