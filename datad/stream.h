#pragma once
// The stream of rows of one (mixture, split, seed, T): position -> row, and what a client is told
// about it. A position is a row of the run, from 0. Batches are a pure function of it (I1); it
// keeps nothing but tables that can be rebuilt.
//
//     position -> stream's row    ranges left out (datad/edits.h)
//     stream's row -> source, n   the mixture, in closed form (datad/mixture.h)
//     n -> epoch, bin, row        keyed permutations (datad/row_order.h)
//     row -> pieces of documents  packing (datad/pack.h)

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"
#include "datad/bins.h"
#include "datad/edits.h"
#include "datad/pack.h"
#include "datad/source.h"
#include "datad/source_images.h"
#include "datad/split.h"

// How the daemon was configured; the same for all streams.
struct stream_rule {
    const struct source *sources; // borrowed
    size_t n_sources;
    double validation; // fraction of each source's tokens held out
    bool sequential;
    uint64_t window_bins;
    enum pack_rule packing;
    const char *tables;        // folder of row tables (datad/row_table.h); NULL = none
    struct edits_given edits;  // of the training stream; validation never changes
    struct images_rule images; // no recipe = documents' images are left out
};

// What a client asks for.
struct stream_request {
    enum split split;
    uint64_t T;
    uint64_t seed; // of the training order; validation has one order for all seeds
};

struct stream_info {
    struct hash128 dataset_hash;
    struct hash128 stream_hash; // of all that decides any row: stream_history to the end
    uint32_t vocabulary, end_of_text;
    uint64_t n_rows, n_tokens; // of the split, each source once
};

struct stream;

enum { STREAM_T_LIMIT = 1 << 20 };

/// O(bins), but for what row_table_open reads the first time. Errors: ERR_CONFIG when the split is
/// empty or has fewer than T tokens, or for edits that edits_build refuses; those of reads.
enum err stream_open(const struct stream_rule *rule, const struct stream_request *request,
                     struct bins *bins, struct arena *a, struct stream **out) MUST_CHECK;
void stream_close(struct stream *s);
const struct stream_info *stream_info(const struct stream *s);
const struct stream_request *stream_request(const struct stream *s);
/// Names all that decides positions [0, n_rows): what a checkpoint keeps and compares on resume. It
/// does not change by edits that begin at n_rows or later. Can't fail.
struct hash128 stream_history(const struct stream *s, uint64_t n_rows);
/// What stream_history of (rule, request) would be, without opening it. Errors: ERR_CONFIG for
/// edits that edits_build refuses.
enum err stream_rule_history(const struct stream_rule *rule, const struct stream_request *request,
                             uint64_t n_rows, struct hash128 *out) MUST_CHECK;

struct stream_place {
    size_t source;
    uint32_t bin;
    uint64_t row;
};
/// Thread-safe. Can't fail.
void stream_find(struct stream *s, uint64_t position, struct stream_place *out);
/// Fills the rows at positions, one behind the other from out on (arrays of [rows * T]);
/// *loss_tokens counts their positions with mask 1. Thread-safe. Errors: as bins_acquire.
enum err stream_fill(struct stream *s, struct range positions, const struct pack_row *out,
                     uint64_t *loss_tokens) MUST_CHECK;
/// Loss tokens of the rows at positions, without reading tokens; sums of recent ranges are kept.
/// Thread-safe.
enum err stream_loss_tokens(struct stream *s, struct range positions, uint64_t *out) MUST_CHECK;

// A document, or a piece of one, in a row.
struct stream_document {
    size_t source;
    uint64_t document;           // counted over the source's dataset
    uint64_t offset, n_tokens;   // of the piece in it
    uint64_t at;                 // position in the row
    bool skipped;                // left out: these tokens are padding
    struct source_document name; // empty where the source has no names
};
/// What the row at position is made of, in order; everything lives in a. Thread-safe. Errors: those
/// of reads.
enum err stream_documents(struct stream *s, uint64_t position, struct arena *a,
                          struct stream_document **out, size_t *n) MUST_CHECK;

// An image of which a row has placeholders.
struct stream_image {
    const struct source *source;
    uint32_t bin;
    uint64_t image; // of the bin's
    uint32_t width, height;
    uint64_t at;               // position in the row of its first placeholder there
    uint64_t offset, n_tokens; // which of its placeholders that is; how many follow
};
/// The images in the row at position, in order, in a. Thread-safe. Errors: those of reads.
enum err stream_images(struct stream *s, uint64_t position, struct arena *a,
                       struct stream_image **out, size_t *n) MUST_CHECK;
/// What images become in this stream. Can't fail.
const struct images_rule *stream_images_rule(const struct stream *s);

// What one source has given to positions [0, n).
struct stream_share {
    uint64_t n_rows, n_tokens; // tokens without padding
    double epochs;             // of the source's rows
    double wanted;             // share of tokens by the weights in force at position n
    double realised;           // share of the tokens since these weights began
};
/// out[n_sources]. Tokens are exact where a source is between windows of bins; of the window under
/// way they are its mean a row. Ranges left out count, for they are behind. O(bins). Thread-safe.
/// Can't fail.
void stream_report(struct stream *s, uint64_t n, struct stream_share *out);
/// One line for a log, in a: each source's realised and wanted share and epochs at position n.
/// Can't fail.
const char *stream_progress(struct stream *s, uint64_t n, struct arena *a);
/// Lines for a log, in a: each source's rows, tokens, documents and padding; each edit with the
/// position from which it holds; ended by newlines. Can't fail.
const char *stream_describe(struct stream *s, struct arena *a);
