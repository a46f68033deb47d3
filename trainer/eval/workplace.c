#include "trainer/eval/workplace.h"

#include "topology/place.h"

enum err workplace_open(struct workplace *w, const struct config *c, struct arena *a)
{
    *w = (struct workplace){0};
    TRY(fabric_open_alone(a, &w->fabric));
    struct place place;
    TRY(place_bind(0, 1, &place));
    uint64_t n_threads = c->train.n_threads;
    if (n_threads == 0) n_threads = place.bound ? place.n_cores : 1;
    return pool_open(a, n_threads, &w->pool);
}

void workplace_close(struct workplace *w)
{
    if (w->pool != NULL) pool_close(w->pool);
    if (w->fabric != NULL) fabric_close(w->fabric);
    *w = (struct workplace){0};
}
