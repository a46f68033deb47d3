#include "trainer/run/state.h"

#include <string.h>

#include "trainer/optim/initialize.h"
#include "trainer/optim/state_hash.h"

static void list_tensors(struct state *s, const struct graph *g, struct arena *a)
{
    struct checkpoint_tensor *tensors =
        ARENA_ARRAY(a, struct checkpoint_tensor, (size_t)g->n_parameters);
    for (int p = 0; p < g->n_parameters; p++) {
        const struct parameter *from = &g->parameters[p];
        tensors[p] = (struct checkpoint_tensor){.name = from->name,
                                                .n_dims = from->n_dims,
                                                .n_elems = from->n_elems,
                                                .has_moments = from->trainable};
        for (int d = 0; d < from->n_dims; d++)
            tensors[p].dims[d] = from->dims[d];
    }
    s->model = (struct checkpoint_model){tensors, (uint64_t)g->n_parameters};
}

static float *kept_elem(const struct executor *e, const size_t *offsets, int unit, size_t unit_elem)
{
    size_t first = ownership_kept_elems(e->plan->ownership, unit, fabric_rank(e->fabric)).first;
    return (float *)(void *)(e->slab.data + offsets[unit]) + (unit_elem - first);
}

// The piece of parameter p inside blocks; n_elems 0 when there is none.
static struct checkpoint_piece piece_of(const struct executor *e, int p, struct range blocks)
{
    const struct ownership *o = e->plan->ownership;
    struct parameter_part part = ownership_part(o, p, blocks);
    if (part.n_elems == 0) return (struct checkpoint_piece){0};
    int unit = o->graph->parameters[p].unit;
    struct checkpoint_piece piece = {
        .tensor = (uint64_t)p, .first_elem = part.first_elem, .n_elems = part.n_elems};
    piece.data[0] = kept_elem(e, e->at.master, unit, part.unit_elem);
    if (!o->graph->parameters[p].trainable || e->plan->train == NULL) return piece;
    piece.data[1] = kept_elem(e, e->at.moment1, unit, part.unit_elem);
    piece.data[2] = kept_elem(e, e->at.moment2, unit, part.unit_elem);
    return piece;
}

typedef struct range (*blocks_fn)(const struct ownership *o, int unit, int rank);

static size_t list_pieces(const struct executor *e, blocks_fn blocks, struct checkpoint_piece *out)
{
    const struct graph *g = e->plan->ownership->graph;
    size_t n = 0;
    for (int p = 0; p < g->n_parameters; p++) {
        struct range range =
            blocks(e->plan->ownership, g->parameters[p].unit, fabric_rank(e->fabric));
        struct checkpoint_piece piece = piece_of(e, p, range);
        if (piece.n_elems > 0) out[n++] = piece;
    }
    return n;
}

void state_open(struct state *s, const struct executor *e, struct arena *a)
{
    const struct graph *g = e->plan->ownership->graph;
    list_tensors(s, g, a);
    s->home = ARENA_ARRAY(a, struct checkpoint_piece, (size_t)g->n_parameters);
    s->kept = ARENA_ARRAY(a, struct checkpoint_piece, (size_t)g->n_parameters);
    s->n_home = list_pieces(e, ownership_home_blocks, s->home);
    s->n_kept = list_pieces(e, ownership_kept_blocks, s->kept);
}

void state_initialize(const struct state *s, const struct executor *e, uint64_t seed)
{
    const struct graph *g = e->plan->ownership->graph;
    for (size_t i = 0; i < s->n_kept; i++) {
        const struct checkpoint_piece *piece = &s->kept[i];
        uint64_t first_block = piece->first_elem / BLOCK_ELEMS;
        struct range blocks = {first_block, first_block + block_count(piece->n_elems)};
        initialize_blocks(&g->parameters[piece->tensor], seed, blocks, piece->data[0]);
        for (int m = 1; m < CHECKPOINT_COMPONENTS; m++)
            if (piece->data[m] != NULL) memset(piece->data[m], 0, piece->n_elems * sizeof(float));
    }
}

static uint64_t hash_home(const struct state *s, const struct executor *e)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n_home; i++) {
        const struct checkpoint_piece *piece = &s->home[i];
        uint64_t first_block = e->plan->ownership->parameters[piece->tensor].first_block +
                               piece->first_elem / BLOCK_ELEMS;
        sum += state_hash_blocks(piece->data[0], piece->n_elems, first_block);
    }
    return sum;
}

enum err state_hash(const struct state *s, const struct executor *e, uint64_t *out)
{
    struct arena a;
    arena_init(&a, "state hash");
    uint64_t mine = hash_home(s, e), sum = 0;
    uint64_t *all = ARENA_ARRAY(&a, uint64_t, (size_t)fabric_size(e->fabric));
    enum err err = fabric_all_gather(e->fabric, &mine, sizeof mine, all);
    for (int r = 0; r < fabric_size(e->fabric); r++)
        sum += all[r];
    if (err == OK) *out = sum;
    arena_fini(&a);
    return err;
}
