#pragma once
// Packing: the documents of one bin become rows of T tokens. What each row holds is a plan of
// pieces, which depends on the bin, its filter, T and the rule only: never on the seed. A
// position's target is the next token of its document, also where that lies in another row; a
// document's last token, a target that does not count for the loss, and padding have mask 0.
//
//     concat: one after another, cut into rows of T; the last row is padded
//     documents  abcd# xy# pqr#, T = 4            (# is the end of text, stored with its document)
//     tokens          a b c d | # x y # | p q r #
//     targets         b c d # | . y # . | q r # .
//     positions       0 1 2 3 | 0 0 1 2 | 0 1 2 3      within the document, in this row
//     document_start  0 0 0 0 | 0 1 1 1 | 0 0 0 0
//
//     best-fit: documents longer than T are cut into pieces of T and a rest, and pieces are put
//     whole into rows (datad/best_fit.h): a document of at most T tokens is never cut
//     documents  abcd# xy# pqr#, T = 6
//     tokens          a b c d # _ | p q r # _ _ | x y # _ _ _
//
// Where tokens stand for pictures, so many each, a row has only so many pictures (one that is cut
// by a row's end counts in both rows): documents are cut where the next would be one too many, and
// best-fit takes a piece for longer than it is when it has more than its share of a row's pictures.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

enum pack_rule { PACK_CONCAT, PACK_BEST_FIT };

// In a bin's tokens: this one does not count for the loss when it is a target.
#define PACK_NO_LOSS (UINT32_C(1) << 31)

// What packing reads of a bin.
struct pack_bin {
    const uint32_t *lengths; // [n_documents] tokens; 0 = empty, in no row
    const uint8_t *keep;     // [n_documents]: 0 = left out by the filter; NULL = all are kept
    const uint64_t *loss;    // bit t % 64 of word t / 64: token t counts; NULL = all do
    uint64_t n_documents;
    const uint64_t *pictures; // bit t: token t is the first of a picture's; NULL = there are none
    uint32_t picture_tokens;  // of each, one after another, in one document
    uint32_t row_pictures;    // that a row may have; 0 = as many as T tokens in a row can be of
};

// How large bins are.
struct pack_size {
    uint64_t n_documents, n_tokens, n_pictures;
};

struct pack_piece {
    uint32_t first, n_tokens;  // of the bin's tokens
    uint32_t document, offset; // of the bin's documents, and the piece's first token in it
    uint32_t n_loss;           // positions with mask 1
    uint32_t continues;        // 1 = the document goes on in another piece
};

// Points into the elements that pack_build filled.
struct pack_plan {
    uint32_t n_rows, n_pieces;
    uint32_t n_documents, n_tokens; // that are in rows
    const uint32_t *row_pieces;     // [n_rows + 1]: row r holds the pieces from row_pieces[r] on
    const struct pack_piece *pieces;
};

// Each [T]; NULL = not wanted.
struct pack_row {
    int32_t *tokens, *targets;
    float *mask;
    int32_t *positions, *document_start;
};

/// Rows of a bin of n_tokens in documents that are all kept, by PACK_CONCAT. Can't fail.
uint64_t pack_rows(uint64_t n_tokens, uint64_t T);
/// Rows of a bin of that size, or less, at most. Can't fail.
size_t pack_rows_limit(const struct pack_size *bin, uint64_t T);
/// Elements that pack_build writes at most, for a bin of that size or less. Can't fail.
size_t pack_limit(const struct pack_size *bin, uint64_t T);
/// Pictures that a row of T tokens may have: given, or when that is 0 as many as T tokens one after
/// another can be of. Can't fail.
uint64_t pack_row_pictures(uint64_t given, uint64_t picture_tokens, uint64_t T);
/// Writes the plan of bin to out; returns its elements. T <= 2^24. Can't fail.
size_t pack_build(const struct pack_bin *bin, uint64_t T, enum pack_rule rule,
                  struct arena *scratch, uint32_t *out);
/// The plan that pack_build wrote to elements. Can't fail.
struct pack_plan pack_view(const uint32_t *elements);
/// A row's positions with mask 1. Can't fail.
uint64_t pack_loss_tokens(const struct pack_plan *plan, uint64_t row);
/// A row's tokens that are not padding. Can't fail.
uint64_t pack_tokens(const struct pack_plan *plan, uint64_t row);

// Tokens that are read next, of the next row from its start: fetched from memory while a row is
// written. They are not looked at, so they may change meanwhile. n = 0: none.
struct pack_ahead {
    const uint32_t *tokens;
    uint64_t n;
};

/// The row n elements behind row. Can't fail.
struct pack_row pack_row_behind(const struct pack_row *row, uint64_t n);
/// Puts a piece at position at of the row; tokens are the bin's, with PACK_NO_LOSS. Can't fail.
void pack_fill_piece(const struct pack_piece *piece, const uint32_t *tokens, uint64_t at,
                     const struct pack_ahead *ahead, const struct pack_row *out);
/// Padding: token 0 and mask 0, each position sees only itself. Can't fail.
void pack_fill_padding(struct range positions, const struct pack_row *out);
/// A whole row: its pieces, then padding. Can't fail.
void pack_fill(const struct pack_plan *plan, const uint32_t *tokens, uint64_t T, uint64_t row,
               const struct pack_row *out);
