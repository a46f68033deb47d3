// The tokens of rows, and how many count for the loss.

#include "datad/stream_row.h"

/// The tokens of next, as far as they follow one another, if they are loaded.
static struct pack_ahead look_ahead(const struct stream *s, const struct stream_row *next)
{
    const struct range pieces = stream_row_pieces(next);
    const struct pack_piece *list = next->hold.plan.pieces;
    const uint32_t *tokens = bins_peek(s->bins, next->place.source, next->place.bin);
    if (tokens == NULL || pieces.first == pieces.last) return (struct pack_ahead){0};
    const uint32_t first = list[pieces.first].first;
    uint64_t n = 0;
    for (uint64_t i = pieces.first; i < pieces.last && list[i].first == first + n; i++)
        n += list[i].n_tokens;
    return (struct pack_ahead){tokens + first, n};
}

static uint64_t fill_pieces(const struct stream *s, const struct stream_row *r,
                            const uint32_t *tokens, const struct pack_ahead *ahead,
                            const struct pack_row *out)
{
    const struct range pieces = stream_row_pieces(r);
    uint64_t at = 0, n_loss = 0;
    for (uint64_t i = pieces.first; i < pieces.last; i++) {
        const struct pack_piece *p = &r->hold.plan.pieces[i];
        if (stream_row_skips(s, r, p)) {
            pack_fill_padding((struct range){at, at + p->n_tokens}, out);
        } else {
            pack_fill_piece(p, tokens, at, ahead, out);
            n_loss += p->n_loss;
        }
        at += p->n_tokens;
    }
    pack_fill_padding((struct range){at, s->request.T}, out);
    return n_loss;
}

static enum err fill_row(struct stream *s, const struct stream_row *r,
                         const struct pack_ahead *ahead, const struct pack_row *out,
                         uint64_t *loss_tokens)
{
    struct bins_hold tokens;
    TRY(bins_acquire(s->bins, r->place.source, r->place.bin, &tokens));
    *loss_tokens += fill_pieces(s, r, tokens.tokens, ahead, out);
    bins_release(s->bins, &tokens);
    return OK;
}

/// Fills row and finds the one behind it, when next is not NULL, so that its tokens are fetched
/// meanwhile.
static enum err fill_and_find(struct stream *s, const struct stream_row *row,
                              struct stream_row *next, const struct pack_row *out,
                              uint64_t *loss_tokens)
{
    struct pack_ahead ahead = {0};
    if (next != NULL) {
        TRY(stream_row_acquire(s, row->position + 1, next));
        ahead = look_ahead(s, next);
    }
    const enum err e = fill_row(s, row, &ahead, out, loss_tokens);
    if (e != OK && next != NULL) stream_row_release(s, next);
    return e;
}

enum err stream_fill(struct stream *s, struct range positions, const struct pack_row *out,
                     uint64_t *loss_tokens)
{
    struct stream_row rows[2];
    const uint64_t n = positions.last - positions.first;
    *loss_tokens = 0;
    TRY(stream_row_acquire(s, positions.first, &rows[0]));
    for (uint64_t i = 0; i < n; i++) {
        const struct pack_row to = pack_row_behind(out, i * s->request.T);
        struct stream_row *row = &rows[i % 2], *next = i + 1 < n ? &rows[(i + 1) % 2] : NULL;
        const enum err e = fill_and_find(s, row, next, &to, loss_tokens);
        stream_row_release(s, row);
        TRY(e);
    }
    return OK;
}

static enum err add_loss_tokens(struct stream *s, uint64_t position, uint64_t *sum)
{
    struct stream_row r;
    TRY(stream_row_acquire(s, position, &r));
    const struct range pieces = stream_row_pieces(&r);
    for (uint64_t i = pieces.first; i < pieces.last; i++) {
        const struct pack_piece *p = &r.hold.plan.pieces[i];
        if (!stream_row_skips(s, &r, p)) *sum += p->n_loss;
    }
    stream_row_release(s, &r);
    return OK;
}

static bool find_sum(struct stream *s, struct range positions, uint64_t *out)
{
    bool found = false;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < STREAM_SUMS && !found; i++) {
        const struct stream_sum *sum = &s->sums[i];
        found = sum->positions.first == positions.first && sum->positions.last == positions.last;
        if (found) *out = sum->loss_tokens;
    }
    pthread_mutex_unlock(&s->lock);
    return found;
}

static void keep_sum(struct stream *s, struct range positions, uint64_t loss_tokens)
{
    pthread_mutex_lock(&s->lock);
    s->sums[s->next_sum] = (struct stream_sum){.positions = positions, .loss_tokens = loss_tokens};
    s->next_sum = (s->next_sum + 1) % STREAM_SUMS;
    pthread_mutex_unlock(&s->lock);
}

enum err stream_loss_tokens(struct stream *s, struct range positions, uint64_t *out)
{
    uint64_t sum = 0;
    if (!find_sum(s, positions, &sum)) {
        for (uint64_t p = positions.first; p < positions.last; p++)
            TRY(add_loss_tokens(s, p, &sum));
        keep_sum(s, positions, sum);
    }
    *out = sum;
    return OK;
}
