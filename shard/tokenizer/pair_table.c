#include "shard/tokenizer/pair_table.h"

#include <string.h>

#include "base/grow.h"

enum { FIRST_BITS = 6, LIMIT_BITS = 40 };

static enum err table_make(struct pair_table *t, unsigned bits)
{
    if (bits > LIMIT_BITS) return fail(ERR_MEMORY, "a table of 2^%u pairs is too large", bits);
    struct pair_table fresh = {.shift = 64 - bits, .mask = ((size_t)1 << bits) - 1};
    size_t n_slots = 0;
    TRY(grow_array(&fresh.slots, &n_slots, fresh.mask + 1, sizeof *fresh.slots));
    memset(fresh.slots, 0xFF, (fresh.mask + 1) * sizeof *fresh.slots);
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
    grow_free(t->slots);
    *t = (struct pair_table){0};
}

struct pair_table pair_table_take(struct pair_table *t, struct arena *a)
{
    struct pair_table taken = *t;
    taken.slots = arena_array(a, t->mask + 1, sizeof *t->slots, 64);
    memcpy(taken.slots, t->slots, (t->mask + 1) * sizeof *t->slots);
    pair_table_close(t);
    return taken;
}

static enum err table_double(struct pair_table *t)
{
    struct pair_table larger;
    TRY(table_make(&larger, 64 - t->shift + 1));
    for (size_t i = 0; i <= t->mask; i++) {
        if (t->slots[i].key == UINT64_MAX) continue;
        *pair_table_slot(&larger, t->slots[i].key) = t->slots[i];
    }
    larger.n_pairs = t->n_pairs;
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
    if (slot->key != key) {
        slot->key = key;
        t->n_pairs++;
    }
    *value = &slot->value;
    return OK;
}
