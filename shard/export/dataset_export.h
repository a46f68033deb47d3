#pragma once
// Writes a dataset's tokens in the formats of other trainers, a row a format. Images, scores and
// the marks of what counts for the loss have no place in them and stay behind.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "shard/dataset/dataset.h"

struct dataset_export_options {
    const char *out;      // what the files' names begin with
    uint64_t file_tokens; // llm.c: a file ends with the document that reaches this
};

struct dataset_export_result {
    uint64_t n_documents, n_tokens, n_files, file_bytes;
};

struct dataset_export_format {
    const char *name;
    enum err (*write)(const struct dataset *d, const struct dataset_export_options *options,
                      struct arena *a, struct dataset_export_result *result);
};

/// The format called name. Errors: ERR_USAGE naming those that are known.
enum err dataset_export_find(const char *name, const struct dataset_export_format **out) MUST_CHECK;

/// A document's tokens, end of text included, or the end of the dataset.
typedef enum err (*dataset_export_document_fn)(void *context, const uint32_t *tokens,
                                               uint32_t n_tokens);
/// Calls document for each, in order; a bin of tokens is in memory at a time. Errors: reads and
/// document's.
enum err dataset_export_documents(const struct dataset *d, dataset_export_document_fn document,
                                  void *context) MUST_CHECK;
/// Calls length with the tokens of each document, in order. Errors: reads and length's.
enum err dataset_export_lengths(const struct dataset *d,
                                enum err (*length)(void *context, uint32_t n_tokens),
                                void *context) MUST_CHECK;

/// OUT.bin and OUT.idx: a sequence and a document each, end of text at its end; u16 tokens below a
/// vocabulary of 65,500, else i32. Errors: reads, ERR_IO, ERR_USAGE (a file exists).
enum err export_megatron(const struct dataset *d, const struct dataset_export_options *options,
                         struct arena *a, struct dataset_export_result *result) MUST_CHECK;
/// OUT_val_000000.bin, OUT_train_000001.bin, ...: u16 tokens up to a vocabulary of 65,536, else
/// u32; end of text before each document; below 2 GiB a file, as its reader needs. Errors: as
/// above.
enum err export_llmc(const struct dataset *d, const struct dataset_export_options *options,
                     struct arena *a, struct dataset_export_result *result) MUST_CHECK;
