#include "datad/pack.h"

#include <string.h>

#include "base/err.h"
#include "base/size.h"
#include "datad/best_fit.h"

// A plan as elements: four counts, row_pieces, pieces of PIECE elements.
enum { COUNTS = 4, PIECE = 6, T_LIMIT = 1 << 24 };
_Static_assert(sizeof(struct pack_piece) == PIECE * sizeof(uint32_t), "a piece is its elements");

uint64_t pack_rows(uint64_t n_tokens, uint64_t T)
{
    return size_ceil_div(n_tokens, T);
}

/// A cut at each row's end adds a piece, and one before a picture too many does.
static size_t pieces_limit(const struct pack_size *bin, uint64_t T)
{
    return bin->n_documents + bin->n_pictures + bin->n_tokens / T + 1;
}

// Best-fit leaves at most one row half empty or more; with pictures no row is without a piece.
size_t pack_rows_limit(const struct pack_size *bin, uint64_t T)
{
    return bin->n_pictures > 0 ? pieces_limit(bin, T) : 2 * (bin->n_tokens / T) + 2;
}

size_t pack_limit(const struct pack_size *bin, uint64_t T)
{
    return COUNTS + pack_rows_limit(bin, T) + 1 + PIECE * pieces_limit(bin, T);
}

uint64_t pack_row_pictures(uint64_t given, uint64_t picture_tokens, uint64_t T)
{
    // A row begins with the last token of one and ends with the first of another.
    return given > 0 ? given : (T + picture_tokens - 2) / picture_tokens + 1;
}

// Building. Pieces come in the order of the documents, each with its row.

struct builder {
    const struct pack_bin *bin;
    uint64_t T;
    struct pack_piece *pieces;
    uint32_t *rows;
    uint32_t *pictures; // [n_pieces]; NULL = there are none
    uint32_t n_pieces, n_rows, n_documents, n_tokens;
    uint64_t row_pictures;        // that a row may have
    uint64_t room, room_pictures; // in the last row, by PACK_CONCAT
};

/// Set bits of [range.first, range.last).
static uint32_t count_bits(const uint64_t *bits, struct range range)
{
    uint32_t n = 0;
    for (uint64_t at = range.first; at < range.last;) {
        const uint64_t width = size_min(64 - at % 64, range.last - at);
        const uint64_t mask = width == 64 ? UINT64_MAX : (UINT64_C(1) << width) - 1;
        n += (uint32_t)__builtin_popcountll(bits[at / 64] >> at % 64 & mask);
        at += width;
    }
    return n;
}

/// The n-th set bit (from 0) of [range.first, range.last), or range.last.
static uint64_t find_bit(const uint64_t *bits, struct range range, uint64_t n)
{
    for (uint64_t at = range.first; at < range.last; at++)
        if ((bits[at / 64] >> at % 64 & 1) != 0 && n-- == 0) return at;
    return range.last;
}

/// Whether token first is of a picture that began before it: pictures are of one document and one
/// length.
static uint32_t is_within_picture(const struct pack_bin *bin, uint64_t first)
{
    const uint64_t back = size_min(first, bin->picture_tokens - 1);
    return count_bits(bin->pictures, (struct range){first - back, first}) > 0;
}

static uint32_t count_pictures(const struct builder *b, uint64_t first, uint64_t n)
{
    if (b->bin->pictures == NULL) return 0;
    return is_within_picture(b->bin, first) +
           count_bits(b->bin->pictures, (struct range){first, first + n});
}

/// Of n tokens from first on, those up to the first picture that is one too many.
static uint64_t cut_pictures(const struct builder *b, uint64_t first, uint64_t n, uint64_t room)
{
    if (b->bin->pictures == NULL || count_pictures(b, first, n) <= room) return n;
    const uint32_t within = is_within_picture(b->bin, first);
    if (within > room) return 0;
    return find_bit(b->bin->pictures, (struct range){first, first + n}, room - within) - first;
}

static void add_piece(struct builder *b, struct pack_piece p, uint32_t row)
{
    const struct range targets = {p.first + 1U, (uint64_t)p.first + p.n_tokens + p.continues};
    p.n_loss = b->bin->loss == NULL ? (uint32_t)(targets.last - targets.first)
                                    : count_bits(b->bin->loss, targets);
    b->rows[b->n_pieces] = row;
    if (b->pictures != NULL) b->pictures[b->n_pieces] = count_pictures(b, p.first, p.n_tokens);
    b->pieces[b->n_pieces++] = p;
}

/// Of the document's tokens [first, first + n), those of its next piece: at least one.
static uint32_t next_piece(struct builder *b, enum pack_rule rule, uint64_t first, uint64_t n)
{
    if (rule == PACK_BEST_FIT)
        return (uint32_t)cut_pictures(b, first, size_min(b->T, n), b->row_pictures);
    uint64_t taken = cut_pictures(b, first, size_min(b->room, n), b->room_pictures);
    if (taken == 0) {
        b->n_rows++;
        b->room = b->T;
        b->room_pictures = b->row_pictures;
        taken = cut_pictures(b, first, size_min(b->room, n), b->room_pictures);
    }
    b->room -= taken;
    b->room_pictures -= count_pictures(b, first, taken);
    return (uint32_t)taken;
}

static void add_document(struct builder *b, enum pack_rule rule, uint64_t first, uint32_t document)
{
    const uint32_t length = b->bin->lengths[document];
    for (uint32_t at = 0; at < length;) {
        const uint32_t n = next_piece(b, rule, first + at, length - at);
        const struct pack_piece p = {.first = (uint32_t)first + at,
                                     .n_tokens = n,
                                     .document = document,
                                     .offset = at,
                                     .continues = at + n < length};
        add_piece(b, p, b->n_rows - 1);
        at += n;
    }
    b->n_documents++;
    b->n_tokens += length;
}

static void add_documents(struct builder *b, enum pack_rule rule)
{
    uint64_t first = 0;
    for (uint64_t d = 0; d < b->bin->n_documents; d++) {
        const uint32_t length = b->bin->lengths[d];
        const bool kept = b->bin->keep == NULL || b->bin->keep[d] != 0;
        if (kept && length > 0) add_document(b, rule, first, (uint32_t)d);
        first += length;
    }
}

/// Counts the pieces of each row, then puts each behind those of its row that came before it in
/// order (NULL = as they lie).
static size_t write_plan(const struct builder *b, const uint32_t *order, uint32_t *out)
{
    uint32_t *row_pieces = out + COUNTS;
    struct pack_piece *pieces = (void *)(row_pieces + b->n_rows + 1);
    memset(row_pieces, 0, ((size_t)b->n_rows + 1) * sizeof *row_pieces);
    for (uint32_t i = 0; i < b->n_pieces; i++)
        if (b->rows[i] + 1 < b->n_rows) row_pieces[b->rows[i] + 2]++;
    for (uint32_t r = 2; r <= b->n_rows; r++)
        row_pieces[r] += row_pieces[r - 1];
    for (uint32_t i = 0; i < b->n_pieces; i++) { // row_pieces[r + 1]: where row r goes on
        const uint32_t k = order == NULL ? i : order[i];
        pieces[row_pieces[b->rows[k] + 1]++] = b->pieces[k];
    }
    const uint32_t counts[COUNTS] = {b->n_rows, b->n_pieces, b->n_documents, b->n_tokens};
    memcpy(out, counts, sizeof counts);
    return COUNTS + (size_t)b->n_rows + 1 + (size_t)PIECE * b->n_pieces;
}

/// A piece's share of its row: of the tokens, or of the pictures when that is more. Shares that fit
/// a row by this measure fit it by both.
static uint32_t share(const struct builder *b, uint32_t piece)
{
    const uint32_t n_tokens = b->pieces[piece].n_tokens;
    if (b->pictures == NULL) return n_tokens;
    const uint64_t by_pictures = size_ceil_div(b->pictures[piece] * b->T, b->row_pictures);
    return (uint32_t)size_max(n_tokens, by_pictures);
}

static const uint32_t *fit(struct builder *b, struct arena *scratch)
{
    uint32_t *lengths = ARENA_ARRAY(scratch, uint32_t, b->n_pieces);
    struct best_fit_result r;
    for (uint32_t i = 0; i < b->n_pieces; i++)
        lengths[i] = share(b, i);
    best_fit_assign(lengths, b->n_pieces, (uint32_t)b->T, scratch, &r);
    b->rows = r.rows;
    b->n_rows = r.n_rows;
    return r.order;
}

static struct pack_size size_of(const struct pack_bin *bin)
{
    struct pack_size size = {.n_documents = bin->n_documents};
    for (uint64_t d = 0; d < bin->n_documents; d++)
        size.n_tokens += bin->lengths[d];
    if (bin->pictures != NULL)
        size.n_pictures = count_bits(bin->pictures, (struct range){0, size.n_tokens});
    return size;
}

size_t pack_build(const struct pack_bin *bin, uint64_t T, enum pack_rule rule,
                  struct arena *scratch, uint32_t *out)
{
    ASSERT(T >= 1 && T <= T_LIMIT);
    const struct pack_size size = size_of(bin);
    ASSERT(size.n_tokens < PACK_NO_LOSS && bin->n_documents < PACK_NO_LOSS);
    const size_t limit = pieces_limit(&size, T);
    struct builder b = {.bin = bin,
                        .T = T,
                        .pieces = ARENA_ARRAY(scratch, struct pack_piece, limit),
                        .rows = ARENA_ARRAY(scratch, uint32_t, limit)};
    if (bin->pictures != NULL) {
        b.pictures = ARENA_ARRAY(scratch, uint32_t, limit);
        b.row_pictures = pack_row_pictures(bin->row_pictures, bin->picture_tokens, T);
    }
    add_documents(&b, rule);
    ASSERT(b.n_pieces <= limit);
    return write_plan(&b, rule == PACK_BEST_FIT ? fit(&b, scratch) : NULL, out);
}

struct pack_plan pack_view(const uint32_t *elements)
{
    const uint32_t n_rows = elements[0];
    const uint32_t *row_pieces = elements + COUNTS;
    return (struct pack_plan){.n_rows = n_rows,
                              .n_pieces = elements[1],
                              .n_documents = elements[2],
                              .n_tokens = elements[3],
                              .row_pieces = row_pieces,
                              .pieces = (const void *)(row_pieces + n_rows + 1)};
}

uint64_t pack_loss_tokens(const struct pack_plan *plan, uint64_t row)
{
    ASSERT(row < plan->n_rows);
    uint64_t n = 0;
    for (uint32_t i = plan->row_pieces[row]; i < plan->row_pieces[row + 1]; i++)
        n += plan->pieces[i].n_loss;
    return n;
}

uint64_t pack_tokens(const struct pack_plan *plan, uint64_t row)
{
    ASSERT(row < plan->n_rows);
    uint64_t n = 0;
    for (uint32_t i = plan->row_pieces[row]; i < plan->row_pieces[row + 1]; i++)
        n += plan->pieces[i].n_tokens;
    return n;
}

// Filling. Inner loops have a fixed length, so that compilers make vector code of them at -O2.
// Arrays that are NULL are not wanted.

enum { STRIDE = 16 };

/// Fetches soon[n] meanwhile: rows are read from all over a bin, where the processor cannot foresee
/// the next.
static void fill_tokens(int32_t *restrict out, const uint32_t *restrict tokens,
                        const uint32_t *soon, uint64_t n)
{
    uint64_t i = 0;
    for (; i + STRIDE <= n; i += STRIDE) {
        __builtin_prefetch(soon + i);
        for (uint64_t k = 0; k < STRIDE; k++)
            out[i + k] = (int32_t)(tokens[i + k] & ~PACK_NO_LOSS);
    }
    for (; i < n; i++)
        out[i] = (int32_t)(tokens[i] & ~PACK_NO_LOSS);
}

static void fill_targets(int32_t *restrict out, const uint32_t *restrict targets, uint64_t n)
{
    uint64_t i = 0;
    for (; i + STRIDE <= n; i += STRIDE)
        for (uint64_t k = 0; k < STRIDE; k++)
            out[i + k] = (int32_t)(targets[i + k] & ((targets[i + k] >> 31) - 1));
    for (; i < n; i++)
        out[i] = (int32_t)(targets[i] & ((targets[i] >> 31) - 1));
}

static void fill_mask(float *restrict out, const uint32_t *restrict targets, uint64_t n)
{
    uint64_t i = 0;
    for (; i + STRIDE <= n; i += STRIDE)
        for (uint64_t k = 0; k < STRIDE; k++)
            out[i + k] = (float)(1 - (int32_t)(targets[i + k] >> 31));
    for (; i < n; i++)
        out[i] = (float)(1 - (int32_t)(targets[i] >> 31));
}

static void fill_positions(int32_t *restrict out, uint64_t n)
{
    uint64_t i = 0;
    for (; i + STRIDE <= n; i += STRIDE)
        for (uint64_t k = 0; k < STRIDE; k++)
            out[i + k] = (int32_t)i + (int32_t)k;
    for (; i < n; i++)
        out[i] = (int32_t)i;
}

static void fill_starts(int32_t *restrict out, int32_t start, uint64_t n)
{
    uint64_t i = 0;
    for (; i + STRIDE <= n; i += STRIDE)
        for (uint64_t k = 0; k < STRIDE; k++)
            out[i + k] = start;
    for (; i < n; i++)
        out[i] = start;
}

static void *behind(void *array, uint64_t n)
{
    return array == NULL ? NULL : (uint32_t *)array + n;
}

struct pack_row pack_row_behind(const struct pack_row *row, uint64_t n)
{
    return (struct pack_row){.tokens = behind(row->tokens, n),
                             .targets = behind(row->targets, n),
                             .mask = behind(row->mask, n),
                             .positions = behind(row->positions, n),
                             .document_start = behind(row->document_start, n)};
}

void pack_fill_piece(const struct pack_piece *piece, const uint32_t *tokens, uint64_t at,
                     const struct pack_ahead *ahead, const struct pack_row *out)
{
    const uint64_t n = piece->n_tokens;
    const uint64_t n_targets = n - 1 + piece->continues;
    const uint32_t *from = tokens + piece->first;
    const uint32_t *soon = at + n <= ahead->n ? ahead->tokens + at : from;
    if (out->tokens != NULL) fill_tokens(out->tokens + at, from, soon, n);
    if (out->targets != NULL) {
        fill_targets(out->targets + at, from + 1, n_targets);
        if (n_targets < n) out->targets[at + n_targets] = 0;
    }
    if (out->mask != NULL) {
        fill_mask(out->mask + at, from + 1, n_targets);
        if (n_targets < n) out->mask[at + n_targets] = 0.0F;
    }
    if (out->positions != NULL) fill_positions(out->positions + at, n);
    if (out->document_start != NULL) fill_starts(out->document_start + at, (int32_t)at, n);
}

static void fill_zeros(void *out, struct range positions)
{
    if (out == NULL) return;
    memset((uint32_t *)out + positions.first, 0,
           (positions.last - positions.first) * sizeof(uint32_t));
}

void pack_fill_padding(struct range positions, const struct pack_row *out)
{
    fill_zeros(out->tokens, positions);
    fill_zeros(out->targets, positions);
    fill_zeros(out->mask, positions);
    fill_zeros(out->positions, positions);
    if (out->document_start == NULL) return;
    for (uint64_t i = positions.first; i < positions.last; i++)
        out->document_start[i] = (int32_t)i;
}

void pack_fill(const struct pack_plan *plan, const uint32_t *tokens, uint64_t T, uint64_t row,
               const struct pack_row *out)
{
    ASSERT(row < plan->n_rows);
    const struct pack_ahead none = {0};
    uint64_t at = 0;
    for (uint32_t i = plan->row_pieces[row]; i < plan->row_pieces[row + 1]; i++) {
        pack_fill_piece(&plan->pieces[i], tokens, at, &none, out);
        at += plan->pieces[i].n_tokens;
    }
    ASSERT(at <= T);
    pack_fill_padding((struct range){at, T}, out);
}
