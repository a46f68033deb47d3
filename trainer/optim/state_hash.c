#include "trainer/optim/state_hash.h"

#include "base/hash.h"
#include "trainer/optim/block.h"

uint64_t state_hash_blocks(const float *data, size_t n_elems, uint64_t first_block)
{
    uint64_t sum = 0;
    for (uint64_t block = 0; block < block_count(n_elems); block++) {
        const struct range at = block_elems(n_elems, (struct range){block, block + 1});
        sum += hash_xxh3(data + at.first, (at.last - at.first) * sizeof *data, first_block + block);
    }
    return sum;
}
