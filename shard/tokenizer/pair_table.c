#include "shard/tokenizer/pair_table.h"

#include <string.h>

#include "base/grow.h"

enum { FIRST_BITS = 6, LIMIT_BITS = 40 };

// Words of the filter of that many slots.
static size_t filter_words(size_t n_slots)
{
    return n_slots * 4 / 64;
}

void pair_table_close(struct pair_table *t)
{
    grow_free(t->slots);
    grow_free(t->filter);
    *t = (struct pair_table){0};
}

static enum err table_make(struct pair_table *t, unsigned bits)
{
    if (bits > LIMIT_BITS) return fail(ERR_MEMORY, "a table of 2^%u pairs is too large", bits);
    struct pair_table fresh = {.shift = 64 - bits, .mask = ((size_t)1 << bits) - 1};
    size_t n_slots = 0, n_words = 0, n = fresh.mask + 1;
    enum err e = grow_array(&fresh.slots, &n_slots, n, sizeof *fresh.slots);
    if (e == OK) e = grow_array(&fresh.filter, &n_words, filter_words(n), sizeof *fresh.filter);
    if (e != OK) {
        pair_table_close(&fresh);
        return e;
    }
    memset(fresh.slots, 0xFF, n * sizeof *fresh.slots);
    memset(fresh.filter, 0, filter_words(n) * sizeof *fresh.filter);
    *t = fresh;
    return OK;
}

enum err pair_table_open(struct pair_table *t, size_t n_pairs)
{
    unsigned bits = FIRST_BITS;
    while (bits < LIMIT_BITS && (size_t)1 << bits < 2 * n_pairs)
        bits++;
    return table_make(t, bits);
}

struct pair_table pair_table_take(struct pair_table *t, struct arena *a)
{
    struct pair_table taken = *t;
    taken.slots = arena_array(a, t->mask + 1, sizeof *t->slots, 64);
    memcpy(taken.slots, t->slots, (t->mask + 1) * sizeof *t->slots);
    size_t n_words = filter_words(t->mask + 1);
    taken.filter = ARENA_ARRAY(a, uint64_t, n_words);
    memcpy(taken.filter, t->filter, n_words * sizeof *t->filter);
    pair_table_close(t);
    return taken;
}

// Puts a pair that is not there into t, which has room.
static void table_put(struct pair_table *t, struct pair_slot pair)
{
    size_t bit = pair_table_bit(t, pair.key);
    t->filter[bit / 64] |= UINT64_C(1) << bit % 64;
    *pair_table_slot(t, pair.key) = pair;
    t->n_pairs++;
}

static enum err table_double(struct pair_table *t)
{
    struct pair_table larger;
    TRY(table_make(&larger, 64 - t->shift + 1));
    for (size_t i = 0; i <= t->mask; i++)
        if (t->slots[i].key != UINT64_MAX) table_put(&larger, t->slots[i]);
    pair_table_close(t);
    *t = larger;
    return OK;
}

enum err pair_table_insert(struct pair_table *t, uint32_t left, uint32_t right, uint64_t **value)
{
    if (2 * (t->n_pairs + 1) > t->mask + 1) TRY(table_double(t));
    uint64_t key = pair_table_key(left, right);
    ASSERT(key != UINT64_MAX);
    struct pair_slot *slot = pair_table_slot(t, key);
    if (slot->key != key) table_put(t, (struct pair_slot){key, PAIR_TABLE_NONE});
    *value = &slot->value;
    return OK;
}
