#pragma once
// How much memory the buffers of a dedup stage hold now, and held at most: what is compared with
// its memory_bytes.

#include <stddef.h>

struct held {
    size_t n_bytes, peak_bytes;
};

static inline void held_add(struct held *h, size_t n_bytes)
{
    h->n_bytes += n_bytes;
    if (h->n_bytes > h->peak_bytes) h->peak_bytes = h->n_bytes;
}

static inline void held_drop(struct held *h, size_t n_bytes)
{
    h->n_bytes -= n_bytes;
}
