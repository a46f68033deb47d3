#pragma once
// The pieces of a document as they are found.

#include "base/arena.h"
#include "shard/document.h"

struct piece_list {
    struct arena *arena;
    struct document_piece *pieces;
    size_t n_pieces, capacity;
    size_t image_bytes; // of all images, which may be one again and again
};

/// Appends a piece; bytes are borrowed; empty ones are left out. Can't fail.
static inline void piece_list_add(struct piece_list *list, enum document_piece_kind kind, bool loss,
                                  struct span bytes)
{
    if (bytes.n_bytes == 0) return;
    if (kind == DOCUMENT_IMAGE) list->image_bytes += bytes.n_bytes;
    list->pieces = ARENA_GROW(list->arena, struct document_piece, list->pieces, list->n_pieces + 1,
                              &list->capacity);
    list->pieces[list->n_pieces++] = (struct document_piece){kind, loss, bytes};
}

/// Hands the pieces to the document. Can't fail.
static inline void piece_list_end(const struct piece_list *list, struct document *out)
{
    out->pieces = list->pieces;
    out->n_pieces = list->n_pieces;
}
