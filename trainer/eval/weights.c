#include "trainer/eval/weights.h"

#include <string.h>

#include "base/size.h"
#include "trainer/optim/block.h"
#include "trainer/optim/state_hash.h"

static enum err map_all(struct weights *w, struct arena *a)
{
    size_t n_elems = 0;
    for (uint64_t t = 0; t < w->model.n_tensors; t++)
        if (!size_add(n_elems, w->model.tensors[t].n_elems, &n_elems))
            return fail(ERR_DATA, "%s: its tensors are absurdly large", w->checkpoint);
    size_t n_bytes;
    if (!size_mul(n_elems, sizeof(float), &n_bytes))
        return fail(ERR_DATA, "%s: its tensors are absurdly large", w->checkpoint);
    TRY(slab_open(&w->slab, n_bytes));
    w->data = ARENA_ARRAY(a, float *, w->model.n_tensors);
    float *at = (float *)(void *)w->slab.data;
    for (uint64_t t = 0; t < w->model.n_tensors; t++) {
        w->data[t] = at;
        at += w->model.tensors[t].n_elems;
    }
    return OK;
}

static enum err load(struct weights *w, struct arena *a)
{
    struct checkpoint_piece *pieces = ARENA_ARRAY(a, struct checkpoint_piece, w->model.n_tensors);
    for (uint64_t t = 0; t < w->model.n_tensors; t++)
        pieces[t] = (struct checkpoint_piece){
            .tensor = t, .n_elems = w->model.tensors[t].n_elems, .data = {w->data[t]}};
    return checkpoint_load(w->checkpoint, &w->model, pieces, w->model.n_tensors,
                           CHECKPOINT_WEIGHTS);
}

// Blocks are numbered over all tensors, in the order in which they are saved.
static uint64_t hash_all(const struct weights *w)
{
    uint64_t sum = 0, first_block = 0;
    for (uint64_t t = 0; t < w->model.n_tensors; t++) {
        sum += state_hash_blocks(w->data[t], w->model.tensors[t].n_elems, first_block);
        first_block += block_count(w->model.tensors[t].n_elems);
    }
    return sum;
}

enum err weights_open(struct weights *w, const struct snapshot *s, struct arena *a)
{
    *w = (struct weights){.checkpoint = s->checkpoint};
    TRY(checkpoint_read_model(s->checkpoint, a, &w->model));
    TRY(map_all(w, a));
    TRY(load(w, a));
    uint64_t hash = hash_all(w);
    if (hash == s->saved.state_hash) return OK;
    return fail(ERR_CORRUPT, "%s: parameters hash to %016lx, saved was %016lx", s->checkpoint, hash,
                s->saved.state_hash);
}

void weights_close(struct weights *w)
{
    slab_close(&w->slab);
}

enum err weights_find(const struct weights *w, const char *name, size_t *out)
{
    for (size_t t = 0; t < w->model.n_tensors; t++)
        if (strcmp(w->model.tensors[t].name, name) == 0) {
            *out = t;
            return OK;
        }
    return fail(ERR_DATA, "%s has no tensor %s", w->checkpoint, name);
}
