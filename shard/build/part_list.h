#pragma once
// A part: consecutive input files that one rank reads and whose rows it writes. Parts follow from
// the list of inputs alone, so every rank knows all of them: a large file is a part, small files
// share one.

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "shard/read/inputs.h"

// Bytes at which a part ends: a 64th of the inputs, within these.
enum { PART_LIST_BYTES_LEAST = 8 << 20, PART_LIST_BYTES_MOST = 64 << 20, PART_LIST_PARTS = 64 };

struct part {
    size_t first_file, n_files;
    uint64_t n_bytes;
    struct hash128 fingerprint; // of its files' names, sizes and times, and of the options
};

struct part_list {
    struct part *parts;
    size_t n_parts;
    struct hash128 fingerprint; // of all of them
};

/// Divides inputs into parts, which live in a; options is the fingerprint of everything else that
/// rows depend on. part_bytes 0 = the size above. Errors: ERR_IO (a file is gone).
enum err part_list_make(const struct inputs *inputs, uint64_t part_bytes, struct hash128 options,
                        struct arena *a, struct part_list *out) MUST_CHECK;
