#pragma once
// A block is 4,096 consecutive elements of one tensor (the last one short): the atom of ownership,
// checksum, norm and quantisation. Blocks never straddle tensors.
//
//     tensor of 10,000 elements: block 0 = [0, 4096), 1 = [4096, 8192), 2 = [8192, 10000)

#include <stddef.h>
#include <stdint.h>

#include "base/size.h"
#include "base/span.h"

enum { BLOCK_ELEMS = 4096 };

/// Number of blocks of a tensor of n_elems.
static inline uint64_t block_count(uint64_t n_elems)
{
    return n_elems / BLOCK_ELEMS + (n_elems % BLOCK_ELEMS != 0);
}

/// Element range of a block range of a tensor of n_elems; blocks.last <= block_count(n_elems).
static inline struct range block_elems(uint64_t n_elems, struct range blocks)
{
    const uint64_t first = blocks.first * BLOCK_ELEMS, last = blocks.last * BLOCK_ELEMS;
    return (struct range){first < n_elems ? first : n_elems, last < n_elems ? last : n_elems};
}
