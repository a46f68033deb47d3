#pragma once
// A source of the mixture: bins of whole tokenized documents, read whole. A dataset
// (shard/dataset/dataset.h) is one; tests make others.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"

struct source_bin {
    uint64_t n_documents, n_tokens;
    uint64_t first_document; // of the source's
    uint64_t n_pictures;
};

// What a document is called, for people.
struct source_document {
    const char *file; // of the shard
    struct span id, from;
};

struct source_image {
    uint64_t document; // of the bin's
    uint32_t offset;   // tokens of the document before it
    uint32_t width, height;
};

/// Functions behind a source; context is the source's. Reads are safe from several threads.
typedef struct source_bin (*source_bin_fn)(const void *context, uint64_t bin);
typedef enum err (*source_read_fn)(const void *context, uint64_t bin, uint32_t *out);
typedef enum err (*source_keep_fn)(const void *context, uint64_t bin, uint8_t *out);
typedef enum err (*source_loss_fn)(const void *context, uint64_t bin, const uint32_t *lengths,
                                   uint64_t *bits);
typedef enum err (*source_name_fn)(const void *context, uint64_t bin, uint64_t document,
                                   struct arena *a, struct source_document *out);
typedef enum err (*source_images_fn)(const void *context, uint64_t bin, struct arena *a,
                                     struct source_image **out, size_t *n);
typedef enum err (*source_pictures_fn)(const void *context, uint64_t bin, uint64_t *bits);
typedef enum err (*source_image_fn)(const void *context, uint64_t bin, uint64_t image,
                                    struct arena *a, struct span *out);
typedef void (*source_close_fn)(void *context);

struct source {
    const char *name;
    double weight;
    struct hash128 hash, tokenizer_hash;
    struct hash128 filter_hash; // of the filter; 0 = all documents are kept
    struct hash128 images_hash; // of what images become (datad/source_images.h); 0 = nothing
    uint64_t n_bins, max_bin_tokens, max_bin_documents;
    uint32_t vocabulary, end_of_text;
    source_bin_fn bin;
    source_read_fn read_lengths; // [n_documents of the bin]
    source_read_fn read_tokens;  // [n_tokens of the bin]
    source_keep_fn read_keep;    // [n_documents], 0 or 1; NULL = all are kept
    source_loss_fn read_loss;    // bits [n_tokens], zeroed before; NULL = all tokens count
    source_name_fn read_name;    // document is the bin's; NULL = documents have no names
    // Tokens of each picture, pictures that a row may have (pack_bin); 0 where there are none.
    uint32_t picture_tokens, row_pictures;
    uint64_t max_bin_pictures;
    source_pictures_fn
        read_pictures;            // first tokens: bits [n_tokens], zeroed; NULL = there are none
    source_images_fn read_images; // of a bin, by document and offset; NULL = there are none
    source_image_fn read_image;   // the file of one (of the bin's); NULL = there are none
    source_close_fn close;        // NULL = nothing to close
    void *context;
};

struct source_options {
    const char *name, *path;
    const char *filter; // expression over the dataset's columns; "" = the default
    double weight;
};

/// The dataset at path as a source. Without a filter, documents whose verdict is "kept" are kept
/// where there is such a column, and all elsewhere. Errors: as dataset_open; ERR_CONFIG for a bad
/// filter.
enum err source_open_dataset(const struct source_options *o, struct arena *a,
                             struct source *out) MUST_CHECK;
void source_close(struct source *s);
/// Errors: ERR_DATA when the sources do not share a tokenizer, or one is empty or beyond datad's
/// limits.
enum err source_check_all(const struct source *sources, size_t n_sources) MUST_CHECK;
/// Names what the source's rows are made of: its hash, mixed with the filter's and the images' if
/// it has them. Can't fail.
struct hash128 source_content(const struct source *s);

static inline struct source_bin source_bin(const struct source *s, uint64_t bin)
{
    return s->bin(s->context, bin);
}
