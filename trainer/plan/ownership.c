#include "trainer/plan/ownership.h"

#include "base/size.h"

static void lay_out(struct ownership *o)
{
    const struct graph *g = o->graph;
    for (int u = 0; u < g->n_units; u++) {
        const struct unit *unit = &g->units[u];
        struct unit_space *space = &o->units[u];
        space->first_block = o->n_blocks;
        for (int i = 0; i < unit->n_parameters; i++) {
            int p = unit->first_parameter + i;
            size_t n_elems = g->parameters[p].n_elems;
            o->parameters[p] =
                (struct parameter_space){.offset_elems = space->n_elems,
                                         .first_block = o->n_blocks,
                                         .n_blocks = size_ceil_div(n_elems, BLOCK_ELEMS)};
            space->n_elems += size_align(n_elems, UNIT_ALIGN_ELEMS);
            o->n_blocks += o->parameters[p].n_blocks;
        }
        space->n_blocks = o->n_blocks - space->first_block;
    }
}

// Unit-space element where block (within unit) starts; the unit's end for n_blocks.
static size_t block_start(const struct ownership *o, int unit, uint64_t block)
{
    const struct unit_space *space = &o->units[unit];
    if (block == space->n_blocks) return space->n_elems;
    return ownership_block(o, space->first_block + block).unit_elem;
}

// The first block boundary at or after target, or the one before if that is nearer.
static uint64_t cut_near(const struct ownership *o, int unit, size_t target)
{
    uint64_t low = 0, high = o->units[unit].n_blocks;
    while (low < high) {
        uint64_t middle = (low + high) / 2;
        if (block_start(o, unit, middle) < target)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0) return 0;
    size_t after = block_start(o, unit, low) - target;
    size_t before = target - block_start(o, unit, low - 1);
    return before < after ? low - 1 : low;
}

struct ownership *ownership_split(struct arena *a, const struct graph *g, int n_ranks, int n_nodes,
                                  bool whole)
{
    ASSERT(n_ranks >= 1);
    struct ownership *o = ARENA_NEW(a, struct ownership);
    o->graph = g;
    o->n_ranks = n_ranks;
    o->n_nodes = n_nodes >= 1 && n_ranks % n_nodes == 0 ? n_nodes : 1;
    o->whole = whole;
    o->units = ARENA_ARRAY(a, struct unit_space, (size_t)g->n_units);
    o->parameters = ARENA_ARRAY(a, struct parameter_space, (size_t)g->n_parameters);
    lay_out(o);
    size_t stride = (size_t)n_ranks + 1;
    o->cuts = ARENA_ARRAY(a, uint64_t, stride * (size_t)g->n_units);
    for (int u = 0; u < g->n_units; u++) {
        size_t n_elems = o->units[u].n_elems;
        for (size_t s = 1; s < stride; s++)
            o->cuts[(size_t)u * stride + s] = cut_near(o, u, n_elems * s / (size_t)n_ranks);
    }
    return o;
}

static int shard_of_rank(const struct ownership *o, int rank)
{
    int per_node = o->n_ranks / o->n_nodes;
    return rank % per_node * o->n_nodes + rank / per_node;
}

int ownership_rank_of_shard(const struct ownership *o, int shard)
{
    int per_node = o->n_ranks / o->n_nodes;
    return shard % o->n_nodes * per_node + shard / o->n_nodes;
}

static struct range unit_blocks(const struct ownership *o, int unit, int rank)
{
    const uint64_t *cuts = o->cuts + (size_t)unit * ((size_t)o->n_ranks + 1);
    int shard = shard_of_rank(o, rank);
    return (struct range){cuts[shard], cuts[shard + 1]};
}

struct range ownership_home_blocks(const struct ownership *o, int unit, int rank)
{
    struct range r = unit_blocks(o, unit, rank);
    uint64_t first = o->units[unit].first_block;
    return (struct range){first + r.first, first + r.last};
}

struct range ownership_home_elems(const struct ownership *o, int unit, int rank)
{
    struct range r = unit_blocks(o, unit, rank);
    return (struct range){block_start(o, unit, r.first), block_start(o, unit, r.last)};
}

struct range ownership_kept_elems(const struct ownership *o, int unit, int rank)
{
    if (o->whole) return (struct range){0, o->units[unit].n_elems};
    return ownership_home_elems(o, unit, rank);
}

struct range ownership_kept_blocks(const struct ownership *o, int unit, int rank)
{
    const struct unit_space *space = &o->units[unit];
    if (o->whole) return (struct range){space->first_block, space->first_block + space->n_blocks};
    return ownership_home_blocks(o, unit, rank);
}

// Parameter that holds a global block, by binary search over first blocks.
static int parameter_of_block(const struct ownership *o, uint64_t block)
{
    int low = 0, high = o->graph->n_parameters - 1;
    while (low < high) {
        int middle = (low + high + 1) / 2;
        if (o->parameters[middle].first_block <= block)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

struct block_place ownership_block(const struct ownership *o, uint64_t block)
{
    ASSERT(block < o->n_blocks);
    int p = parameter_of_block(o, block);
    const struct parameter *parameter = &o->graph->parameters[p];
    size_t elem = (size_t)(block - o->parameters[p].first_block) * BLOCK_ELEMS;
    return (struct block_place){
        .unit = parameter->unit,
        .parameter = p,
        .parameter_elem = elem,
        .unit_elem = o->parameters[p].offset_elems + elem,
        .n_elems = size_min(BLOCK_ELEMS, parameter->n_elems - elem),
    };
}

struct parameter_part ownership_part(const struct ownership *o, int parameter, struct range blocks)
{
    const struct parameter_space *space = &o->parameters[parameter];
    uint64_t first = size_max(blocks.first, space->first_block);
    uint64_t last = size_min(blocks.last, space->first_block + space->n_blocks);
    if (first >= last) return (struct parameter_part){0};
    struct range own = {first - space->first_block, last - space->first_block};
    struct range elems = block_elems(o->graph->parameters[parameter].n_elems, own);
    return (struct parameter_part){.first_elem = elems.first,
                                   .n_elems = elems.last - elems.first,
                                   .unit_elem = space->offset_elems + elems.first,
                                   .first_block = first};
}
