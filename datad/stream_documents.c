// What rows are made of: documents and images.

#include "base/size.h"
#include "datad/stream_row.h"

static enum err name_pieces(struct stream *s, const struct stream_row *r, struct arena *a,
                            struct stream_document *out)
{
    const struct range pieces = stream_row_pieces(r);
    uint64_t at = 0;
    for (uint64_t i = pieces.first; i < pieces.last; i++, out++) {
        const struct pack_piece *p = &r->hold.plan.pieces[i];
        *out = (struct stream_document){.source = r->place.source,
                                        .document = r->first_document + p->document,
                                        .offset = p->offset,
                                        .n_tokens = p->n_tokens,
                                        .at = at,
                                        .skipped = stream_row_skips(s, r, p)};
        at += p->n_tokens;
        if (r->source->read_name != NULL)
            TRY(r->source->read_name(r->source->context, r->place.bin, p->document, a, &out->name));
    }
    return OK;
}

enum err stream_documents(struct stream *s, uint64_t position, struct arena *a,
                          struct stream_document **out, size_t *n)
{
    struct stream_row r;
    TRY(stream_row_acquire(s, position, &r));
    const struct range pieces = stream_row_pieces(&r);
    struct stream_document *found =
        ARENA_ARRAY(a, struct stream_document, pieces.last - pieces.first);
    const enum err e = name_pieces(s, &r, a, found);
    stream_row_release(s, &r);
    TRY(e);
    *out = found;
    *n = pieces.last - pieces.first;
    return OK;
}

/// The first of n images whose document is not before document.
static size_t first_image(const struct source_image *images, size_t n, uint64_t document)
{
    size_t low = 0;
    while (low < n) {
        const size_t middle = low + (n - low) / 2;
        if (images[middle].document < document)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

// What images_of_piece adds to.
struct image_list {
    const struct source_image *images; // of the bin
    size_t n_images;
    struct stream_image *found;
    size_t n, capacity;
    struct arena *arena;
};

/// Adds the images of which the piece, at position at of its row, has placeholders.
static void images_of_piece(const struct stream *s, const struct stream_row *r,
                            const struct pack_piece *piece, uint64_t at, struct image_list *l)
{
    const uint64_t piece_end = (uint64_t)piece->offset + piece->n_tokens;
    for (size_t i = first_image(l->images, l->n_images, piece->document); i < l->n_images; i++) {
        const struct source_image *image = &l->images[i];
        if (image->document != piece->document || image->offset >= piece_end) return;
        const uint64_t image_end = image->offset + source_images_tokens(&s->images, image);
        if (image_end <= piece->offset) continue;
        const uint64_t begin = size_max(image->offset, piece->offset);
        l->found = ARENA_GROW(l->arena, struct stream_image, l->found, l->n + 1, &l->capacity);
        l->found[l->n++] =
            (struct stream_image){.source = r->source,
                                  .bin = r->place.bin,
                                  .image = i,
                                  .width = image->width,
                                  .height = image->height,
                                  .at = at + begin - piece->offset,
                                  .offset = begin - image->offset,
                                  .n_tokens = size_min(image_end, piece_end) - begin};
    }
}

static enum err find_images(const struct stream *s, const struct stream_row *r,
                            struct image_list *l)
{
    struct source_image *images;
    if (s->images.recipe == NULL || r->source->read_images == NULL) return OK;
    TRY(r->source->read_images(r->source->context, r->place.bin, l->arena, &images, &l->n_images));
    l->images = images;
    const struct range pieces = stream_row_pieces(r);
    uint64_t at = 0;
    for (uint64_t i = pieces.first; i < pieces.last; i++) {
        const struct pack_piece *p = &r->hold.plan.pieces[i];
        if (!stream_row_skips(s, r, p)) images_of_piece(s, r, p, at, l);
        at += p->n_tokens;
    }
    return OK;
}

enum err stream_images(struct stream *s, uint64_t position, struct arena *a,
                       struct stream_image **out, size_t *n)
{
    struct stream_row r;
    TRY(stream_row_acquire(s, position, &r));
    struct image_list l = {.arena = a};
    const enum err e = find_images(s, &r, &l);
    stream_row_release(s, &r);
    TRY(e);
    *out = l.found;
    *n = l.n;
    return OK;
}
