#pragma once
// A row: one document between the stations of a build, borrowed from whoever made it. Judging gives
// rows of pieces; encoding turns the pieces into tokens, loss runs and images.

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "shard/document.h"

struct part_image {
    uint32_t offset;        // tokens of the document before the image
    uint32_t width, height; // as its header says
    struct span bytes;      // the encoded file
};

struct part_row {
    struct span id, source;
    struct span url, language; // n_bytes 0 = none
    struct span verdict;       // the rule that dropped the document; n_bytes 0 = kept
    const float *scores;       // one for each score of the build
    uint32_t text_bytes;       // of its text pieces
    const struct document_piece *pieces;
    uint32_t n_pieces; // 0 once it is encoded
    const uint32_t *tokens;
    uint32_t n_tokens;         // end of text included; 0 until it is encoded
    const uint32_t *loss_runs; // run lengths in tokens: no loss, loss, no loss, ...
    uint32_t n_loss_runs;      // 0 = loss everywhere
    const struct part_image *images;
    uint32_t n_images;
};

/// Bytes of the row's images. Can't fail.
static inline uint64_t part_row_image_bytes(const struct part_row *row)
{
    uint64_t n_bytes = 0;
    for (uint32_t i = 0; i < row->n_images; i++)
        n_bytes += row->images[i].bytes.n_bytes;
    return n_bytes;
}
