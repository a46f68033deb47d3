// Two ways to the same result. Short pieces (nearly all) keep ids and joins in two small arrays and
// look at all pairs for each merge: quadratic, but bounded. Long ones: bpe_long.c. Counted on
// pieces of n bytes of code and of 20 languages with GPT-2's merges, the short way takes 78 n +
// 5.9 n^2 instructions, the long one 335 n: as many at 43.
#include "shard/tokenizer/bpe.h"

#include <string.h>

#include "base/grow.h"
#include "shard/tokenizer/bpe_long.h"

enum { SHORT_TOKENS = 40, BYTE_PAIRS = 1 << 16 };

enum err bpe_open(struct bpe *b, const uint32_t byte_ids[256])
{
    *b = (struct bpe){0};
    memcpy(b->byte_ids, byte_ids, sizeof b->byte_ids);
    size_t capacity = 0;
    enum err e = grow_array(&b->byte_joins, &capacity, BYTE_PAIRS, sizeof *b->byte_joins);
    if (e == OK) e = pair_table_open(&b->joins, 0);
    if (e != OK) {
        bpe_close(b);
        return e;
    }
    memset(b->byte_joins, 0xFF, BYTE_PAIRS * sizeof *b->byte_joins);
    return OK;
}

void bpe_close(struct bpe *b)
{
    grow_free(b->merges);
    grow_free(b->byte_joins);
    pair_table_close(&b->joins);
    *b = (struct bpe){0};
}

struct bpe bpe_take(struct bpe *b, struct arena *a)
{
    struct bpe taken = *b;
    taken.capacity = b->n_merges;
    taken.merges = ARENA_ARRAY(a, struct bpe_merge, b->n_merges);
    if (b->n_merges > 0) memcpy(taken.merges, b->merges, b->n_merges * sizeof *b->merges);
    taken.byte_joins = ARENA_ARRAY(a, uint64_t, BYTE_PAIRS);
    memcpy(taken.byte_joins, b->byte_joins, BYTE_PAIRS * sizeof(uint64_t));
    taken.joins = pair_table_take(&b->joins, a);
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
    uint64_t *join;
    TRY(pair_table_insert(&b->joins, merge.left, merge.right, &join));
    if (*join != PAIR_TABLE_NONE)
        return fail(ERR_DATA, "merge %zu repeats merge %u", b->n_merges, (unsigned)(*join >> 32));
    *join = (uint64_t)b->n_merges << 32 | merge.id;
    int left = byte_of(b, merge.left), right = left < 0 ? -1 : byte_of(b, merge.right);
    if (right >= 0) b->byte_joins[left << 8 | right] = *join;
    b->merges[b->n_merges++] = merge;
    return OK;
}

// joins[i] is that of (ids[i], ids[i + 1]): the least has the lowest rank. Returns how many ids are
// left.
static size_t join_short(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, uint64_t *joins,
                         size_t n)
{
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            best = joins[i] < joins[best] ? i : best;
        s->n_steps += n;
        if (joins[best] == PAIR_TABLE_NONE) break;
        ids[best] = (uint32_t)joins[best];
        n--;
        memmove(ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
        memmove(joins + best, joins + best + 1, (n - best - 1) * sizeof *joins);
        if (best > 0) joins[best - 1] = pair_table_find(&b->joins, ids[best - 1], ids[best]);
        if (best + 1 < n) joins[best] = pair_table_find(&b->joins, ids[best], ids[best + 1]);
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
    uint64_t joins[SHORT_TOKENS];
    for (size_t i = 0; i + 1 < piece.n_bytes; i++)
        joins[i] = b->byte_joins[piece.data[i] << 8 | piece.data[i + 1]];
    *n_ids = join_short(b, s, ids, joins, piece.n_bytes);
    return OK;
}

enum err bpe_join(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, size_t *n_ids)
{
    if (*n_ids > SHORT_TOKENS) return bpe_long_join(b, s, ids, n_ids);
    uint64_t joins[SHORT_TOKENS];
    for (size_t i = 0; i + 1 < *n_ids; i++)
        joins[i] = pair_table_find(&b->joins, ids[i], ids[i + 1]);
    *n_ids = join_short(b, s, ids, joins, *n_ids);
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
