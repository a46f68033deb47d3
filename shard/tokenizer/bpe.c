// Two ways to the same result. Short pieces (nearly all) keep ids and ranks in two small arrays and
// look at all pairs for each merge: quadratic, but bounded. Long ones link tokens in a list and
// keep pairs in a heap.
//
// I1 heap: whatever pair is adjacent and has a rank is in the heap as rank << 32 | position of its
//    left token, so the smallest entry is the lowest rank, leftmost. An entry is stale, and
//    skipped, when its node has another rank by now.
// I2 nodes[i].rank is the rank of the pair (i, next of i), PAIR_TABLE_NONE if it has none or i was
//    joined into another.
#include "shard/tokenizer/bpe.h"

#include <stdbool.h>
#include <string.h>

#include "base/grow.h"

enum { SHORT_TOKENS = 64, BYTE_PAIRS = 1 << 16 };
#define LAST UINT32_MAX

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

static void heap_sink(struct bpe_scratch *s, size_t at)
{
    uint64_t entry = s->heap[at];
    for (size_t child; (child = 2 * at + 1) < s->n_heap; at = child) {
        if (child + 1 < s->n_heap && s->heap[child + 1] < s->heap[child]) child++;
        s->n_steps++;
        if (entry <= s->heap[child]) break;
        s->heap[at] = s->heap[child];
    }
    s->heap[at] = entry;
}

static enum err heap_push(struct bpe_scratch *s, uint64_t entry)
{
    TRY(grow_array(&s->heap, &s->heap_capacity, s->n_heap + 1, sizeof *s->heap));
    size_t at = s->n_heap++;
    for (; at > 0 && entry < s->heap[(at - 1) / 2]; at = (at - 1) / 2) {
        s->heap[at] = s->heap[(at - 1) / 2];
        s->n_steps++;
    }
    s->heap[at] = entry;
    return OK;
}

static uint64_t heap_pop(struct bpe_scratch *s)
{
    uint64_t least = s->heap[0];
    s->heap[0] = s->heap[--s->n_heap];
    if (s->n_heap > 0) heap_sink(s, 0);
    return least;
}

static enum err list_begin(const struct bpe *b, struct bpe_scratch *s, const uint32_t *ids,
                           size_t n)
{
    TRY(grow_array(&s->nodes, &s->nodes_capacity, n, sizeof *s->nodes));
    TRY(grow_array(&s->heap, &s->heap_capacity, n, sizeof *s->heap));
    s->n_heap = 0;
    for (size_t i = 0; i < n; i++) {
        bool last = i + 1 == n;
        uint32_t rank = last ? PAIR_TABLE_NONE : pair_table_find(&b->ranks, ids[i], ids[i + 1]);
        s->nodes[i] = (struct bpe_node){.id = ids[i],
                                        .rank = rank,
                                        .previous = i == 0 ? LAST : (uint32_t)i - 1,
                                        .next = last ? LAST : (uint32_t)i + 1};
        if (rank != PAIR_TABLE_NONE) s->heap[s->n_heap++] = (uint64_t)rank << 32 | i;
    }
    for (size_t i = s->n_heap / 2; i-- > 0;)
        heap_sink(s, i);
    return OK;
}

// Gives node at the rank of the pair that it now begins.
static enum err node_rank(const struct bpe *b, struct bpe_scratch *s, uint32_t at)
{
    struct bpe_node *node = &s->nodes[at];
    node->rank = node->next == LAST ? PAIR_TABLE_NONE
                                    : pair_table_find(&b->ranks, node->id, s->nodes[node->next].id);
    if (node->rank == PAIR_TABLE_NONE) return OK;
    return heap_push(s, (uint64_t)node->rank << 32 | at);
}

static enum err node_join(const struct bpe *b, struct bpe_scratch *s, uint32_t at)
{
    struct bpe_node *left = &s->nodes[at], *right = &s->nodes[left->next];
    left->id = b->merges[left->rank].id;
    left->next = right->next;
    right->rank = PAIR_TABLE_NONE;
    if (left->next != LAST) s->nodes[left->next].previous = at;
    TRY(node_rank(b, s, at));
    return left->previous == LAST ? OK : node_rank(b, s, left->previous);
}

static enum err join_long(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, size_t *n_ids)
{
    if (*n_ids >= LAST) return fail(ERR_MEMORY, "a piece of %zu bytes", *n_ids);
    TRY(list_begin(b, s, ids, *n_ids));
    while (s->n_heap > 0) {
        uint64_t entry = heap_pop(s);
        uint32_t at = (uint32_t)entry;
        if (s->nodes[at].rank == entry >> 32) TRY(node_join(b, s, at));
    }
    size_t n = 0;
    for (uint32_t at = 0; at != LAST; at = s->nodes[at].next)
        ids[n++] = s->nodes[at].id;
    *n_ids = n;
    return OK;
}

enum err bpe_encode(const struct bpe *b, struct bpe_scratch *s, struct span piece, uint32_t *ids,
                    size_t *n_ids)
{
    for (size_t i = 0; i < piece.n_bytes; i++)
        ids[i] = b->byte_ids[piece.data[i]];
    *n_ids = piece.n_bytes;
    if (piece.n_bytes > SHORT_TOKENS) return join_long(b, s, ids, n_ids);
    uint32_t ranks[SHORT_TOKENS];
    for (size_t i = 0; i + 1 < piece.n_bytes; i++)
        ranks[i] = b->byte_pair_ranks[piece.data[i] << 8 | piece.data[i + 1]];
    *n_ids = join_short(b, s, ids, ranks, piece.n_bytes);
    return OK;
}

enum err bpe_join(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, size_t *n_ids)
{
    if (*n_ids > SHORT_TOKENS) return join_long(b, s, ids, n_ids);
    uint32_t ranks[SHORT_TOKENS];
    for (size_t i = 0; i + 1 < *n_ids; i++)
        ranks[i] = pair_table_find(&b->ranks, ids[i], ids[i + 1]);
    *n_ids = join_short(b, s, ids, ranks, *n_ids);
    return OK;
}

void bpe_scratch_close(struct bpe_scratch *s)
{
    grow_free(s->nodes);
    grow_free(s->heap);
    *s = (struct bpe_scratch){0};
}
