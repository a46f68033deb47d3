#pragma once
// A source of the mixture: bins of whole tokenized documents, read whole. A dataset
// (shard/dataset/dataset.h) is one; tests make others.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

struct source_bin {
    uint64_t n_documents, n_tokens;
};

/// Functions behind a source; context is the source's. Reads are safe from several threads.
typedef struct source_bin (*source_bin_fn)(const void *context, uint64_t bin);
typedef enum err (*source_read_fn)(const void *context, uint64_t bin, uint32_t *out);
typedef void (*source_close_fn)(void *context);

struct source {
    const char *name;
    double weight;
    struct hash128 hash, tokenizer_hash;
    uint64_t n_bins, max_bin_tokens, max_bin_documents;
    uint32_t vocabulary, end_of_text;
    source_bin_fn bin;
    source_read_fn read_lengths; // [n_documents of the bin]
    source_read_fn read_tokens;  // [n_tokens of the bin]
    source_close_fn close;       // NULL = nothing to close
    void *context;
};

/// The dataset at path as a source. Errors: as dataset_open.
enum err source_open_dataset(const char *name, const char *path, double weight, struct arena *a,
                             struct source *out) MUST_CHECK;
void source_close(struct source *s);
/// Errors: ERR_DATA when the sources do not share a tokenizer, or one is empty or beyond datad's
/// limits.
enum err source_check_all(const struct source *sources, size_t n_sources) MUST_CHECK;

static inline struct source_bin source_bin(const struct source *s, uint64_t bin)
{
    return s->bin(s->context, bin);
}
