#include "trainer/optim/initialize.h"

#include <stdio.h>

#include "base/rng.h"
#include "trainer/optim/block.h"

// A stream of its own: nothing else that draws by the parameter's name shares numbers with it.
static uint64_t parameter_key(const struct parameter *p, uint64_t seed)
{
    char name[GRAPH_NAME_BYTES + sizeof "initialize "];
    snprintf(name, sizeof name, "initialize %s", p->name);
    return rng_key(seed, name);
}

void initialize_blocks(const struct parameter *p, uint64_t seed, struct range blocks, float *out)
{
    const struct range elems = block_elems(p->n_elems, blocks);
    const uint64_t key = parameter_key(p, seed);
    for (uint64_t i = elems.first; i < elems.last; i++) {
        float *to = &out[i - elems.first];
        switch (p->init) {
        case INIT_NORMAL:
            *to = p->init_std * rng_normal(key, 0, i);
            break;
        case INIT_ONES:
            *to = 1.0f;
            break;
        case INIT_ZEROS:
            *to = 0.0f;
            break;
        }
    }
}
