#include "datad/stream_row.h"

void stream_find(struct stream *s, uint64_t position, struct stream_place *out)
{
    uint64_t index;
    struct stream_place place;
    mixture_find(s->mixture, edits_shift(s->edits, position), &place.source, &index);
    pthread_mutex_lock(&s->lock);
    stream_part_find(&s->parts[place.source], index, &place.bin, &place.row);
    pthread_mutex_unlock(&s->lock);
    *out = place;
}

enum err stream_row_acquire(struct stream *s, uint64_t position, struct stream_row *r)
{
    *r = (struct stream_row){.position = position};
    stream_find(s, position, &r->place);
    r->source = s->parts[r->place.source].source;
    r->any_skipped = edits_skips_source(s->edits, r->place.source);
    r->first_document = source_bin(r->source, r->place.bin).first_document;
    TRY(plans_acquire(s->plans, r->place.source, r->place.bin, &r->hold));
    if (r->place.row < r->hold.plan.n_rows) return OK;
    stream_row_release(s, r);
    return fail(ERR_DATA, "source %s: bin %u has %u rows, its table says more: remove the table",
                r->source->name, r->place.bin, r->hold.plan.n_rows);
}

bool stream_row_skips(const struct stream *s, const struct stream_row *r,
                      const struct pack_piece *piece)
{
    return r->any_skipped && edits_skips_document(s->edits, r->place.source,
                                                  r->first_document + piece->document, r->position);
}

struct range stream_row_pieces(const struct stream_row *r)
{
    const uint32_t *row_pieces = &r->hold.plan.row_pieces[r->place.row];
    return (struct range){row_pieces[0], row_pieces[1]};
}

void stream_row_release(struct stream *s, const struct stream_row *r)
{
    plans_release(s->plans, &r->hold);
}
