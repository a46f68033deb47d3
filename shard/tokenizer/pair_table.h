#pragma once
// A hash table from a pair of token ids to a number; open addressing, at most half full, no
// removal. Tables are larger than a core's cache. A pair that is there has its number in the same
// cache line; about half of those that are looked up are not there, and for nine in ten of these a
// filter of 4 bits a slot answers, which is small enough for the cache.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

#define PAIR_TABLE_NONE UINT64_MAX

struct pair_slot {
    uint64_t key; // pair_table_key; UINT64_MAX = free
    uint64_t value;
};

struct pair_table {
    struct pair_slot *slots;
    uint64_t *filter; // bit pair_table_bit: 0 = no pair of the table has it
    size_t n_pairs;
    unsigned shift; // 64 - log2 of the number of slots
    size_t mask;
};

static inline uint64_t pair_table_key(uint32_t left, uint32_t right)
{
    return (uint64_t)left << 32 | right;
}

static inline uint64_t pair_table_hash(uint64_t key)
{
    return (key ^ key >> 29) * 0x9E3779B97F4A7C15u;
}

static inline size_t pair_table_bit(const struct pair_table *t, uint64_t key)
{
    return (size_t)(pair_table_hash(key) >> (t->shift - 2));
}

static inline struct pair_slot *pair_table_slot(const struct pair_table *t, uint64_t key)
{
    size_t slot = (size_t)(pair_table_hash(key) >> t->shift);
    while (t->slots[slot].key != key && t->slots[slot].key != UINT64_MAX)
        slot = (slot + 1) & t->mask;
    return &t->slots[slot];
}

/// Value of the pair, PAIR_TABLE_NONE if it has none. Can't fail.
static inline uint64_t pair_table_find(const struct pair_table *t, uint32_t left, uint32_t right)
{
    uint64_t key = pair_table_key(left, right);
    size_t bit = pair_table_bit(t, key);
    if ((t->filter[bit / 64] >> bit % 64 & 1) == 0) return PAIR_TABLE_NONE;
    return pair_table_slot(t, key)->value;
}

/// An empty table with room for n_pairs before it grows. Errors: ERR_MEMORY.
enum err pair_table_open(struct pair_table *t, size_t n_pairs) MUST_CHECK;
/// Frees it; a zeroed table is fine. Can't fail.
void pair_table_close(struct pair_table *t);
/// t moved into a; t itself is closed. Can't fail.
struct pair_table pair_table_take(struct pair_table *t, struct arena *a);
/// Where the value of the pair is kept, PAIR_TABLE_NONE if the pair is new; valid until the next
/// insert. Not both ids may be UINT32_MAX. Errors: ERR_MEMORY.
enum err pair_table_insert(struct pair_table *t, uint32_t left, uint32_t right,
                           uint64_t **value) MUST_CHECK;
