// Two ways to the same result. Short pieces (nearly all) keep ids and ranks in two small arrays and
// look at all pairs for each merge: quadratic, but bounded. Long ones: bpe_long.c.
#include "shard/tokenizer/bpe.h"

#include <string.h>

#include "base/grow.h"
#include "shard/tokenizer/bpe_long.h"

enum { SHORT_TOKENS = 64, BYTE_PAIRS = 1 << 16 };

enum err bpe_open(struct bpe *b, const uint32_t byte_ids[256])
{
    *b = (struct bpe){0};
    memcpy(b->byte_ids, byte_ids, sizeof b->byte_ids);
    size_t capacity = 0;
    enum err e = grow_array(&b->byte_pair_ranks, &capacity, BYTE_PAIRS, sizeof *b->byte_pair_ranks);
    if (e == OK) e = pair_table_open(&b->ranks, 0);
    if (e != OK) {
        bpe_close(b);
        return e;
    }
    memset(b->byte_pair_ranks, 0xFF, BYTE_PAIRS * sizeof *b->byte_pair_ranks);
    return OK;
}

void bpe_close(struct bpe *b)
{
    grow_free(b->merges);
    grow_free(b->byte_pair_ranks);
    pair_table_close(&b->ranks);
    *b = (struct bpe){0};
}

struct bpe bpe_take(struct bpe *b, struct arena *a)
{
    struct bpe taken = *b;
    taken.capacity = b->n_merges;
    taken.merges = ARENA_ARRAY(a, struct bpe_merge, b->n_merges);
    if (b->n_merges > 0) memcpy(taken.merges, b->merges, b->n_merges * sizeof *b->merges);
    taken.byte_pair_ranks = ARENA_ARRAY(a, uint32_t, BYTE_PAIRS);
    memcpy(taken.byte_pair_ranks, b->byte_pair_ranks, BYTE_PAIRS * sizeof(uint32_t));
    taken.ranks = pair_table_take(&b->ranks, a);
    bpe_close(b);
    return taken;
}

// The byte whose token is id, or -1.
static int byte_of(const struct bpe *b, uint32_t id)
{
    for (int i = 0; i < 256; i++)
        if (b->byte_ids[i] == id) return i;
    return -1;
}

enum err bpe_add(struct bpe *b, struct bpe_merge merge)
{
    TRY(grow_array(&b->merges, &b->capacity, b->n_merges + 1, sizeof *b->merges));
    uint32_t *rank;
    TRY(pair_table_insert(&b->ranks, merge.left, merge.right, &rank));
    if (*rank != PAIR_TABLE_NONE)
        return fail(ERR_DATA, "merge %zu repeats merge %u", b->n_merges, *rank);
    *rank = (uint32_t)b->n_merges;
    int left = byte_of(b, merge.left), right = left < 0 ? -1 : byte_of(b, merge.right);
    if (right >= 0) b->byte_pair_ranks[left << 8 | right] = *rank;
    b->merges[b->n_merges++] = merge;
    return OK;
}

// ranks[i] is the rank of the pair (ids[i], ids[i + 1]). Returns how many ids are left.
static size_t join_short(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, uint32_t *ranks,
                         size_t n)
{
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            best = ranks[i] < ranks[best] ? i : best;
        s->n_steps += n;
        if (ranks[best] == PAIR_TABLE_NONE) break;
        ids[best] = b->merges[ranks[best]].id;
        n--;
        memmove(ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
        memmove(ranks + best, ranks + best + 1, (n - best - 1) * sizeof *ranks);
        if (best > 0) ranks[best - 1] = pair_table_find(&b->ranks, ids[best - 1], ids[best]);
        if (best + 1 < n) ranks[best] = pair_table_find(&b->ranks, ids[best], ids[best + 1]);
    }
    return n;
}

enum err bpe_encode(const struct bpe *b, struct bpe_scratch *s, struct span piece, uint32_t *ids,
                    size_t *n_ids)
{
    for (size_t i = 0; i < piece.n_bytes; i++)
        ids[i] = b->byte_ids[piece.data[i]];
    *n_ids = piece.n_bytes;
    if (piece.n_bytes > SHORT_TOKENS) return bpe_long_join(b, s, ids, n_ids);
    uint32_t ranks[SHORT_TOKENS];
    for (size_t i = 0; i + 1 < piece.n_bytes; i++)
        ranks[i] = b->byte_pair_ranks[piece.data[i] << 8 | piece.data[i + 1]];
    *n_ids = join_short(b, s, ids, ranks, piece.n_bytes);
    return OK;
}

enum err bpe_join(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, size_t *n_ids)
{
    if (*n_ids > SHORT_TOKENS) return bpe_long_join(b, s, ids, n_ids);
    uint32_t ranks[SHORT_TOKENS];
    for (size_t i = 0; i + 1 < *n_ids; i++)
        ranks[i] = pair_table_find(&b->ranks, ids[i], ids[i + 1]);
    *n_ids = join_short(b, s, ids, ranks, *n_ids);
    return OK;
}

size_t bpe_scratch_bytes(const struct bpe_scratch *s)
{
    return s->nodes_capacity * sizeof *s->nodes + s->heads_capacity * sizeof *s->heads +
           (s->ranks.capacity + s->places.capacity) * sizeof *s->ranks.words;
}

void bpe_scratch_close(struct bpe_scratch *s)
{
    grow_free(s->nodes);
    grow_free(s->heads);
    bit_tree_close(&s->ranks);
    bit_tree_close(&s->places);
    *s = (struct bpe_scratch){0};
}
