#pragma once
// Packing: the documents of one bin, one after another, cut into rows of T tokens; the last row is
// padded. A position's target is the next token of its document, in this row or the next; a
// document's last token and padding have none (mask 0). Depends on the bin and T only, never on the
// seed.
//
//     documents  abcd# xy# pqr#, T = 4            (# is the end of text, stored with its document)
//     tokens          a b c d | # x y # | p q r #
//     targets         b c d # | . y # . | q r # .
//     positions       0 1 2 3 | 0 0 1 2 | 0 1 2 3      within the document, in this row
//     document_start  0 0 0 0 | 0 1 1 1 | 0 0 0 0

#include <stdint.h>

struct pack_bin {
    const uint32_t *ends; // [n_documents] tokens up to each document's end, strictly ascending
    uint64_t n_documents;
    const uint32_t *tokens; // [n_tokens]; not read by pack_loss_tokens
    uint64_t n_tokens;      // = ends[n_documents - 1], or 0
};

struct pack_row {
    int32_t *tokens, *targets; // each [T]
    float *mask;
    int32_t *positions, *document_start;
};

/// Rows of a bin of n_tokens. Can't fail.
uint64_t pack_rows(uint64_t n_tokens, uint64_t T);
/// Positions of row with mask 1, from document ends alone. Can't fail.
uint64_t pack_loss_tokens(const struct pack_bin *bin, uint64_t T, uint64_t row);
/// Fills one row. A padding position has token 0 and sees only itself. Can't fail.
void pack_fill(const struct pack_bin *bin, uint64_t T, uint64_t row, const struct pack_row *out);
