#include "shard/build/part_file.h"

#include <string.h>

#include "base/size.h"
#include "shard/format/shard.h"
#include "shard/format/shard_writer.h"

// What a column has an element for.
enum extent { ROWS, SCORES, PIECES, TOKENS, LOSS_RUNS, IMAGES, N_EXTENTS };

// One row a column: name, type, what it has an element for. Tokens are u16 where they fit.
#define PART_COLUMN_TABLE(X)                        \
    X(ids, COLUMN_BLOB, ROWS)                       \
    X(sources, COLUMN_BLOB, ROWS)                   \
    X(urls, COLUMN_BLOB, ROWS)                      \
    X(languages, COLUMN_BLOB, ROWS)                 \
    X(verdicts, COLUMN_BLOB, ROWS)                  \
    X(text_bytes, COLUMN_U32, ROWS)                 \
    X(image_bytes, COLUMN_U64, ROWS)                \
    X(piece_counts, COLUMN_U32, ROWS)               \
    X(lengths, COLUMN_U32, ROWS)                    \
    X(loss_run_counts, COLUMN_U32, ROWS)            \
    X(image_counts, COLUMN_U32, ROWS)               \
    X(scores, COLUMN_U32, SCORES) /* bits of f32 */ \
    X(piece_kinds, COLUMN_U8, PIECES)               \
    X(piece_losses, COLUMN_U8, PIECES)              \
    X(pieces, COLUMN_BLOB, PIECES)                  \
    X(tokens, COLUMN_U32, TOKENS)                   \
    X(loss_runs, COLUMN_U32, LOSS_RUNS)             \
    X(image_offsets, COLUMN_U32, IMAGES)            \
    X(image_widths, COLUMN_U32, IMAGES)             \
    X(image_heights, COLUMN_U32, IMAGES)            \
    X(images, COLUMN_BLOB, IMAGES)

enum part_column {
#define X(name, type, extent) PART_##name,
    PART_COLUMN_TABLE(X)
#undef X
        N_PART_COLUMNS
};

static const struct {
    const char *name;
    enum column_type type;
    enum extent extent;
} COLUMNS[N_PART_COLUMNS] = {
#define X(name, type, extent) {#name, type, extent},
    PART_COLUMN_TABLE(X)
#undef X
};

// Elements of each extent, of each group.
static const char *const EXTENT_COLUMNS[N_EXTENTS] = {"group_rows",      "group_scores",
                                                      "group_pieces",    "group_tokens",
                                                      "group_loss_runs", "group_images"};

// Writing

struct part_writer {
    struct arena arena; // the shard writer's
    struct shard_writer *shard;
    size_t n_scores;
    uint32_t columns[N_PART_COLUMNS], extents[N_EXTENTS];
    uint64_t counts[N_EXTENTS]; // of the open group
};

struct part_writer *part_writer_open(const struct part_writer_options *o, struct arena *a,
                                     struct pool *pool)
{
    struct part_writer *w = ARENA_NEW(a, struct part_writer);
    arena_init(&w->arena, "part file");
    w->shard = shard_writer_open(&w->arena, pool);
    w->n_scores = o->n_scores;
    for (int c = 0; c < N_PART_COLUMNS; c++) {
        const enum column_type type = c == PART_tokens ? o->token : COLUMNS[c].type;
        const bool dense = c == PART_images || c == PART_tokens; // little would be gained
        const enum frame_codec codec = dense ? FRAME_NONE : FRAME_LZ4;
        w->columns[c] = shard_writer_column(w->shard, COLUMNS[c].name, type, codec);
    }
    for (int i = 0; i < N_EXTENTS; i++)
        w->extents[i] = shard_writer_column(w->shard, EXTENT_COLUMNS[i], COLUMN_U64, FRAME_LZ4);
    return w;
}

void part_writer_close(struct part_writer *w)
{
    if (!w) return;
    shard_writer_close(w->shard);
    arena_fini(&w->arena);
}

static enum err put_u32(struct part_writer *w, enum part_column column, uint32_t value)
{
    return shard_writer_add_u32(w->shard, w->columns[column], &value, 1);
}

static enum err put_blob(struct part_writer *w, enum part_column column, struct span bytes)
{
    return shard_writer_add_blob(w->shard, w->columns[column], bytes);
}

static enum err add_pieces(struct part_writer *w, const struct part_row *row)
{
    for (uint32_t i = 0; i < row->n_pieces; i++) {
        TRY(put_u32(w, PART_piece_kinds, row->pieces[i].kind));
        TRY(put_u32(w, PART_piece_losses, row->pieces[i].loss));
        TRY(put_blob(w, PART_pieces, row->pieces[i].bytes));
    }
    return OK;
}

static enum err add_images(struct part_writer *w, const struct part_row *row)
{
    for (uint32_t i = 0; i < row->n_images; i++) {
        TRY(put_u32(w, PART_image_offsets, row->images[i].offset));
        TRY(put_u32(w, PART_image_widths, row->images[i].width));
        TRY(put_u32(w, PART_image_heights, row->images[i].height));
        TRY(put_blob(w, PART_images, row->images[i].bytes));
    }
    return OK;
}

static enum err add_scores(struct part_writer *w, const struct part_row *row)
{
    for (size_t i = 0; i < w->n_scores; i++) {
        uint32_t bits;
        memcpy(&bits, &row->scores[i], sizeof bits);
        TRY(put_u32(w, PART_scores, bits));
    }
    return OK;
}

enum err part_writer_add(struct part_writer *w, const struct part_row *row)
{
    const uint64_t image_bytes = part_row_image_bytes(row);
    TRY(put_blob(w, PART_ids, row->id));
    TRY(put_blob(w, PART_sources, row->source));
    TRY(put_blob(w, PART_urls, row->url));
    TRY(put_blob(w, PART_languages, row->language));
    TRY(put_blob(w, PART_verdicts, row->verdict));
    TRY(put_u32(w, PART_text_bytes, row->text_bytes));
    TRY(shard_writer_add_u64(w->shard, w->columns[PART_image_bytes], &image_bytes, 1));
    TRY(put_u32(w, PART_piece_counts, row->n_pieces));
    TRY(put_u32(w, PART_lengths, row->n_tokens));
    TRY(put_u32(w, PART_loss_run_counts, row->n_loss_runs));
    TRY(put_u32(w, PART_image_counts, row->n_images));
    TRY(add_scores(w, row));
    TRY(add_pieces(w, row));
    TRY(shard_writer_add_u32(w->shard, w->columns[PART_tokens], row->tokens, row->n_tokens));
    TRY(shard_writer_add_u32(w->shard, w->columns[PART_loss_runs], row->loss_runs,
                             row->n_loss_runs));
    TRY(add_images(w, row));
    w->counts[ROWS]++;
    w->counts[SCORES] += w->n_scores;
    w->counts[PIECES] += row->n_pieces;
    w->counts[TOKENS] += row->n_tokens;
    w->counts[LOSS_RUNS] += row->n_loss_runs;
    w->counts[IMAGES] += row->n_images;
    return OK;
}

enum err part_writer_end_group(struct part_writer *w)
{
    if (w->counts[ROWS] == 0) return OK;
    for (int i = 0; i < N_EXTENTS; i++)
        TRY(shard_writer_add_u64(w->shard, w->extents[i], &w->counts[i], 1));
    for (int c = 0; c < N_PART_COLUMNS; c++)
        TRY(shard_writer_cut(w->shard, w->columns[c]));
    memset(w->counts, 0, sizeof w->counts);
    return OK;
}

enum err part_writer_finish(struct part_writer *w, const char *path)
{
    TRY(part_writer_end_group(w));
    struct layout l;
    return shard_writer_finish(w->shard, path, &l);
}

// Reading

struct group {
    uint64_t first[N_EXTENTS], n[N_EXTENTS];
};

struct part_reader {
    struct shard *shard;
    uint32_t columns[N_PART_COLUMNS];
    size_t n_scores, n_groups;
    struct group *groups;
};

static uint64_t column_elems(const struct part_reader *r, uint32_t column)
{
    return shard_layout(r->shard)->columns[column].n_elems;
}

static enum err damaged(const struct part_reader *r)
{
    return fail(ERR_CORRUPT, "%s: not a part file of this build", shard_name(r->shard));
}

static enum err read_extent(struct part_reader *r, enum extent extent, struct arena *a)
{
    uint32_t column;
    TRY(shard_column(r->shard, EXTENT_COLUMNS[extent], &column));
    if (column_elems(r, column) != r->n_groups) return damaged(r);
    uint64_t *counts = ARENA_ARRAY(a, uint64_t, r->n_groups), first = 0;
    TRY(shard_read_u64(r->shard, column, 0, r->n_groups, counts));
    for (size_t g = 0; g < r->n_groups; g++) {
        r->groups[g].first[extent] = first;
        r->groups[g].n[extent] = counts[g];
        if (__builtin_add_overflow(first, counts[g], &first)) return damaged(r);
    }
    for (int c = 0; c < N_PART_COLUMNS; c++) {
        if (COLUMNS[c].extent == extent && column_elems(r, r->columns[c]) != first)
            return damaged(r);
    }
    return OK;
}

static enum err read_groups(struct part_reader *r, struct arena *a)
{
    uint32_t column;
    TRY(shard_column(r->shard, EXTENT_COLUMNS[ROWS], &column));
    r->n_groups = column_elems(r, column);
    r->groups = ARENA_ARRAY(a, struct group, r->n_groups);
    for (int c = 0; c < N_PART_COLUMNS; c++)
        TRY(shard_column(r->shard, COLUMNS[c].name, &r->columns[c]));
    for (int i = 0; i < N_EXTENTS; i++)
        TRY(read_extent(r, (enum extent)i, a));
    for (size_t g = 0; g < r->n_groups; g++) {
        if (r->groups[g].n[SCORES] != r->groups[g].n[ROWS] * r->n_scores) return damaged(r);
    }
    return OK;
}

enum err part_reader_open(const char *path, size_t n_scores, struct arena *a,
                          struct part_reader **out)
{
    struct part_reader *r = ARENA_NEW(a, struct part_reader);
    r->n_scores = n_scores;
    TRY(shard_open(path, a, &r->shard));
    const enum err e = read_groups(r, a);
    if (e != OK) {
        shard_close(r->shard);
        return e;
    }
    *out = r;
    return OK;
}

void part_reader_close(struct part_reader *r)
{
    if (r) shard_close(r->shard);
}

size_t part_reader_n_groups(const struct part_reader *r)
{
    return r->n_groups;
}

uint64_t part_reader_n_rows(const struct part_reader *r)
{
    return column_elems(r, r->columns[PART_ids]);
}

uint64_t part_reader_first_row(const struct part_reader *r, size_t group)
{
    ASSERT(group < r->n_groups);
    return r->groups[group].first[ROWS];
}

static enum err get_u32(const struct part_reader *r, size_t group, enum part_column column,
                        struct arena *a, uint32_t **out)
{
    const enum extent extent = COLUMNS[column].extent;
    const struct group *g = &r->groups[group];
    *out = ARENA_ARRAY(a, uint32_t, g->n[extent]);
    return shard_read_u32(r->shard, r->columns[column], g->first[extent], g->n[extent], *out);
}

static enum err get_blobs(const struct part_reader *r, size_t group, enum part_column column,
                          struct arena *a, struct span **out)
{
    const enum extent extent = COLUMNS[column].extent;
    const struct group *g = &r->groups[group];
    *out = ARENA_ARRAY(a, struct span, g->n[extent]);
    return shard_read_blobs(r->shard, r->columns[column], g->first[extent], g->n[extent], a, *out);
}

// What the rows of a group point into.
struct content {
    uint32_t *n_pieces, *n_tokens, *n_loss_runs, *n_images;
    float *scores;
    struct document_piece *pieces;
    uint32_t *tokens, *loss_runs;
    struct part_image *images;
};

static enum err read_pieces(const struct part_reader *r, size_t group, struct arena *a,
                            struct content *c)
{
    uint32_t *kinds, *losses;
    struct span *bytes;
    TRY(get_u32(r, group, PART_piece_kinds, a, &kinds));
    TRY(get_u32(r, group, PART_piece_losses, a, &losses));
    TRY(get_blobs(r, group, PART_pieces, a, &bytes));
    const uint64_t n = r->groups[group].n[PIECES];
    c->pieces = ARENA_ARRAY(a, struct document_piece, n);
    for (uint64_t i = 0; i < n; i++) {
        if (kinds[i] > DOCUMENT_IMAGE) return damaged(r);
        c->pieces[i] =
            (struct document_piece){(enum document_piece_kind)kinds[i], losses[i] != 0, bytes[i]};
    }
    return OK;
}

static enum err read_images(const struct part_reader *r, size_t group, struct arena *a,
                            struct content *c)
{
    uint32_t *offsets, *widths, *heights;
    struct span *bytes;
    TRY(get_u32(r, group, PART_image_offsets, a, &offsets));
    TRY(get_u32(r, group, PART_image_widths, a, &widths));
    TRY(get_u32(r, group, PART_image_heights, a, &heights));
    TRY(get_blobs(r, group, PART_images, a, &bytes));
    const uint64_t n = r->groups[group].n[IMAGES];
    c->images = ARENA_ARRAY(a, struct part_image, n);
    for (uint64_t i = 0; i < n; i++)
        c->images[i] = (struct part_image){offsets[i], widths[i], heights[i], bytes[i]};
    return OK;
}

static enum err read_content(const struct part_reader *r, size_t group, struct arena *a,
                             struct content *c)
{
    uint32_t *bits;
    TRY(get_u32(r, group, PART_piece_counts, a, &c->n_pieces));
    TRY(get_u32(r, group, PART_lengths, a, &c->n_tokens));
    TRY(get_u32(r, group, PART_loss_run_counts, a, &c->n_loss_runs));
    TRY(get_u32(r, group, PART_image_counts, a, &c->n_images));
    TRY(get_u32(r, group, PART_tokens, a, &c->tokens));
    TRY(get_u32(r, group, PART_loss_runs, a, &c->loss_runs));
    TRY(get_u32(r, group, PART_scores, a, &bits));
    const uint64_t n = r->groups[group].n[SCORES];
    c->scores = ARENA_ARRAY(a, float, n);
    if (n) memcpy(c->scores, bits, n * sizeof *bits);
    TRY(read_pieces(r, group, a, c));
    return read_images(r, group, a, c);
}

// The counts of all rows cover what the group has.
static int counts_add_up(const uint32_t *counts, uint64_t n_rows, uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n_rows; i++)
        sum += counts[i];
    return sum == n;
}

static void place_rows(const struct part_reader *r, const struct content *c, struct part_group *out)
{
    struct content at = *c;
    for (size_t i = 0; i < out->n_rows; i++) {
        struct part_row *row = &out->rows[i];
        row->n_pieces = c->n_pieces[i];
        row->n_tokens = c->n_tokens[i];
        row->n_loss_runs = c->n_loss_runs[i];
        row->n_images = c->n_images[i];
        row->scores = at.scores;
        row->pieces = at.pieces;
        row->tokens = at.tokens;
        row->loss_runs = at.loss_runs;
        row->images = at.images;
        at.scores += r->n_scores;
        at.pieces += row->n_pieces;
        at.tokens += row->n_tokens;
        at.loss_runs += row->n_loss_runs;
        at.images += row->n_images;
    }
}

static enum err read_names(const struct part_reader *r, size_t group, struct arena *a,
                           struct part_group *out)
{
    struct span *ids, *sources, *urls, *languages, *verdicts;
    uint32_t *text_bytes;
    TRY(get_blobs(r, group, PART_ids, a, &ids));
    TRY(get_blobs(r, group, PART_sources, a, &sources));
    TRY(get_blobs(r, group, PART_urls, a, &urls));
    TRY(get_blobs(r, group, PART_languages, a, &languages));
    TRY(get_blobs(r, group, PART_verdicts, a, &verdicts));
    TRY(get_u32(r, group, PART_text_bytes, a, &text_bytes));
    for (size_t i = 0; i < out->n_rows; i++)
        out->rows[i] = (struct part_row){.id = ids[i],
                                         .source = sources[i],
                                         .url = urls[i],
                                         .language = languages[i],
                                         .verdict = verdicts[i],
                                         .text_bytes = text_bytes[i]};
    return OK;
}

enum err part_reader_group(const struct part_reader *r, size_t group, struct arena *a,
                           struct part_group *out)
{
    ASSERT(group < r->n_groups);
    const uint64_t *n = r->groups[group].n;
    struct part_group result = {ARENA_ARRAY(a, struct part_row, n[ROWS]), n[ROWS]};
    struct content c;
    TRY(read_names(r, group, a, &result));
    TRY(read_content(r, group, a, &c));
    if (!counts_add_up(c.n_pieces, n[ROWS], n[PIECES]) ||
        !counts_add_up(c.n_tokens, n[ROWS], n[TOKENS]) ||
        !counts_add_up(c.n_loss_runs, n[ROWS], n[LOSS_RUNS]) ||
        !counts_add_up(c.n_images, n[ROWS], n[IMAGES]))
        return damaged(r);
    place_rows(r, &c, &result);
    *out = result;
    return OK;
}

enum err part_reader_sizes(const struct part_reader *r, size_t group, struct arena *a,
                           struct part_sizes *out)
{
    ASSERT(group < r->n_groups);
    const struct group *g = &r->groups[group];
    out->n_rows = g->n[ROWS];
    out->image_bytes = ARENA_ARRAY(a, uint64_t, out->n_rows);
    TRY(shard_read_u64(r->shard, r->columns[PART_image_bytes], g->first[ROWS], out->n_rows,
                       out->image_bytes));
    return get_u32(r, group, PART_lengths, a, &out->n_tokens);
}
