#pragma once
// The bins of all sources as packing wants them: document ends and tokens, read once, checked, and
// cached for all streams and threads. A thread holds at most one bin at a time.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/bin_cache.h"
#include "datad/pack.h"
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

struct bins_hold {
    struct pack_bin bin;
    bool with_tokens;
    struct bin_cache_hold ends, tokens;
};

/// Holds bin of source; its tokens only when with_tokens. Errors: those of the source; ERR_DATA
/// when lengths and tokens contradict the index or an id is not in the vocabulary.
enum err bins_acquire(struct bins *b, size_t source, uint32_t bin, bool with_tokens,
                      struct bins_hold *out) MUST_CHECK;
void bins_release(struct bins *b, const struct bins_hold *hold);
