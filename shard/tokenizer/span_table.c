#include "shard/tokenizer/span_table.h"

#include <string.h>

#include "base/grow.h"
#include "base/hash.h"

enum { FIRST_SLOTS = 1024 };

static enum err slots_make(struct span_table *t, size_t n_slots)
{
    size_t capacity = 0;
    uint32_t *slots = NULL;
    TRY(grow_array(&slots, &capacity, n_slots, sizeof *slots));
    memset(slots, 0xFF, n_slots * sizeof *slots);
    grow_free(t->slots);
    t->slots = slots;
    t->mask = n_slots - 1;
    return OK;
}

enum err span_table_open(struct span_table *t, struct arena *a)
{
    *t = (struct span_table){.a = a};
    return slots_make(t, FIRST_SLOTS);
}

void span_table_close(struct span_table *t)
{
    grow_free(t->slots);
    grow_free(t->entries);
    *t = (struct span_table){0};
}

struct span_table span_table_take(struct span_table *t, struct arena *a)
{
    struct span_table taken = *t;
    taken.capacity = t->n_entries;
    taken.entries = ARENA_ARRAY(a, struct span_entry, t->n_entries);
    taken.slots = ARENA_ARRAY(a, uint32_t, t->mask + 1);
    if (t->n_entries > 0) memcpy(taken.entries, t->entries, t->n_entries * sizeof *t->entries);
    memcpy(taken.slots, t->slots, (t->mask + 1) * sizeof *t->slots);
    span_table_close(t);
    return taken;
}

static uint32_t *slot_of(const struct span_table *t, struct span bytes, uint64_t hash)
{
    size_t slot = hash & t->mask;
    while (t->slots[slot] != UINT32_MAX) {
        const struct span_entry *e = &t->entries[t->slots[slot]];
        if (e->hash == hash && e->bytes.n_bytes == bytes.n_bytes &&
            memcmp(e->bytes.data, bytes.data, bytes.n_bytes) == 0)
            break;
        slot = (slot + 1) & t->mask;
    }
    return &t->slots[slot];
}

struct span_entry *span_table_find(const struct span_table *t, struct span bytes)
{
    uint32_t found = *slot_of(t, bytes, hash_xxh3(bytes.data, bytes.n_bytes, 0));
    return found == UINT32_MAX ? NULL : &t->entries[found];
}

static enum err table_double(struct span_table *t)
{
    TRY(slots_make(t, 2 * (t->mask + 1)));
    for (size_t i = 0; i < t->n_entries; i++) {
        size_t slot = t->entries[i].hash & t->mask;
        while (t->slots[slot] != UINT32_MAX)
            slot = (slot + 1) & t->mask;
        t->slots[slot] = (uint32_t)i;
    }
    return OK;
}

enum err span_table_insert(struct span_table *t, struct span bytes, struct span_entry **out)
{
    return span_table_insert_hash(t, bytes, hash_xxh3(bytes.data, bytes.n_bytes, 0), out);
}

enum err span_table_insert_hash(struct span_table *t, struct span bytes, uint64_t hash,
                                struct span_entry **out)
{
    uint32_t *slot = slot_of(t, bytes, hash);
    if (*slot == UINT32_MAX) {
        if (t->n_entries >= UINT32_MAX) return fail(ERR_DATA, "more than 2^32 different words");
        TRY(grow_array(&t->entries, &t->capacity, t->n_entries + 1, sizeof *t->entries));
        if (2 * (t->n_entries + 1) > t->mask + 1) {
            TRY(table_double(t));
            slot = slot_of(t, bytes, hash);
        }
        uint8_t *copy = ARENA_ARRAY(t->a, uint8_t, bytes.n_bytes);
        memcpy(copy, bytes.data, bytes.n_bytes);
        t->n_bytes += bytes.n_bytes;
        t->entries[t->n_entries] =
            (struct span_entry){.bytes = {copy, bytes.n_bytes}, .hash = hash};
        *slot = (uint32_t)t->n_entries++;
    }
    *out = &t->entries[*slot];
    return OK;
}
