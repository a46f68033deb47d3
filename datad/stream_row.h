#pragma once
// A row of a stream at its place, with its bin's plan held; for datad/stream*.c alone.

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"
#include "datad/stream_state.h"

struct stream_row {
    uint64_t position;
    struct stream_place place;
    const struct source *source;
    bool any_skipped; // some document of the source is left out somewhere
    uint64_t first_document;
    struct plans_hold hold;
};

/// Finds the row at position and holds its plan until stream_row_release. Thread-safe. Errors: as
/// plans_acquire; ERR_DATA when a row table contradicts the plan.
enum err stream_row_acquire(struct stream *s, uint64_t position, struct stream_row *r) MUST_CHECK;
void stream_row_release(struct stream *s, const struct stream_row *r);
/// The row's pieces, as indices of its plan's. Can't fail.
struct range stream_row_pieces(const struct stream_row *r);
/// Whether an edit leaves the piece's document out of this row. Can't fail.
bool stream_row_skips(const struct stream *s, const struct stream_row *r,
                      const struct pack_piece *piece);
