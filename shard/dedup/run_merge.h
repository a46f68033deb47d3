#pragma once
// Reads sorted runs of records from a spill file as one sorted stream.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "shard/dedup/spill.h"

// Runs lie behind one another: run i holds the records [ends[i - 1], ends[i]), the first from 0.
struct run_list {
    uint64_t *ends;
    size_t n_runs, capacity;
};
/// Adds a run of n_records (> 0) behind the last. Errors: ERR_MEMORY.
enum err run_list_add(struct run_list *list, uint64_t n_records) MUST_CHECK;

struct run_cursor {
    uint64_t next, end; // records of the file not read yet
    uint64_t *block;
    size_t at, n; // records of the block
};

struct run_merge {
    const struct spill *spill;
    size_t n_words, block_records;
    uint64_t *blocks;
    struct run_cursor *cursors;
    size_t *heap; // cursors by their next record, the smallest first
    size_t n_heap;
    size_t held_bytes; // memory of this merge
};

/// Merges the runs [first, last) of list with at most memory_bytes of blocks (at least one record a
/// run). Borrows spill. Local. Errors: ERR_MEMORY ERR_IO.
enum err run_merge_open(struct run_merge *m, const struct spill *spill, const struct run_list *list,
                        struct range runs, size_t n_words, size_t memory_bytes) MUST_CHECK;
/// The next record; *more false at the end. Local. Errors: ERR_IO.
enum err run_merge_next(struct run_merge *m, uint64_t *record, bool *more) MUST_CHECK;
/// Frees; fine after a failed open and twice. Can't fail.
void run_merge_close(struct run_merge *m);
