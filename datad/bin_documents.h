#pragma once
// What packing reads of a bin, from its source, checked against the index: document lengths, which
// documents the filter keeps, which tokens count for the loss.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/pack.h"
#include "datad/source.h"

/// Everything lives in a. Errors: those of the source; ERR_DATA when lengths contradict the index.
enum err bin_documents_read(const struct source *source, uint64_t bin, struct arena *a,
                            struct pack_bin *out) MUST_CHECK;
/// Sets PACK_NO_LOSS in tokens [n_tokens of the bin] that do not count for the loss. Errors: as
/// bin_documents_read.
enum err bin_documents_mark(const struct source *source, uint64_t bin, uint32_t *tokens) MUST_CHECK;
