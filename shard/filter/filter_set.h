#pragma once
// Sets of 64-bit hashes that are emptied for each n and each document: the top three bits of a slot
// say in which use it was filled, so that the table is cleared once in seven uses only. Equal
// hashes (61 bits of them) count as equal things.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

// Half of the slots are empty, so that a chain is this long only if somebody made it so; then its
// last slot is given away, and time stays linear.
enum { FILTER_SET_PROBES = 256 };

struct filter_tally {
    uint32_t count, first; // how often the hash was added; with which mark first
};

struct filter_set {
    uint64_t *slots;
    struct filter_tally *tallies; // [n_slots], if any use was counted
    size_t n_slots;               // capacity; a power of two, or 0
    size_t slots_capacity, tallies_capacity;
    size_t n_used;  // slots behind these are empty
    uint64_t stamp; // of this use, in the top three bits
    uint32_t shift; // hash >> shift is the slot
    size_t mask;
};

/// Empties the set and makes room for n_keys, and for their tallies if counted. Errors: ERR_MEMORY.
enum err filter_set_begin(struct filter_set *s, size_t n_keys, bool counted) MUST_CHECK;
/// Frees the tables. Can't fail.
void filter_set_free(struct filter_set *s);

/// Spreads a hash whose low bits are weak. Can't fail.
static inline uint64_t filter_set_mix(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= 0x9E3779B97F4A7C15u;
    return hash ^ hash >> 29;
}

/// The slot of hash, and whether it was there; takes the slot if not. No more than n_keys of
/// filter_set_begin may be added. Can't fail.
static inline size_t filter_set_slot(struct filter_set *s, uint64_t hash, bool *found)
{
    const uint64_t mixed = filter_set_mix(hash);
    const uint64_t key = mixed >> 3 | s->stamp;
    size_t at = (size_t)(mixed >> s->shift);
    for (uint32_t n = 0; s->slots[at] != key; n++) {
        if ((s->slots[at] ^ s->stamp) >> 61 != 0 || n == FILTER_SET_PROBES) {
            s->slots[at] = key;
            *found = false;
            return at;
        }
        at = (at + 1) & s->mask;
    }
    *found = true;
    return at;
}

/// Adds hash; true if it was there. Can't fail.
static inline bool filter_set_add(struct filter_set *s, uint64_t hash)
{
    bool found;
    (void)filter_set_slot(s, hash, &found);
    return found;
}

/// Counts hash, which is seen at mark, in a counted set; gives its tally. Can't fail.
static inline const struct filter_tally *filter_set_count(struct filter_set *s, uint64_t hash,
                                                          uint32_t mark)
{
    bool found;
    struct filter_tally *t = &s->tallies[filter_set_slot(s, hash, &found)];
    if (!found) *t = (struct filter_tally){0, mark};
    t->count++;
    return t;
}
