#pragma once
// What a station says of a part that it has finished: a small file, put in place after the part's
// rows. A build that is begun again keeps the parts whose fingerprint is still the same.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "shard/dataset/funnel.h"

// One row a count.
#define PART_COUNT_TABLE(X)                                        \
    X(files) /* part files of rows */                              \
    X(rows)                                                        \
    X(dropped)       /* rows with a verdict */                     \
    X(empty)         /* documents with nothing in them */          \
    X(bad)           /* left out because they could not be read */ \
    X(bad_bytes)     /* of those, as they stand in the file */     \
    X(other)         /* records that are no documents */           \
    X(text_bytes)    /* of rows */                                 \
    X(tokens)        /* of rows */                                 \
    X(with_url)      /* rows */                                    \
    X(with_language) /* rows */                                    \
    X(with_losses)   /* rows */                                    \
    X(images)        /* of rows */

struct part_counts {
#define X(name) uint64_t name;
    PART_COUNT_TABLE(X)
#undef X
};

struct part_done {
    struct hash128 fingerprint;
    struct part_counts counts;
    struct funnel funnel;
};

/// Adds the counts of other. Can't fail.
void part_counts_add(struct part_counts *to, const struct part_counts *other);
/// Replaces path atomically. Errors: ERR_IO, ERR_MEMORY.
enum err part_done_write(const struct part_done *done, const char *path) MUST_CHECK;
/// Reads path; names live in a. Errors: ERR_IO, ERR_DATA.
enum err part_done_read(const char *path, struct arena *a, struct part_done *out) MUST_CHECK;
