#include "shard/tokenizer/pair_table.h"

#include <string.h>

#include "base/grow.h"

enum { FIRST_BITS = 6, LIMIT_BITS = 40 };

static enum err table_make(struct pair_table *t, unsigned bits)
{
    if (bits > LIMIT_BITS) return fail(ERR_MEMORY, "a table of 2^%u pairs is too large", bits);
    struct pair_table fresh = {.shift = 64 - bits, .mask = ((size_t)1 << bits) - 1};
    size_t n_keys = 0, n_values = 0;
    TRY(grow_array(&fresh.keys, &n_keys, fresh.mask + 1, sizeof *fresh.keys));
    enum err e = grow_array(&fresh.values, &n_values, fresh.mask + 1, sizeof *fresh.values);
    if (e != OK) {
        grow_free(fresh.keys);
        return e;
    }
    memset(fresh.keys, 0xFF, (fresh.mask + 1) * sizeof *fresh.keys);
    memset(fresh.values, 0xFF, (fresh.mask + 1) * sizeof *fresh.values);
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

void pair_table_close(struct pair_table *t)
{
    grow_free(t->keys);
    grow_free(t->values);
    *t = (struct pair_table){0};
}

struct pair_table pair_table_take(struct pair_table *t, struct arena *a)
{
    struct pair_table taken = *t;
    taken.keys = ARENA_ARRAY(a, uint64_t, t->mask + 1);
    taken.values = ARENA_ARRAY(a, uint32_t, t->mask + 1);
    memcpy(taken.keys, t->keys, (t->mask + 1) * sizeof *t->keys);
    memcpy(taken.values, t->values, (t->mask + 1) * sizeof *t->values);
    pair_table_close(t);
    return taken;
}

static enum err table_double(struct pair_table *t)
{
    struct pair_table larger;
    TRY(table_make(&larger, 64 - t->shift + 1));
    for (size_t i = 0; i <= t->mask; i++) {
        if (t->keys[i] == UINT64_MAX) continue;
        size_t slot = pair_table_slot(&larger, t->keys[i]);
        larger.keys[slot] = t->keys[i];
        larger.values[slot] = t->values[i];
    }
    larger.n_pairs = t->n_pairs;
    pair_table_close(t);
    *t = larger;
    return OK;
}

enum err pair_table_insert(struct pair_table *t, uint32_t left, uint32_t right, uint32_t **value)
{
    if (2 * (t->n_pairs + 1) > t->mask + 1) TRY(table_double(t));
    uint64_t key = pair_table_key(left, right);
    ASSERT(key != UINT64_MAX);
    size_t slot = pair_table_slot(t, key);
    if (t->keys[slot] != key) {
        t->keys[slot] = key;
        t->n_pairs++;
    }
    *value = &t->values[slot];
    return OK;
}
