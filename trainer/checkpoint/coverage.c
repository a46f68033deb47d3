#include "trainer/checkpoint/coverage.h"

#include <stdlib.h>

static const char *const names[CHECKPOINT_COMPONENTS] = {"master", "moment1", "moment2"};

const char *coverage_component_name(uint32_t component)
{
    return component < CHECKPOINT_COMPONENTS ? names[component] : "?";
}

void coverage_begin(struct coverage *c, const char *folder, const struct checkpoint_model *model,
                    struct arena *a)
{
    *c = (struct coverage){.folder = folder, .model = model, .arena = a};
}

static bool fits(const struct checkpoint_model *model, const struct part_piece *p)
{
    if (p->tensor >= model->n_tensors || p->component >= CHECKPOINT_COMPONENTS) return false;
    const struct checkpoint_tensor *t = &model->tensors[p->tensor];
    if (p->component > 0 && !t->has_moments) return false;
    return p->first_elem < t->n_elems && p->n_elems <= t->n_elems - p->first_elem;
}

enum err coverage_add(struct coverage *c, const struct part_piece *piece)
{
    if (!fits(c->model, piece))
        return fail(ERR_DATA,
                    "%s: a piece of tensor %lu, component %u, elements from %lu does not fit the "
                    "model in the manifest",
                    c->folder, piece->tensor, piece->component, piece->first_elem);
    c->pieces = ARENA_GROW(c->arena, struct part_piece, c->pieces, c->n_pieces + 1, &c->capacity);
    c->pieces[c->n_pieces++] = *piece;
    return OK;
}

static int by_place(const void *a, const void *b)
{
    const struct part_piece *x = a, *y = b;
    if (x->tensor != y->tensor) return x->tensor < y->tensor ? -1 : 1;
    if (x->component != y->component) return x->component < y->component ? -1 : 1;
    return x->first_elem < y->first_elem ? -1 : x->first_elem > y->first_elem;
}

// The pieces of one component of one tensor, from *next on, lie end to end.
static enum err check_component(const struct coverage *c, uint64_t tensor, uint32_t component,
                                size_t *next)
{
    const struct checkpoint_tensor *t = &c->model->tensors[tensor];
    uint64_t at = 0;
    for (; *next < c->n_pieces; (*next)++) {
        const struct part_piece *p = &c->pieces[*next];
        if (p->tensor != tensor || p->component != component) break;
        if (p->first_elem < at)
            return fail(ERR_DATA, "%s: %s of %s holds element %lu twice", c->folder,
                        names[component], t->name, p->first_elem);
        if (p->first_elem > at) break;
        at += p->n_elems;
    }
    if (at == t->n_elems) return OK;
    return fail(ERR_DATA, "%s: %s of %s lacks element %lu", c->folder, names[component], t->name,
                at);
}

enum err coverage_check(struct coverage *c)
{
    if (c->n_pieces > 0) qsort(c->pieces, c->n_pieces, sizeof *c->pieces, by_place);
    size_t next = 0;
    for (uint64_t t = 0; t < c->model->n_tensors; t++) {
        uint32_t n_components = c->model->tensors[t].has_moments ? CHECKPOINT_COMPONENTS : 1;
        for (uint32_t k = 0; k < n_components; k++)
            TRY(check_component(c, t, k, &next));
    }
    ASSERT(next == c->n_pieces); // each piece fits some component: coverage_add
    return OK;
}
