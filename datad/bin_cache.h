#pragma once
// A fixed number of equal slots of memory, each holding what was loaded for one key; the least
// recently used makes room. Threads that want a key that is being loaded wait for it. A slot stays
// while somebody holds it.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct bin_cache;
/// Fills slot for key; *n is kept with it. Runs without the cache's lock, in the thread that asked
/// first.
typedef enum err (*bin_cache_load_fn)(const void *context, uint64_t key, uint32_t *slot,
                                      uint64_t *n);

struct bin_cache_options {
    size_t n_slots; // more than the slots that all threads together hold at any time
    size_t slot_elems;
    bin_cache_load_fn load;
    const void *context;
};

struct bin_cache_hold {
    size_t slot;
    const uint32_t *data;
    uint64_t n;
};

/// Memory is touched when used. Errors: ERR_MEMORY.
enum err bin_cache_open(const struct bin_cache_options *o, struct arena *a,
                        struct bin_cache **out) MUST_CHECK;
/// Nothing may be held.
void bin_cache_close(struct bin_cache *c);
/// Holds key's data until bin_cache_release. Errors: what load returns; the next caller tries
/// again.
enum err bin_cache_acquire(struct bin_cache *c, uint64_t key,
                           struct bin_cache_hold *out) MUST_CHECK;
/// Where key's data lies if it is there, or NULL. Not held: it may change at any time. Can't fail.
const uint32_t *bin_cache_peek(struct bin_cache *c, uint64_t key);
void bin_cache_release(struct bin_cache *c, const struct bin_cache_hold *hold);
