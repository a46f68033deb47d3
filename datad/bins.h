#pragma once
// The tokens of all sources' bins, read once, checked, and cached for all streams and threads. A
// thread holds at most one bin at a time.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/bin_cache.h"
#include "datad/source.h"

struct bins_options {
    const struct source *sources; // borrowed
    size_t n_sources;
    size_t n_threads;   // that hold bins
    size_t window_bins; // bins of a source in use at a time
    size_t cache_bytes; // for tokens; at least one bin a thread is kept whatever it says
};

struct bins;

/// Errors: ERR_MEMORY.
enum err bins_open(const struct bins_options *o, struct arena *a, struct bins **out) MUST_CHECK;
void bins_close(struct bins *b);
const struct bins_options *bins_options(const struct bins *b);
/// Most documents, tokens and pictures of any bin. Can't fail.
struct source_bin bins_largest(const struct bins *b);

struct bins_hold {
    const uint32_t *tokens; // [n_tokens of the bin], with PACK_NO_LOSS
    struct bin_cache_hold slot;
};

/// Holds the tokens of bin of source. Errors: those of the source; ERR_DATA when lengths contradict
/// the index or an id is not in the vocabulary.
enum err bins_acquire(struct bins *b, size_t source, uint32_t bin,
                      struct bins_hold *out) MUST_CHECK;
/// The tokens of bin of source if they are there, for pack_ahead: nobody holds them. Can't fail.
const uint32_t *bins_peek(struct bins *b, size_t source, uint32_t bin);
void bins_release(struct bins *b, const struct bins_hold *hold);
