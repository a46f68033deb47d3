// Tiles of 64 queries x 64 keys; a task is one tile of queries (or of keys) of one head of one
// sequence, which walks the tiles that it can see in a fixed order, alone:
//
//     forward, dq: task (sequence, head, query tile), over key tiles from the first document on
//     dk, dv:      task (sequence, kv head, key tile), over the group's heads, then query tiles
//
// Nothing is shared between tasks, so bits do not depend on who runs which. A pair of tiles in
// which no query sees a key is skipped: which those are follows from document_start alone.
// All four products of a pair go through matmul.h; probabilities and score gradients are rounded to
// `type` for them, sums stay in f32.
#include "trainer/kernel/attention.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "base/size.h"
#include "trainer/kernel/matmul.h"
#include "trainer/kernel/rows.h"
#include "trainer/kernel/softmax.h"

enum { ROWS = SOFTMAX_ROWS, COLUMNS = SOFTMAX_COLUMNS, TILE_ELEMS = ROWS * COLUMNS };
enum { TILES_PER_TICK = 8 }; // a pair of tiles takes 10 to 40 us

struct work {
    const struct attention *a;
    const struct softmax_kernels *kernels;
    const struct rows_kernels *rows;
    struct pool *pool;
    char *scratch;
    size_t scratch_bytes;  // of a thread
    size_t first_position; // of the first query among the keys: 0 but for decoding
};

// A thread's scratch: what lies behind its matmul scratch.
struct room {
    size_t thread;
    void *matmul;
    float *scores, *d_p; // [ROWS][COLUMNS]
    void *p, *d_s;       // the same, of type
    float *sums[2];      // [ROWS][D] each: o; d_q; d_k and d_v
};

// Rows first .. first + n - 1 of one head of one sequence, in a tensor of n_heads heads.
struct strip {
    size_t sequence, head, n_heads, first, n;
};

static size_t room_bytes(size_t head_size)
{
    const size_t elems = 4 * TILE_ELEMS + 2 * ROWS * head_size;
    return matmul_scratch_bytes() + size_align(elems * sizeof(float), 64);
}

static struct room room_of(const struct work *w, size_t thread)
{
    struct room r = {.thread = thread, .matmul = w->scratch + thread * w->scratch_bytes};
    float *at = (float *)(void *)((char *)r.matmul + matmul_scratch_bytes());
    r.scores = at;
    r.d_p = at + TILE_ELEMS;
    r.p = at + 2 * TILE_ELEMS;
    r.d_s = at + 3 * TILE_ELEMS;
    r.sums[0] = at + 4 * TILE_ELEMS;
    r.sums[1] = r.sums[0] + ROWS * w->a->head_size;
    memset(at, 0, 4 * TILE_ELEMS * sizeof *at); // products fill only what exists of an edge tile
    return r;
}

static size_t row_elems(const struct attention *a, const struct strip *s)
{
    return s->n_heads * a->head_size;
}

static size_t strip_index(const struct attention *a, const struct strip *s)
{
    return (s->sequence * a->sequence + s->first) * row_elems(a, s) + s->head * a->head_size;
}

static const void *strip_at(const struct attention *a, const struct strip *s, const void *tensor)
{
    return (const char *)tensor + strip_index(a, s) * dtype_bytes(a->type);
}

// out[x, y] (f32 [.][columns]) = sum_d x[., d] y[., d].
static void multiply_rows(const struct attention *a, const struct strip *x, const void *xs,
                          const struct strip *y, const void *ys, float *out, void *scratch)
{
    const struct matmul m = {.type = a->type,
                             .a = strip_at(a, x, xs),
                             .a_row_stride = row_elems(a, x),
                             .a_k_stride = 1,
                             .b = strip_at(a, y, ys),
                             .b_row_stride = row_elems(a, y),
                             .b_k_stride = 1,
                             .out = out,
                             .out_type = DTYPE_F32,
                             .out_row_stride = COLUMNS,
                             .m = x->n,
                             .n = y->n,
                             .k = a->head_size};
    matmul_run_here(&m, scratch);
}

// sums[r, d] += sum_c p[r, c] y[c, d], or with p transposed sums[c, d] += sum_r p[r, c] y[r, d].
static void multiply_tile(const struct attention *a, const void *p, bool transposed, size_t n_out,
                          const struct strip *y, const void *ys, float *sums, void *scratch)
{
    const struct matmul m = {.type = a->type,
                             .a = p,
                             .a_row_stride = transposed ? 1 : COLUMNS,
                             .a_k_stride = transposed ? COLUMNS : 1,
                             .b = strip_at(a, y, ys),
                             .b_row_stride = 1,
                             .b_k_stride = row_elems(a, y),
                             .out = sums,
                             .out_type = DTYPE_F32,
                             .out_row_stride = a->head_size,
                             .accumulate = true,
                             .m = n_out,
                             .n = a->head_size,
                             .k = y->n};
    matmul_run_here(&m, scratch);
}

// Which keys of tile k the queries of tile q see; false if none.
static bool see(const struct work *w, const struct strip *q, const struct strip *k,
                struct softmax_tile *t)
{
    bool any = false;
    const int32_t *start = w->a->document_start; // NULL when decoding: one document
    if (start) start += q->sequence * w->a->sequence + q->first;
    t->n_rows = q->n;
    for (size_t r = 0; r < q->n; r++) {
        const int64_t first = (start ? start[r] : 0) - (int64_t)k->first;
        const int64_t last = (int64_t)(w->first_position + q->first + r + 1 - k->first);
        t->first[r] = (int32_t)(first > 0 ? first : 0);
        t->last[r] = (int32_t)(last < (int64_t)k->n ? last : (int64_t)k->n);
        any |= t->first[r] < t->last[r];
    }
    return any;
}

static struct softmax_tile tile_of(const struct attention *a, const struct room *r)
{
    return (struct softmax_tile){.scale = a->scale,
                                 .scores = r->scores,
                                 .type = a->type,
                                 .p = r->p,
                                 .d_p = r->d_p,
                                 .d_s = r->d_s};
}

static struct strip strip_of(const struct attention *a, size_t sequence, size_t head,
                             size_t n_heads, size_t tile)
{
    const size_t first = tile * ROWS;
    return (struct strip){sequence, head, n_heads, first, size_min(ROWS, a->sequence - first)};
}

static size_t n_tiles(const struct attention *a)
{
    return size_ceil_div(a->sequence, ROWS);
}

// Task -> tile of queries, the longest walks first.
static struct strip queries_of(const struct attention *a, size_t task)
{
    const size_t tile = n_tiles(a) - 1 - task / (a->n_sequences * a->n_heads);
    const size_t rest = task % (a->n_sequences * a->n_heads);
    return strip_of(a, rest / a->n_heads, rest % a->n_heads, a->n_heads, tile);
}

// A tile of the keys that queries may see.
static struct strip keys_of(const struct work *w, const struct strip *q, size_t tile)
{
    const struct attention *a = w->a;
    const size_t head = q->head / (a->n_heads / a->n_kv_heads), first = tile * COLUMNS;
    const size_t n = size_min(COLUMNS, w->first_position + a->sequence - first);
    return (struct strip){q->sequence, head, a->n_kv_heads, first, n};
}

static size_t n_key_tiles(const struct work *w, const struct strip *q)
{
    return size_ceil_div(w->first_position + q->first + q->n, COLUMNS);
}

static void tick_now_and_then(const struct work *w, size_t tile, size_t thread)
{
    if (tile % TILES_PER_TICK == TILES_PER_TICK - 1) pool_tick(w->pool, thread);
}

static void run_forward(void *context, size_t task, size_t thread)
{
    const struct work *w = context;
    const struct attention *a = w->a;
    const struct room room = room_of(w, thread);
    const struct strip q = queries_of(a, task);
    struct softmax_tile t = tile_of(a, &room);
    struct softmax_state state = {.o = room.sums[0], .head_size = a->head_size};
    for (size_t r = 0; r < ROWS; r++)
        state.maximum[r] = -INFINITY;
    memset(state.o, 0, ROWS * a->head_size * sizeof(float));
    for (size_t tile = 0; tile < n_key_tiles(w, &q); tile++) {
        const struct strip k = keys_of(w, &q, tile);
        if (!see(w, &q, &k, &t)) continue;
        multiply_rows(a, &q, a->q, &k, a->k, room.scores, room.matmul);
        w->kernels->forward(&t, &state);
        multiply_tile(a, t.p, false, q.n, &k, a->v, state.o, room.matmul);
        tick_now_and_then(w, tile, room.thread);
    }
    float *lse = a->lse;
    if (lse) lse += (q.sequence * a->sequence + q.first) * a->n_heads + q.head;
    char *o = (char *)a->o + strip_index(a, &q) * dtype_bytes(a->type);
    w->kernels->finish(&state, q.n, a->type, o, row_elems(a, &q), lse, a->n_heads);
}

// lse of a strip's rows side by side, and delta = sum_d d_o o.
struct row_terms {
    float lse[ROWS], delta[ROWS];
};

static void read_terms(const struct work *w, const struct strip *q, struct row_terms *terms)
{
    const struct attention *a = w->a;
    const float *lse = a->lse + (q->sequence * a->sequence + q->first) * a->n_heads + q->head;
    for (size_t r = 0; r < q->n; r++)
        terms->lse[r] = lse[r * a->n_heads];
    w->kernels->dots(a->type, strip_at(a, q, a->d_o), strip_at(a, q, a->o), row_elems(a, q), q->n,
                     a->head_size, terms->delta);
}

// p and d_s of a pair of tiles; false if no query sees a key.
static bool score_gradient(const struct work *w, const struct room *room, const struct strip *q,
                           const struct strip *k, struct softmax_tile *t)
{
    const struct attention *a = w->a;
    if (!see(w, q, k, t)) return false;
    multiply_rows(a, q, a->q, k, a->k, room->scores, room->matmul);
    multiply_rows(a, q, a->d_o, k, a->v, room->d_p, room->matmul);
    w->kernels->gradient(t);
    return true;
}

// A finished f32 [n][D] to its place in a tensor of type, if that is wanted.
static void write_sums(const struct work *w, const struct strip *s, const float *sums, void *tensor)
{
    const struct attention *a = w->a;
    for (size_t r = 0; r < s->n && tensor; r++) {
        const size_t at = strip_index(a, s) + r * row_elems(a, s);
        void *to = (char *)tensor + at * dtype_bytes(a->type);
        w->rows->cast(sums + r * a->head_size, DTYPE_F32, to, a->type, a->head_size);
    }
}

static void run_d_q(void *context, size_t task, size_t thread)
{
    const struct work *w = context;
    const struct attention *a = w->a;
    const struct room room = room_of(w, thread);
    const struct strip q = queries_of(a, task);
    struct row_terms terms;
    read_terms(w, &q, &terms);
    struct softmax_tile t = tile_of(a, &room);
    t.lse = terms.lse;
    t.delta = terms.delta;
    memset(room.sums[0], 0, ROWS * a->head_size * sizeof(float));
    for (size_t tile = 0; tile < n_key_tiles(w, &q); tile++) {
        const struct strip k = keys_of(w, &q, tile);
        if (!score_gradient(w, &room, &q, &k, &t)) continue;
        multiply_tile(a, t.d_s, false, q.n, &k, a->k, room.sums[0], room.matmul);
        tick_now_and_then(w, tile, room.thread);
    }
    write_sums(w, &q, room.sums[0], a->d_q);
}

static void add_head(const struct work *w, const struct room *room, const struct strip *k,
                     size_t head)
{
    const struct attention *a = w->a;
    struct row_terms terms;
    struct softmax_tile t = tile_of(a, room);
    t.lse = terms.lse;
    t.delta = terms.delta;
    for (size_t tile = k->first / ROWS; tile < n_tiles(a); tile++) {
        const struct strip q = strip_of(a, k->sequence, head, a->n_heads, tile);
        read_terms(w, &q, &terms);
        if (!score_gradient(w, room, &q, k, &t)) continue;
        multiply_tile(a, t.d_s, true, k->n, &q, a->q, room->sums[0], room->matmul);
        multiply_tile(a, t.p, true, k->n, &q, a->d_o, room->sums[1], room->matmul);
        tick_now_and_then(w, tile, room->thread);
    }
}

static void run_d_k_d_v(void *context, size_t task, size_t thread)
{
    const struct work *w = context;
    const struct attention *a = w->a;
    const struct room room = room_of(w, thread);
    const size_t strips = a->n_sequences * a->n_kv_heads, rest = task % strips;
    const struct strip k =
        strip_of(a, rest / a->n_kv_heads, rest % a->n_kv_heads, a->n_kv_heads, task / strips);
    const size_t group = a->n_heads / a->n_kv_heads;
    memset(room.sums[0], 0, 2 * ROWS * a->head_size * sizeof(float));
    for (size_t head = k.head * group; head < (k.head + 1) * group; head++)
        add_head(w, &room, &k, head);
    write_sums(w, &k, room.sums[0], a->d_k);
    write_sums(w, &k, room.sums[1], a->d_v);
}

static struct work work_of(const struct attention *a, struct pool *pool, void *scratch)
{
    ASSERT(a->n_kv_heads > 0 && a->n_heads % a->n_kv_heads == 0 && a->head_size % 8 == 0);
    return (struct work){.a = a,
                         .kernels = softmax_kernels(),
                         .rows = rows_kernels(),
                         .pool = pool,
                         .scratch = scratch,
                         .scratch_bytes = room_bytes(a->head_size)};
}

size_t attention_scratch_bytes(const struct attention *a, size_t n_threads)
{
    return n_threads * room_bytes(a->head_size);
}

void attention_forward(const struct attention *a, struct pool *pool, void *scratch)
{
    struct work w = work_of(a, pool, scratch);
    pool_run(pool, n_tiles(a) * a->n_sequences * a->n_heads, run_forward, &w);
}

void attention_gradient(const struct attention *a, struct pool *pool, void *scratch)
{
    struct work w = work_of(a, pool, scratch);
    const size_t n = n_tiles(a) * a->n_sequences;
    if (a->d_q) pool_run(pool, n * a->n_heads, run_d_q, &w);
    if (a->d_k || a->d_v) pool_run(pool, n * a->n_kv_heads, run_d_k_d_v, &w);
}

size_t attention_cached_scratch_bytes(const struct attention_cached *a, size_t n_threads)
{
    return n_threads * room_bytes(a->head_size);
}

void attention_cached_forward(const struct attention_cached *a, struct pool *pool, void *scratch)
{
    const struct attention whole = {.type = a->type,
                                    .n_sequences = 1,
                                    .sequence = a->n_rows,
                                    .n_heads = a->n_heads,
                                    .n_kv_heads = a->n_kv_heads,
                                    .head_size = a->head_size,
                                    .scale = a->scale,
                                    .q = a->q,
                                    .k = a->k_cache,
                                    .v = a->v_cache,
                                    .o = a->o};
    struct work w = work_of(&whole, pool, scratch);
    w.first_position = a->first_position;
    pool_run(pool, n_tiles(&whole) * a->n_heads, run_forward, &w);
}
