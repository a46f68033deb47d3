#pragma once
// A hash table from bytes to a 64-bit number, in order of insertion: entries are numbered 0, 1, 2,
// ... and stay in place. Bytes are copied when new. Used for vocabularies (bytes -> id) and word
// counts (bytes -> how often).

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

struct span_entry {
    struct span bytes; // in the table's arena
    uint64_t value;
    uint64_t hash;
};

struct span_table {
    struct arena *a; // holds the bytes
    struct span_entry *entries;
    size_t n_entries, capacity;
    uint64_t n_bytes; // of all entries
    uint32_t *slots;  // entry index, UINT32_MAX = free
    size_t mask;
};

/// An empty table. a is borrowed and must outlive it. Errors: ERR_MEMORY.
enum err span_table_open(struct span_table *t, struct arena *a) MUST_CHECK;
/// Frees the table; the bytes stay in the arena. A zeroed table is fine. Can't fail.
void span_table_close(struct span_table *t);
/// t moved into a, which must be the arena that holds its bytes or outlive it; t itself is closed.
/// Can't fail.
struct span_table span_table_take(struct span_table *t, struct arena *a);
/// The entry of bytes, NULL if absent. Valid until the next insert. Can't fail.
struct span_entry *span_table_find(const struct span_table *t, struct span bytes);
/// The entry of bytes, made with value 0 when absent. Valid until the next insert. Errors:
/// ERR_MEMORY; ERR_DATA at 2^32 - 1 entries.
enum err span_table_insert(struct span_table *t, struct span bytes,
                           struct span_entry **out) MUST_CHECK;
/// As span_table_insert where hash is hash_xxh3 of bytes, seed 0, already.
enum err span_table_insert_hash(struct span_table *t, struct span bytes, uint64_t hash,
                                struct span_entry **out) MUST_CHECK;
