#include "datad/stream.h"

#include <string.h>

#include "base/size.h"
#include "datad/field.h"
#include "datad/stream_state.h"

// Opening.

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void put_hash(struct field_writer *w, struct hash128 h)
{
    field_put(w, h.lo, 8);
    field_put(w, h.hi, 8);
}

static struct hash128 hash_datasets(const struct stream_rule *rule, bool only_weighted,
                                    struct arena *a)
{
    uint8_t *data = ARENA_ARRAY(a, uint8_t, rule->n_sources * 16);
    struct field_writer w = {data};
    for (size_t i = 0; i < rule->n_sources; i++)
        if (!only_weighted || rule->sources[i].weight > 0)
            put_hash(&w, source_content(&rule->sources[i]));
    return hash_xxh3_128(data, (size_t)(w.at - data));
}

/// Names everything that decides which tokens a position holds, but edits. A source without weight
/// decides nothing.
static struct hash128 hash_base(const struct stream_rule *rule,
                                const struct stream_request *request, struct arena *a)
{
    uint8_t *data = ARENA_ARRAY(a, uint8_t, 72 + 8 * rule->n_sources);
    struct field_writer w = {data};
    put_hash(&w, hash_datasets(rule, true, a));
    for (size_t i = 0; i < rule->n_sources; i++)
        if (rule->sources[i].weight > 0) field_put(&w, bits_of(rule->sources[i].weight), 8);
    field_put(&w, bits_of(rule->validation), 8);
    field_put(&w, rule->sequential, 8);
    field_put(&w, rule->sequential ? 0 : rule->window_bins, 8);
    field_put(&w, request->split, 8);
    field_put(&w, request->T, 8);
    field_put(&w, request->split == SPLIT_TRAIN && !rule->sequential ? request->seed : 0, 8);
    if (rule->packing != PACK_CONCAT) field_put(&w, rule->packing, 8);
    return hash_xxh3_128(data, (size_t)(w.at - data));
}

/// The edits of a stream; validation has none.
static enum err build_edits(const struct stream_rule *rule, const struct stream_request *request,
                            struct arena *a, struct edits **out)
{
    const struct edits_given none = {0};
    const struct edits_given *given = request->split == SPLIT_TRAIN ? &rule->edits : &none;
    return edits_build(given, rule->sources, rule->n_sources, request->T,
                       hash_base(rule, request, a), a, out);
}

enum err stream_rule_history(const struct stream_rule *rule, const struct stream_request *request,
                             uint64_t n_rows, struct hash128 *out)
{
    struct arena a;
    struct edits *edits;
    arena_init(&a, "history");
    const enum err e = build_edits(rule, request, &a, &edits);
    if (e == OK) *out = edits_history(edits, n_rows);
    arena_fini(&a);
    return e;
}

// Its share would go to the other sources without a word.
static enum err check_filter(const struct stream *s, size_t i)
{
    const struct stream_part *p = &s->parts[i];
    if (p->source->read_keep == NULL || s->request.split != SPLIT_TRAIN) return OK;
    if (p->bins.n_bins == 0 || p->n_documents > 0) return OK;
    return fail(ERR_CONFIG, "source %s: its filter lets no document through", p->source->name);
}

static enum err fill_info(const struct stream_rule *rule, struct stream *s, struct arena *a)
{
    const char *split = split_name(s->request.split);
    struct stream_info *info = &s->info;
    for (size_t i = 0; i < rule->n_sources; i++) {
        TRY(check_filter(s, i));
        info->n_rows += s->parts[i].n_rows;
        info->n_tokens += s->parts[i].n_tokens;
    }
    if (info->n_rows == 0)
        return fail(ERR_CONFIG,
                    "the %s split is empty: of %zu sources none has bins for it (validation %g)",
                    split, rule->n_sources, rule->validation);
    if (info->n_tokens < s->request.T)
        return fail(ERR_CONFIG, "a sequence of %llu is longer than the %llu tokens of the %s split",
                    (unsigned long long)s->request.T, (unsigned long long)info->n_tokens, split);
    info->vocabulary = rule->sources[0].vocabulary;
    info->end_of_text = rule->sources[0].end_of_text;
    info->dataset_hash = hash_datasets(rule, false, a);
    info->stream_hash = edits_history(s->edits, UINT64_MAX);
    return OK;
}

/// Weights are shares of tokens: a source whose rows hold less is drawn more often. A source
/// without rows in this split has no weight in it.
static enum err weights_of_rows(const struct stream *s, uint64_t row, const double *by_token,
                                struct arena *a, const double **out)
{
    double *weights = ARENA_ARRAY(a, double, s->n_sources);
    bool any = false;
    for (size_t i = 0; i < s->n_sources; i++) {
        const struct stream_part *p = &s->parts[i];
        if (p->n_rows > 0) weights[i] = by_token[i] * ((double)p->n_rows / (double)p->n_tokens);
        any = any || weights[i] > 0;
    }
    *out = weights;
    if (any) return OK;
    return fail(ERR_CONFIG, "mixture from row %llu: no source with weight has rows in the %s split",
                (unsigned long long)row, split_name(s->request.split));
}

/// Segments of the stream's rows: from the start, and from each change on. Of changes that begin at
/// the same row the last one holds.
static enum err build_mixture(struct stream *s, struct arena *a)
{
    struct mixture_segment *segments = ARENA_ARRAY(a, struct mixture_segment, s->n_changes + 1);
    size_t n = 0;
    for (size_t i = 0; i <= s->n_changes; i++) {
        const uint64_t row = i == 0 ? 0 : edits_change_row(s->edits, i - 1);
        const uint64_t from = i == 0 ? 0 : edits_shift(s->edits, row);
        if (n > 0 && segments[n - 1].first_position == from) n--;
        const double *weights;
        TRY(weights_of_rows(s, row, s->weights[i], a, &weights));
        segments[n++] = (struct mixture_segment){.first_position = from, .weights = weights};
    }
    return mixture_build(segments, n, s->n_sources, a, &s->mixture);
}

static void take_weights(const struct stream_rule *rule, struct stream *s, struct arena *a)
{
    double *base = ARENA_ARRAY(a, double, rule->n_sources);
    s->weights = ARENA_ARRAY(a, const double *, s->n_changes + 1);
    for (size_t i = 0; i < rule->n_sources; i++)
        base[i] = rule->sources[i].weight;
    s->weights[0] = base;
    for (size_t i = 0; i < s->n_changes; i++)
        s->weights[i + 1] = s->given.changes[i].weights;
}

static enum err build(const struct stream_rule *rule, struct stream *s, struct arena *a)
{
    for (size_t i = 0; i < rule->n_sources; i++)
        TRY(stream_part_build(rule, &s->request, &rule->sources[i], a, &s->parts[i]));
    if (s->request.split == SPLIT_TRAIN) s->given = rule->edits;
    s->n_changes = s->given.n_changes;
    TRY(build_edits(rule, &s->request, a, &s->edits));
    TRY(fill_info(rule, s, a));
    take_weights(rule, s, a);
    TRY(build_mixture(s, a));
    return plans_open(s->bins, s->request.T, s->packing, a, &s->plans);
}

enum err stream_open(const struct stream_rule *rule, const struct stream_request *request,
                     struct bins *bins, struct arena *a, struct stream **out)
{
    ASSERT(rule->n_sources >= 1 && rule->n_sources <= MIXTURE_SOURCES && rule->window_bins >= 1);
    if (request->T == 0 || request->T > STREAM_T_LIMIT)
        return fail(ERR_CONFIG, "a sequence of %llu tokens: 1 to %d are possible",
                    (unsigned long long)request->T, STREAM_T_LIMIT);
    struct stream *s = ARENA_NEW(a, struct stream);
    s->request = *request;
    s->packing = rule->packing;
    s->images = rule->images;
    s->bins = bins;
    s->n_sources = rule->n_sources;
    s->parts = ARENA_ARRAY(a, struct stream_part, rule->n_sources);
    TRY(build(rule, s, a));
    s->since_tokens = ARENA_ARRAY(a, uint64_t, rule->n_sources);
    s->since_change = SIZE_MAX;
    pthread_mutex_init(&s->lock, NULL);
    *out = s;
    return OK;
}

void stream_close(struct stream *s)
{
    plans_close(s->plans);
    pthread_mutex_destroy(&s->lock);
}

const struct stream_info *stream_info(const struct stream *s)
{
    return &s->info;
}

const struct stream_request *stream_request(const struct stream *s)
{
    return &s->request;
}

struct hash128 stream_history(const struct stream *s, uint64_t n_rows)
{
    return edits_history(s->edits, n_rows);
}

// Rows.

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

// A row at its place, with its bin's plan held.
struct row {
    uint64_t position;
    struct stream_place place;
    const struct source *source;
    bool any_skipped; // some document of the source is left out somewhere
    uint64_t first_document;
    struct plans_hold hold;
};

static enum err acquire_row(struct stream *s, uint64_t position, struct row *r)
{
    *r = (struct row){.position = position};
    stream_find(s, position, &r->place);
    r->source = s->parts[r->place.source].source;
    r->any_skipped = edits_skips_source(s->edits, r->place.source);
    r->first_document = source_bin(r->source, r->place.bin).first_document;
    TRY(plans_acquire(s->plans, r->place.source, r->place.bin, &r->hold));
    if (r->place.row < r->hold.plan.n_rows) return OK;
    plans_release(s->plans, &r->hold);
    return fail(ERR_DATA, "source %s: bin %u has %u rows, its table says more: remove the table",
                r->source->name, r->place.bin, r->hold.plan.n_rows);
}

static bool is_skipped(const struct stream *s, const struct row *r, const struct pack_piece *piece)
{
    return r->any_skipped && edits_skips_document(s->edits, r->place.source,
                                                  r->first_document + piece->document, r->position);
}

/// The row's pieces.
static struct range pieces_of(const struct row *r)
{
    const uint32_t *row_pieces = &r->hold.plan.row_pieces[r->place.row];
    return (struct range){row_pieces[0], row_pieces[1]};
}

/// The tokens of next, as far as they follow one another, if they are loaded.
static struct pack_ahead look_ahead(const struct stream *s, const struct row *next)
{
    const struct range pieces = pieces_of(next);
    const struct pack_piece *list = next->hold.plan.pieces;
    const uint32_t *tokens = bins_peek(s->bins, next->place.source, next->place.bin);
    if (tokens == NULL || pieces.first == pieces.last) return (struct pack_ahead){0};
    const uint32_t first = list[pieces.first].first;
    uint64_t n = 0;
    for (uint64_t i = pieces.first; i < pieces.last && list[i].first == first + n; i++)
        n += list[i].n_tokens;
    return (struct pack_ahead){tokens + first, n};
}

static uint64_t fill_pieces(const struct stream *s, const struct row *r, const uint32_t *tokens,
                            const struct pack_ahead *ahead, const struct pack_row *out)
{
    const struct range pieces = pieces_of(r);
    uint64_t at = 0, n_loss = 0;
    for (uint64_t i = pieces.first; i < pieces.last; i++) {
        const struct pack_piece *p = &r->hold.plan.pieces[i];
        if (is_skipped(s, r, p)) {
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

static enum err fill_row(struct stream *s, const struct row *r, const struct pack_ahead *ahead,
                         const struct pack_row *out, uint64_t *loss_tokens)
{
    struct bins_hold tokens;
    TRY(bins_acquire(s->bins, r->place.source, r->place.bin, &tokens));
    *loss_tokens += fill_pieces(s, r, tokens.tokens, ahead, out);
    bins_release(s->bins, &tokens);
    return OK;
}

/// Fills row and finds the one behind it, when next is not NULL, so that its tokens are fetched
/// meanwhile.
static enum err fill_and_find(struct stream *s, const struct row *row, struct row *next,
                              const struct pack_row *out, uint64_t *loss_tokens)
{
    struct pack_ahead ahead = {0};
    if (next != NULL) {
        TRY(acquire_row(s, row->position + 1, next));
        ahead = look_ahead(s, next);
    }
    const enum err e = fill_row(s, row, &ahead, out, loss_tokens);
    if (e != OK && next != NULL) plans_release(s->plans, &next->hold);
    return e;
}

enum err stream_fill(struct stream *s, struct range positions, const struct pack_row *out,
                     uint64_t *loss_tokens)
{
    struct row rows[2];
    const uint64_t n = positions.last - positions.first;
    *loss_tokens = 0;
    TRY(acquire_row(s, positions.first, &rows[0]));
    for (uint64_t i = 0; i < n; i++) {
        const struct pack_row to = pack_row_behind(out, i * s->request.T);
        struct row *row = &rows[i % 2], *next = i + 1 < n ? &rows[(i + 1) % 2] : NULL;
        const enum err e = fill_and_find(s, row, next, &to, loss_tokens);
        plans_release(s->plans, &row->hold);
        TRY(e);
    }
    return OK;
}

static enum err add_loss_tokens(struct stream *s, uint64_t position, uint64_t *sum)
{
    struct row r;
    TRY(acquire_row(s, position, &r));
    const struct range pieces = pieces_of(&r);
    for (uint64_t i = pieces.first; i < pieces.last; i++) {
        const struct pack_piece *p = &r.hold.plan.pieces[i];
        if (!is_skipped(s, &r, p)) *sum += p->n_loss;
    }
    plans_release(s->plans, &r.hold);
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

// What rows are made of, and how far the sources are.

static enum err name_pieces(struct stream *s, const struct row *r, struct arena *a,
                            struct stream_document *out)
{
    const struct range pieces = pieces_of(r);
    uint64_t at = 0;
    for (uint64_t i = pieces.first; i < pieces.last; i++, out++) {
        const struct pack_piece *p = &r->hold.plan.pieces[i];
        *out = (struct stream_document){.source = r->place.source,
                                        .document = r->first_document + p->document,
                                        .offset = p->offset,
                                        .n_tokens = p->n_tokens,
                                        .at = at,
                                        .skipped = is_skipped(s, r, p)};
        at += p->n_tokens;
        if (r->source->read_name != NULL)
            TRY(r->source->read_name(r->source->context, r->place.bin, p->document, a, &out->name));
    }
    return OK;
}

enum err stream_documents(struct stream *s, uint64_t position, struct arena *a,
                          struct stream_document **out, size_t *n)
{
    struct row r;
    TRY(acquire_row(s, position, &r));
    const struct range pieces = pieces_of(&r);
    struct stream_document *found =
        ARENA_ARRAY(a, struct stream_document, pieces.last - pieces.first);
    const enum err e = name_pieces(s, &r, a, found);
    plans_release(s->plans, &r.hold);
    TRY(e);
    *out = found;
    *n = pieces.last - pieces.first;
    return OK;
}

const struct images_rule *stream_images_rule(const struct stream *s)
{
    return &s->images;
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
static void images_of_piece(const struct stream *s, const struct row *r,
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

static enum err find_images(const struct stream *s, const struct row *r, struct image_list *l)
{
    struct source_image *images;
    if (s->images.recipe == NULL || r->source->read_images == NULL) return OK;
    TRY(r->source->read_images(r->source->context, r->place.bin, l->arena, &images, &l->n_images));
    l->images = images;
    const struct range pieces = pieces_of(r);
    uint64_t at = 0;
    for (uint64_t i = pieces.first; i < pieces.last; i++) {
        const struct pack_piece *p = &r->hold.plan.pieces[i];
        if (!is_skipped(s, r, p)) images_of_piece(s, r, p, at, l);
        at += p->n_tokens;
    }
    return OK;
}

enum err stream_images(struct stream *s, uint64_t position, struct arena *a,
                       struct stream_image **out, size_t *n)
{
    struct row r;
    TRY(acquire_row(s, position, &r));
    struct image_list l = {.arena = a};
    const enum err e = find_images(s, &r, &l);
    plans_release(s->plans, &r.hold);
    TRY(e);
    *out = l.found;
    *n = l.n;
    return OK;
}
