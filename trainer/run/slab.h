#pragma once
// The slab: one mapping per rank that holds everything the plan placed. Mapped after binding,
// touched at once, so its pages lie in the rank's NUMA node; 2 MiB aligned with transparent huge
// pages asked for.

#include <stddef.h>

#include "base/err.h"

struct slab {
    unsigned char *data; // zeroed, 64-byte aligned at least
    size_t n_bytes;      // as asked: the plan's peak
    void *mapping;
    size_t mapping_bytes;
};

/// Maps and touches n_bytes. Errors: ERR_MEMORY saying how much was asked for. Local.
enum err slab_open(struct slab *s, size_t n_bytes) MUST_CHECK;
void slab_close(struct slab *s);
