#pragma once
// A span borrows bytes that somebody else owns.

#include <stddef.h>
#include <stdint.h>

struct span {
    const uint8_t *data;
    size_t n_bytes;
};

/// Half-open range [first, last) of element, block, lane or row indices; empty when first == last.
struct range {
    uint64_t first, last;
};
