#include "trainer/eval/workplace.h"

#include "topology/place.h"

static enum err open_pool(struct workplace *w, const struct config *c, const struct place *place,
                          struct arena *a)
{
    uint64_t n_threads = c->train.n_threads;
    if (n_threads == 0) n_threads = place->bound ? place->n_cores : 1;
    return pool_open(a, n_threads, &w->pool);
}

enum err workplace_open(struct workplace *w, const struct config *c, struct arena *a)
{
    *w = (struct workplace){0};
    TRY(fabric_open_alone(a, &w->fabric));
    struct place place;
    TRY(place_bind(0, 1, &place));
    return open_pool(w, c, &place, a);
}

enum err workplace_open_ranks(struct workplace *w, const struct config *c, struct arena *a)
{
    if (!fabric_launched()) return workplace_open(w, c, a);
    *w = (struct workplace){0};
    TRY(fabric_open_mpi(&(struct fabric_options){0}, a, &w->fabric));
    struct place_map map;
    TRY(place_bind_ranks(w->fabric, a, &map));
    return fabric_agree(w->fabric, open_pool(w, c, &map.places[fabric_rank(w->fabric)], a));
}

void workplace_close(struct workplace *w)
{
    if (w->pool != NULL) pool_close(w->pool);
    if (w->fabric != NULL) fabric_close(w->fabric);
    *w = (struct workplace){0};
}
