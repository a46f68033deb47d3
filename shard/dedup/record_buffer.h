#pragma once
// Records of u64 words in memory, up to a limit that is set once. Room is taken as it is needed, in
// powers of two of the limit, so that many small ones cost little.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/dedup/held.h"

struct record_buffer {
    uint64_t *words;
    size_t n_words; // of a record
    size_t n_records, capacity, limit;
    struct held *held;
};

/// An empty buffer of as many records as memory_bytes hold, one at least. Borrows held. Can't fail.
void record_buffer_begin(struct record_buffer *b, size_t n_words, size_t memory_bytes,
                         struct held *held);
/// Room for one more record, or NULL in *record when the limit is reached. Local. Errors:
/// ERR_MEMORY.
enum err record_buffer_add(struct record_buffer *b, uint64_t **record) MUST_CHECK;
/// Gives the memory back. Can't fail.
void record_buffer_free(struct record_buffer *b);
