#pragma once
// A document on its way from a file to a shard: an id, where it came from, and pieces in order.
// A page or a line of JSONL is one text piece; a chat has a piece for each message, with loss on
// the answers only; an interleaved page alternates text and images; a trajectory is an instruction
// and bins of numbers; pre-tokenized input is one piece of tokens.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum document_piece_kind {
    DOCUMENT_TEXT,   // bytes: text, to be tokenized
    DOCUMENT_TOKENS, // bytes: u32 token ids, little-endian, taken as they are
    DOCUMENT_BINS,   // bytes: u16 bin numbers, little-endian; token = first reserved id + bin
    DOCUMENT_IMAGE   // bytes: a JPEG, PNG or WebP file
};

struct document_piece {
    enum document_piece_kind kind;
    bool loss; // the tokens of this piece are targets
    struct span bytes;
};

struct document {
    struct span id;
    struct span url; // of a crawled page; n_bytes 0 = none
    // Of a page: what the server said of its encoding ("iso-8859-1"); n_bytes 0 = nothing.
    struct span charset;
    bool html; // the one text piece is HTML whose text is still to be extracted
    const struct document_piece *pieces;
    size_t n_pieces;
};
