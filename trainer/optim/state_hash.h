#pragma once
// A hash of the parameters that any set of ranks can form: every block is hashed with its number as
// seed, and the sum (mod 2^64) of the hashes does not depend on who adds them up or when. Swapped
// blocks change it, since their numbers do; so does any flipped bit.

#include <stddef.h>
#include <stdint.h>

/// Sum of the hashes of the blocks in n_elems f32 at data, which begin at a block's first element;
/// that block has number first_block among all blocks of all parameters. Add the results of all
/// parts with plain +. Local, can't fail.
uint64_t state_hash_blocks(const float *data, size_t n_elems, uint64_t first_block);
