#pragma once
// Initial parameters: element i of a parameter is a pure function of (seed, name, i) (I2 g), so a
// rank fills the blocks that it owns and nothing else.

#include <stdint.h>

#include "base/span.h"
#include "trainer/graph/graph.h"

/// Fills out with the elements of block range blocks of p (block.h); out[0] is the first element of
/// the first block. INIT_NORMAL has mean 0 and deviation p->init_std. Can't fail.
void initialize_blocks(const struct parameter *p, uint64_t seed, struct range blocks, float *out);
