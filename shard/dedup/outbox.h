#pragma once
// Records on their way to other ranks: a buffer that is ordered by rank and spilled whenever it is
// full, then read rank by rank. First adds, then a seal, then reads. Besides its buffer it holds
// one u64 for each rank and spilled buffer.

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/dedup/held.h"
#include "shard/dedup/record_buffer.h"
#include "shard/dedup/spill.h"

struct outbox_cursor {
    size_t part;   // spilled buffer
    uint64_t done; // records of it that were read
};

struct outbox {
    const char *folder, *name;
    size_t n_words; // of a record; in the buffer the rank stands before it
    int n_ranks;
    struct held *held;
    struct record_buffer buffer;
    struct spill spill;
    uint64_t n_spilled; // records in the file
    uint64_t *starts;   // [n_parts][n_ranks]: record where a rank's begin
    size_t n_parts, starts_capacity;
    uint64_t *n_for;               // [n_ranks]
    struct outbox_cursor *cursors; // [n_ranks]
    uint64_t spilled_bytes;
};

struct outbox_options {
    const char *folder, *name; // of the spill file; borrowed until close
    size_t n_words, memory_bytes;
    int n_ranks;
    struct held *held; // borrowed until close
};

/// Empty; no file yet. Local. Errors: ERR_MEMORY.
enum err outbox_open(struct outbox *o, const struct outbox_options *options) MUST_CHECK;
/// Adds a record (copied) for rank. Local. Errors: ERR_IO ERR_MEMORY.
enum err outbox_add(struct outbox *o, int rank, const uint64_t *record) MUST_CHECK;
/// Nothing more is added. Local. Errors: ERR_MEMORY.
enum err outbox_seal(struct outbox *o) MUST_CHECK;
/// Records for rank, in all. Can't fail.
uint64_t outbox_count(const struct outbox *o, int rank);
/// The next n_records records for rank; that many are left. After the seal. Local. Errors: ERR_IO.
enum err outbox_take(struct outbox *o, int rank, size_t n_records, uint64_t *records) MUST_CHECK;
/// Frees memory and file; fine after a failed open. Can't fail.
void outbox_close(struct outbox *o);
