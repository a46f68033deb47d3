#pragma once
// Checks every byte of a dataset: dataset.json, the tokenizer's file, and each shard in full.

#include <stdint.h>

#include "base/err.h"

/// Verifies the dataset in folder; progress (may be NULL) is called before each shard. Errors:
/// ERR_CORRUPT or ERR_DATA naming file, column, frame and offset; ERR_IO.
enum err dataset_verify(const char *folder,
                        void (*progress)(void *context, uint64_t done, uint64_t total),
                        void *context) MUST_CHECK;
