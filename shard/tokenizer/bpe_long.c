// Tokens are nodes linked in the order of the piece. Each rank has a list of the nodes that begin a
// pair of that rank, and a tree of bits says which lists are not empty; the lists are emptied from
// the lowest rank on, each from its leftmost node on.
//
// What is exact. While list r is emptied:
// I1 No pair has a rank below r, and none of rank r is left of the node that is taken.
// I2 A join changes only the pairs that its token begins and ends (its left and its right pair). So
//    pairs of rank r or less that come up are these two; they are joined at once (the lower rank,
//    the left on a tie), and so on with the token that it gives, until both have ranks above r.
//    Then I1 holds again, for the next node of the list.
// I3 So nothing is put into list r or one below it any more: each list is emptied once.
// This needs no order between a merge and the merges of its parts.
//
// What is linear, in n tokens. A join takes away one token, so there are fewer than n. It looks up
// two pairs and takes at most three nodes out of their lists. A chain of joins by I2 puts at most
// two nodes into lists, so lists get fewer than n + 2n nodes in all. A look-up is a constant number
// of probes on average: the table is at most half full and does not depend on n. Putting in, taking
// out and finding the next list look at one word a level of the tree, whose levels depend on the
// number of merges alone. A list is in order by itself when each token has one merge, which comes
// before those that it is a part of; if not, it is put in order through a tree over places, of a
// fixed number of levels.
#include "shard/tokenizer/bpe_long.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/grow.h"

#define NONE UINT32_MAX
static_assert(NONE == PAIR_TABLE_NONE >> 32, "a node without rank is in no list");

enum { PLACE_LEVELS = 6 }; // 64^6 > 2^32

static enum err make_room(const struct bpe *b, struct bpe_scratch *s, size_t n)
{
    size_t n_before = s->heads_capacity;
    TRY(grow_array(&s->nodes, &s->nodes_capacity, n, sizeof *s->nodes));
    TRY(grow_array(&s->heads, &s->heads_capacity, b->n_merges, sizeof *s->heads));
    if (s->heads_capacity > n_before)
        memset(s->heads + n_before, 0xFF, (s->heads_capacity - n_before) * sizeof *s->heads);
    TRY(bit_tree_resize(&s->ranks, b->n_merges, bit_tree_levels(b->n_merges)));
    return bit_tree_resize(&s->places, n, PLACE_LEVELS);
}

// Puts a node that is in no list at the end of list rank, if that is one.
static void list_put(struct bpe_scratch *s, uint32_t at, uint32_t rank)
{
    struct bpe_node *node = &s->nodes[at];
    node->rank = rank;
    if (rank == NONE) return;
    s->n_steps++;
    uint32_t head = s->heads[rank];
    if (head == NONE) {
        node->before = node->after = s->heads[rank] = at;
        bit_tree_insert(&s->ranks, rank);
        s->n_steps += s->ranks.n_levels;
        return;
    }
    node->before = s->nodes[head].before;
    node->after = head;
    s->nodes[node->before].after = at;
    s->nodes[head].before = at;
}

// Takes a node out of its list, if it is in one. (The bit of a list that is empty then stays.)
static void list_take(struct bpe_scratch *s, uint32_t at)
{
    struct bpe_node *node = &s->nodes[at];
    if (node->rank == NONE) return;
    s->n_steps++;
    uint32_t *head = &s->heads[node->rank];
    s->nodes[node->before].after = node->after;
    s->nodes[node->after].before = node->before;
    if (*head == at) *head = node->after == at ? NONE : node->after;
    node->rank = NONE;
}

static bool list_is_sorted(struct bpe_scratch *s, uint32_t head)
{
    for (uint32_t at = head, after; (after = s->nodes[at].after) != head; at = after) {
        s->n_steps++;
        if (after < at) return false;
    }
    return true;
}

static void list_sort(struct bpe_scratch *s, uint32_t rank)
{
    if (s->heads[rank] == NONE || list_is_sorted(s, s->heads[rank])) return;
    for (uint32_t at; (at = s->heads[rank]) != NONE;) {
        list_take(s, at);
        bit_tree_insert(&s->places, at);
        s->n_steps += PLACE_LEVELS;
    }
    for (size_t at; (at = bit_tree_take(&s->places)) != BIT_TREE_NONE;) {
        list_put(s, (uint32_t)at, rank);
        s->n_steps += PLACE_LEVELS;
    }
}

static uint32_t rank_at(const struct bpe *b, struct bpe_scratch *s, uint32_t at)
{
    if (at == NONE || s->nodes[at].next == NONE) return NONE;
    s->n_steps++;
    uint32_t right = s->nodes[at].next;
    return (uint32_t)(pair_table_find(&b->joins, s->nodes[at].id, s->nodes[right].id) >> 32);
}

// Joins the pair of rank that node at begins. The pairs that go are in no list then.
static void node_join(const struct bpe *b, struct bpe_scratch *s, uint32_t at, uint32_t rank)
{
    struct bpe_node *node = &s->nodes[at];
    uint32_t right = node->next;
    list_take(s, at);
    list_take(s, right);
    if (node->previous != NONE) list_take(s, node->previous);
    node->id = b->merges[rank].id;
    node->next = s->nodes[right].next;
    if (node->next != NONE) s->nodes[node->next].previous = at;
    s->n_steps++;
}

// Joins at node at by the merge of this rank, and goes on as I2 says.
static void settle(const struct bpe *b, struct bpe_scratch *s, uint32_t at, const uint32_t limit)
{
    uint32_t rank = limit, previous, left, right;
    for (;;) {
        node_join(b, s, at, rank);
        previous = s->nodes[at].previous;
        left = rank_at(b, s, previous);
        right = rank_at(b, s, at);
        rank = left <= right ? left : right;
        if (rank == NONE || rank > limit) break;
        if (left <= right) at = previous;
    }
    if (previous != NONE) list_put(s, previous, left);
    list_put(s, at, right);
}

static void nodes_begin(const struct bpe *b, struct bpe_scratch *s, const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s->nodes[i] = (struct bpe_node){.id = ids[i],
                                        .rank = NONE,
                                        .previous = i == 0 ? NONE : (uint32_t)i - 1,
                                        .next = i + 1 == n ? NONE : (uint32_t)i + 1};
    for (size_t i = 0; i + 1 < n; i++)
        list_put(s, (uint32_t)i, rank_at(b, s, (uint32_t)i));
}

enum err bpe_long_join(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids, size_t *n_ids)
{
    if (*n_ids >= NONE) return fail(ERR_MEMORY, "a piece of %zu tokens", *n_ids);
    TRY(make_room(b, s, *n_ids));
    nodes_begin(b, s, ids, *n_ids);
    for (size_t rank; (rank = bit_tree_take(&s->ranks)) != BIT_TREE_NONE;) {
        s->n_steps += s->ranks.n_levels;
        list_sort(s, (uint32_t)rank);
        for (uint32_t at; (at = s->heads[rank]) != NONE;)
            settle(b, s, at, (uint32_t)rank);
    }
    size_t n = 0;
    for (uint32_t at = 0; at != NONE; at = s->nodes[at].next)
        ids[n++] = s->nodes[at].id;
    *n_ids = n;
    return OK;
}
