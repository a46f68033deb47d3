#pragma once
// How many rows, documents and tokens each bin of a source gives by one packing rule: what the
// order of rows stands on. By concat without a filter it follows from the index. Otherwise every
// bin's lengths (and filter columns) are read once, and the table is kept in a file, so that later
// starts read 12 bytes a bin. A file that is damaged or of other data is made anew.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/pack.h"
#include "datad/source.h"

struct row_table_bin {
    uint32_t rows, documents, tokens; // padding and documents that are left out are not counted
};

struct row_table_options {
    const struct source *source;
    uint64_t T;
    enum pack_rule rule;
    const char *folder; // of the files, made when missing; NULL or "" = none are kept
};

/// *out[n_bins of the source], in a. Errors: as bin_documents_read. A file that cannot be written
/// is only logged.
enum err row_table_open(const struct row_table_options *o, struct arena *a,
                        struct row_table_bin **out) MUST_CHECK;

/// The file's bytes, in a: for tests and fuzzing. Can't fail.
struct span row_table_encode(struct hash128 key, const struct row_table_bin *bins, uint64_t n_bins,
                             struct arena *a);
/// bins[n_bins] from a file's bytes. Errors: ERR_CORRUPT for damage or another key.
enum err row_table_decode(struct span data, struct hash128 key, struct row_table_bin *bins,
                          uint64_t n_bins) MUST_CHECK;
