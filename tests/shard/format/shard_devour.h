#pragma once
// Reads everything that can be read of bytes that claim to be a shard, as they are and resealed.
// Nothing may go wrong but an error.

#include <string.h>

#include "base/size.h"
#include "shard/format/shard.h"
#include "tests/shard/format/shard_reseal.h"

enum { DEVOUR_ELEMS = 4096 };

static inline void devour_column(const struct shard *s, uint32_t c, struct arena *a)
{
    const struct layout_column *column = &shard_layout(s)->columns[c];
    const uint64_t n = size_min(column->n_elems, DEVOUR_ELEMS);
    const uint64_t first = column->n_elems - n;
    uint64_t *numbers = ARENA_ARRAY(a, uint64_t, n);
    struct span *blobs = ARENA_ARRAY(a, struct span, n);
    enum err e = shard_read_u64(s, c, first, n, numbers);
    e = shard_read_u32(s, c, first, n, (uint32_t *)numbers);
    e = shard_read_blobs(s, c, first, n, a, blobs);
    volatile uint8_t sum = 0; // touches every byte
    for (uint64_t i = 0; e == OK && i < n; i++) {
        for (size_t k = 0; k < blobs[i].n_bytes; k++)
            sum ^= blobs[i].data[k];
    }
    (void)sum;
}

/// Returns what shard_open_memory or shard_verify said.
static inline enum err devour_open(struct span bytes, struct arena *a)
{
    struct shard *s;
    enum err e = shard_open_memory(bytes, "fuzz", a, &s);
    if (e != OK) return e;
    e = shard_verify(s);
    for (uint32_t c = 0; c < shard_layout(s)->n_columns; c++)
        devour_column(s, c, a);
    shard_close(s);
    return e;
}

static inline void devour(const uint8_t *data, size_t n_bytes)
{
    struct arena a;
    arena_init(&a, "fuzz");
    enum err e = devour_open((struct span){data, n_bytes}, &a);
    if (n_bytes >= LAYOUT_HEADER_BYTES + LAYOUT_FOOTER_BYTES) {
        uint8_t *copy = arena_alloc(&a, n_bytes, 8);
        memcpy(copy, data, n_bytes);
        reseal_all(copy, n_bytes, &a);
        e = devour_open((struct span){copy, n_bytes}, &a);
    }
    (void)e;
    arena_fini(&a);
}
