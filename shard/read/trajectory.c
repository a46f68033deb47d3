#include "shard/read/trajectory.h"

#include <string.h>

#include "base/little.h"

double *trajectory_step(struct trajectory *t, struct arena *a)
{
    const size_t n = (size_t)t->n_observation + t->n_action;
    t->values = ARENA_GROW(a, double, t->values, (t->n_steps + 1) * n, &t->capacity);
    return t->values + t->n_steps++ * n;
}

static struct span bins_of(const double *values, uint32_t first, uint32_t n,
                           const struct bin_edges *edges, struct arena *a)
{
    uint8_t *bins = arena_alloc(a, 2 * (size_t)n, 2);
    for (uint32_t i = 0; i < n; i++)
        little_put_u16(
            bins + 2 * (size_t)i,
            bin_edges_bin(edges->low[first + i], edges->high[first + i], values[first + i]));
    return (struct span){bins, 2 * (size_t)n};
}

enum err trajectory_pieces(const struct trajectory *t, const struct bin_edges *edges,
                           struct piece_list *pieces)
{
    static const struct span newline = {(const uint8_t *)"\n", 1};
    const size_t n = (size_t)t->n_observation + t->n_action;
    if (!edges)
        return fail(ERR_DATA, "a trajectory needs bin edges: make them with weft shard bins");
    if (t->n_steps && (t->n_observation != edges->n_observation || t->n_action != edges->n_action))
        return fail(ERR_DATA, "steps of %u + %u numbers; the bin edges are of %u + %u",
                    t->n_observation, t->n_action, edges->n_observation, edges->n_action);
    piece_list_add(pieces, DOCUMENT_TEXT, false, t->instruction);
    if (t->instruction.n_bytes) piece_list_add(pieces, DOCUMENT_TEXT, false, newline);
    for (size_t i = 0; i < t->n_steps; i++) {
        const double *values = t->values + i * n;
        piece_list_add(pieces, DOCUMENT_BINS, false,
                       bins_of(values, 0, t->n_observation, edges, pieces->arena));
        piece_list_add(pieces, DOCUMENT_BINS, true,
                       bins_of(values, t->n_observation, t->n_action, edges, pieces->arena));
    }
    return OK;
}
