#pragma once
// Records that arrived at this rank: a buffer that is sorted and spilled as a run whenever it is
// full, then read as one sorted stream. First adds, then a seal, then reads.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/dedup/held.h"
#include "shard/dedup/record_buffer.h"
#include "shard/dedup/run_merge.h"
#include "shard/dedup/spill.h"

struct inbox {
    const char *folder, *name;
    size_t n_words, memory_bytes;
    struct held *held;
    struct record_buffer buffer;
    struct spill spill;
    struct run_list runs;
    struct run_merge merge;
    size_t n_read;          // of the buffer, when nothing was spilled
    uint64_t n_records;     // that arrived
    uint64_t spilled_bytes; // written to files in all
};

struct inbox_options {
    const char *folder, *name; // of spill files; borrowed until close
    size_t n_words, memory_bytes;
    struct held *held; // borrowed until close
};

/// Empty; no file yet. Can't fail.
void inbox_begin(struct inbox *i, const struct inbox_options *o);
/// Adds n_records records (copied). Local. Errors: ERR_IO ERR_MEMORY.
enum err inbox_add(struct inbox *i, const uint64_t *records, size_t n_records) MUST_CHECK;
/// Nothing more is added: sorts, and merges runs until the memory suffices to read all that remain.
/// Local. Errors: ERR_IO ERR_MEMORY.
enum err inbox_seal(struct inbox *i) MUST_CHECK;
/// The next record, ascending; *more false at the end. After the seal. Local. Errors: ERR_IO.
enum err inbox_next(struct inbox *i, uint64_t *record, bool *more) MUST_CHECK;
/// Frees memory and file. Can't fail.
void inbox_close(struct inbox *i);
