#pragma once
// The packing plans of a stream's bins, made when first asked for and cached: from document
// lengths, filter columns and loss runs, never from tokens. A thread holds at most two at a time.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/bin_cache.h"
#include "datad/bins.h"
#include "datad/pack.h"

struct plans;

struct plans_hold {
    struct pack_plan plan;
    struct bin_cache_hold slot;
};

/// For the bins of b (borrowed); of its cache_bytes a quarter at most, but one plan a thread and
/// one more whatever they are. Errors: ERR_MEMORY.
enum err plans_open(const struct bins *b, uint64_t T, enum pack_rule rule, struct arena *a,
                    struct plans **out) MUST_CHECK;
void plans_close(struct plans *p);
/// Holds the plan of bin of source. Errors: as bin_documents_read.
enum err plans_acquire(struct plans *p, size_t source, uint32_t bin,
                       struct plans_hold *out) MUST_CHECK;
void plans_release(struct plans *p, const struct plans_hold *hold);
