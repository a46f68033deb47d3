#pragma once
// The stream of rows of one (mixture, split, seed, T): position -> row, and what a client is told
// about it. Batches are a pure function of it (I1); it keeps nothing but tables that can be
// rebuilt.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"
#include "datad/bins.h"
#include "datad/source.h"
#include "datad/split.h"

// How the daemon was configured; the same for all streams.
struct stream_rule {
    const struct source *sources; // borrowed
    size_t n_sources;
    double validation; // fraction of each source's tokens held out
    bool sequential;
    uint64_t window_bins;
};

// What a client asks for.
struct stream_request {
    enum split split;
    uint64_t T;
    uint64_t seed; // of the training order; validation has one order for all seeds
};

struct stream_info {
    struct hash128 dataset_hash, stream_hash;
    uint32_t vocabulary, end_of_text;
    uint64_t n_rows, n_tokens; // of the split, each source once
};

struct stream;

enum { STREAM_T_LIMIT = 1 << 20 };

/// O(bins). Errors: ERR_CONFIG when the split is empty or has fewer than T tokens.
enum err stream_open(const struct stream_rule *rule, const struct stream_request *request,
                     struct bins *bins, struct arena *a, struct stream **out) MUST_CHECK;
void stream_close(struct stream *s);
const struct stream_info *stream_info(const struct stream *s);
const struct stream_request *stream_request(const struct stream *s);

struct stream_place {
    size_t source;
    uint32_t bin;
    uint64_t row;
};
/// Thread-safe. Can't fail.
void stream_find(struct stream *s, uint64_t position, struct stream_place *out);
/// Fills the row at position; *loss_tokens counts its positions with mask 1. Thread-safe. Errors:
/// as bins_acquire.
enum err stream_fill(struct stream *s, uint64_t position, const struct pack_row *out,
                     uint64_t *loss_tokens) MUST_CHECK;
/// Loss tokens of the rows at positions, from document lengths alone; sums of recent ranges are
/// kept. Thread-safe.
enum err stream_loss_tokens(struct stream *s, struct range positions, uint64_t *out) MUST_CHECK;
