#pragma once
// A part: consecutive input files that one rank reads and whose rows it writes. Parts follow from
// the list of inputs alone, so every rank knows all of them: a large file, or a piece of one that
// was cut (shard/build/survey.h), is a part; small files share one. Who does which part is known
// before the work: each part, the largest first, goes to the rank with the fewest bytes so far.

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "shard/read/inputs.h"

// Bytes at which a part ends: a 64th of the inputs, within these.
enum { PART_LIST_BYTES_LEAST = 8 << 20, PART_LIST_BYTES_MOST = 64 << 20, PART_LIST_PARTS = 64 };

struct part {
    size_t first_file, n_files;
    uint64_t n_bytes;
    int rank;                   // who does it
    struct hash128 fingerprint; // of its files' names, sizes and times, and of the options
};

struct part_list {
    struct part *parts;
    size_t n_parts;
    struct hash128 fingerprint; // of all of them
};

/// Bytes at which a part of these inputs ends, as above; > 0. Can't fail.
uint64_t part_list_bytes(const struct inputs *inputs);
/// Divides inputs into parts, which live in a; options is the fingerprint of everything else that
/// rows depend on. Errors: ERR_IO (a file is gone).
enum err part_list_make(const struct inputs *inputs, uint64_t part_bytes, struct hash128 options,
                        int n_ranks, struct arena *a, struct part_list *out) MUST_CHECK;
/// How many of the parts are that rank's. Can't fail.
size_t part_list_n_of(const struct part_list *list, int rank);
