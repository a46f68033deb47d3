// Packing against references that know, token by token, which document it is in: concat in closed
// form, best-fit against a search over all rows; every token of a kept document exactly once.

#include "datad/pack.h"

#include "base/arena.h"
#include "base/rng.h"
#include "base/size.h"
#include "datad/best_fit.h"
#include "tests/check.h"
#include "tests/datad/made.h"

enum { MAX_T = 512 };

// A bin with what is known of each of its tokens.
struct setting {
    struct arena arena;
    const struct made_bin *made;
    struct pack_bin bin;
    uint32_t *tokens, *document; // [n_tokens]
    uint32_t *kept;              // tokens of kept documents, in order
    uint64_t n_kept;
    uint32_t *elements;
};

static void begin(struct setting *s, const struct source *source, uint64_t bin, uint64_t T,
                  bool filter, bool loss)
{
    const struct made *m = source->context;
    *s = (struct setting){.made = &m->bins[bin]};
    arena_init(&s->arena, "setting");
    const uint64_t n = s->made->n_tokens, n_documents = s->made->n_documents;
    s->bin = (struct pack_bin){.lengths = s->made->lengths, .n_documents = n_documents};
    if (filter) {
        uint8_t *keep = ARENA_ARRAY(&s->arena, uint8_t, n_documents);
        CHECK_OK(made_keep(m, bin, keep));
        s->bin.keep = keep;
    }
    if (loss) {
        uint64_t *bits = ARENA_ARRAY(&s->arena, uint64_t, n / 64 + 1);
        CHECK_OK(made_loss(m, bin, s->made->lengths, bits));
        s->bin.loss = bits;
    }
    s->tokens = ARENA_ARRAY(&s->arena, uint32_t, n);
    s->document = ARENA_ARRAY(&s->arena, uint32_t, n);
    s->kept = ARENA_ARRAY(&s->arena, uint32_t, n);
    uint64_t at = 0;
    for (uint64_t d = 0; d < n_documents; d++)
        for (uint32_t i = 0; i < s->made->lengths[d]; i++, at++) {
            s->document[at] = (uint32_t)d;
            s->tokens[at] = s->made->tokens[at];
            if (loss && !made_counts(bin, at)) s->tokens[at] |= PACK_NO_LOSS;
            if (s->bin.keep == NULL || s->bin.keep[d]) s->kept[s->n_kept++] = (uint32_t)at;
        }
    CHECK_EQ(at, n);
    s->elements =
        ARENA_ARRAY(&s->arena, uint32_t, pack_limit(&(struct pack_size){n_documents, n, 0}, T));
}

struct arrays {
    int32_t tokens[MAX_T], targets[MAX_T], positions[MAX_T], document_start[MAX_T];
    float mask[MAX_T];
};

/// Position i of a row holds token at of the bin (or padding), of a piece that begins at start.
static void check_position(const struct setting *s, uint64_t at, bool real, uint64_t start,
                           uint64_t i, const struct arrays *got)
{
    const bool follows =
        real && at + 1 < s->made->n_tokens && s->document[at + 1] == s->document[at];
    const bool counts = follows && (s->tokens[at + 1] & PACK_NO_LOSS) == 0;
    CHECK_EQ(got->tokens[i], real ? (long long)s->made->tokens[at] : 0);
    CHECK_EQ(got->targets[i], counts ? (long long)s->made->tokens[at + 1] : 0);
    CHECK(got->mask[i] == (counts ? 1.0F : 0.0F));
    CHECK_EQ(got->positions[i], real ? i - start : 0);
    CHECK_EQ(got->document_start[i], real ? start : i);
}

static void fill(const struct setting *s, const struct pack_plan *plan, uint64_t T, uint64_t row,
                 struct arrays *got)
{
    uint64_t counted = 0;
    const struct pack_row out = {got->tokens, got->targets, got->mask, got->positions,
                                 got->document_start};
    pack_fill(plan, s->tokens, T, row, &out);
    for (uint64_t i = 0; i < T; i++)
        counted += got->mask[i] > 0;
    CHECK_EQ(pack_loss_tokens(plan, row), counted);
}

static struct pack_plan plan_of(struct setting *s, uint64_t T, enum pack_rule rule)
{
    const size_t n = pack_build(&s->bin, T, rule, &s->arena, s->elements);
    CHECK(n <= pack_limit(&(struct pack_size){s->made->n_documents, s->made->n_tokens, 0}, T));
    const struct pack_plan plan = pack_view(s->elements);
    CHECK_EQ(plan.n_tokens, s->n_kept);
    CHECK_EQ(plan.row_pieces[0], 0);
    CHECK_EQ(plan.row_pieces[plan.n_rows], plan.n_pieces);
    return plan;
}

/// The k-th kept token is at row k / T, position k % T.
static void check_concat(struct setting *s, uint64_t T)
{
    const struct pack_plan plan = plan_of(s, T, PACK_CONCAT);
    CHECK_EQ(plan.n_rows, pack_rows(s->n_kept, T));
    CHECK(plan.n_rows * T >= s->n_kept);
    CHECK(plan.n_rows == 0 || (plan.n_rows - 1) * T < s->n_kept);
    for (uint64_t row = 0; row < plan.n_rows; row++) {
        struct arrays got;
        fill(s, &plan, T, row, &got);
        uint64_t start = 0;
        for (uint64_t i = 0; i < T; i++) {
            const uint64_t k = row * T + i;
            const bool real = k < s->n_kept;
            if (i > 0 && real && s->document[s->kept[k]] != s->document[s->kept[k - 1]]) start = i;
            check_position(s, real ? s->kept[k] : 0, real, start, i, &got);
        }
    }
}

/// Rows hold pieces and then padding; each kept token once; only long documents are cut.
static void check_best_fit(struct setting *s, uint64_t T)
{
    const struct pack_plan plan = plan_of(s, T, PACK_BEST_FIT);
    uint8_t *times = ARENA_ARRAY(&s->arena, uint8_t, s->made->n_tokens);
    uint64_t n_half_empty = 0;
    for (uint64_t row = 0; row < plan.n_rows; row++) {
        struct arrays got;
        uint64_t at = 0;
        fill(s, &plan, T, row, &got);
        for (uint32_t k = plan.row_pieces[row]; k < plan.row_pieces[row + 1]; k++) {
            const struct pack_piece *p = &plan.pieces[k];
            const uint32_t length = s->made->lengths[p->document];
            CHECK(p->n_tokens == size_min(T, length - p->offset) && p->offset % T == 0);
            for (uint64_t i = 0; i < p->n_tokens; i++) {
                CHECK_EQ(s->document[p->first + i], p->document);
                times[p->first + i]++;
                check_position(s, p->first + i, true, at, at + i, &got);
            }
            at += p->n_tokens;
        }
        CHECK_EQ(pack_tokens(&plan, row), at);
        n_half_empty += 2 * at <= T;
        for (uint64_t i = at; i < T; i++)
            check_position(s, 0, false, i, i, &got);
    }
    CHECK(n_half_empty <= 1);
    uint64_t n = 0;
    for (uint64_t k = 0; k < s->n_kept; k++)
        n += times[s->kept[k]] == 1;
    CHECK_EQ(n, s->n_kept);
    for (uint64_t i = 0; i < s->made->n_tokens; i++)
        n -= times[i];
    CHECK_EQ(n, 0);
}

/// Longest first into the row with the least room, that which came to it last, by looking at all.
static void check_assign(uint64_t seed, uint64_t turn)
{
    struct arena a;
    arena_init(&a, "assign");
    const uint64_t key = rng_key(seed, "lengths");
    static const uint32_t lengths_of[] = {1, 2, 5, 63, 64, 65, 200, 4095, 4096, 4097, 300000};
    const uint32_t T = lengths_of[turn % (sizeof lengths_of / sizeof lengths_of[0])];
    const size_t n = rng_u64(key, turn, 0) % 400;
    uint32_t *lengths = ARENA_ARRAY(&a, uint32_t, n);
    uint64_t *room = ARENA_ARRAY(&a, uint64_t, n), *since = ARENA_ARRAY(&a, uint64_t, n);
    for (size_t i = 0; i < n; i++)
        lengths[i] = 1 + (uint32_t)(rng_u64(key, turn, 1 + i) % (i % 3 == 0 ? T : T / 4 + 1));
    struct best_fit_result r;
    best_fit_assign(lengths, n, T, &a, &r);
    uint32_t n_rows = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t length = lengths[r.order[i]];
        if (i > 0) {
            const uint32_t last = lengths[r.order[i - 1]];
            CHECK(last > length || (last == length && r.order[i - 1] < r.order[i]));
        }
        uint32_t best = n_rows;
        for (uint32_t k = 0; k < n_rows; k++)
            if (room[k] >= length && (best == n_rows || room[k] < room[best] ||
                                      (room[k] == room[best] && since[k] > since[best])))
                best = k;
        if (best == n_rows) room[n_rows++] = T;
        CHECK_EQ(r.rows[r.order[i]], best);
        room[best] -= length;
        since[best] = i;
    }
    CHECK_EQ(r.n_rows, n_rows);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    const struct source source = made_source("pack", 1, seed, 12, 800, &a);
    for (uint64_t bin = 0; bin < source.n_bins; bin++) {
        const uint64_t lengths[] = {1, 2, 3, 7, 16, 64, 501, 1 + rng_u64(seed, bin, 0) % MAX_T};
        for (size_t i = 0; i < 4 * sizeof lengths / sizeof lengths[0]; i++) {
            struct setting s;
            begin(&s, &source, bin, lengths[i / 4], i % 2, i / 2 % 2);
            check_concat(&s, lengths[i / 4]);
            check_best_fit(&s, lengths[i / 4]);
            arena_fini(&s.arena);
        }
    }
    for (uint64_t turn = 0; turn < 66; turn++)
        check_assign(seed, turn);
    arena_fini(&a);
    return 0;
}
