#include "trainer/plan/slab_layout.h"

#include <stdlib.h>

#include "base/size.h"

bool slab_layout_overlap_in_time(const struct value *a, const struct value *b)
{
    if (a->section < 0 || b->section < 0) return true;
    return a->section == b->section && a->first <= b->last && b->first <= a->last;
}

static int by_size(const void *a, const void *b)
{
    const struct value *const *x = a, *const *y = b;
    if ((*x)->n_bytes != (*y)->n_bytes) return (*x)->n_bytes < (*y)->n_bytes ? 1 : -1;
    return *x < *y ? -1 : *x > *y;
}

static int by_offset(const void *a, const void *b)
{
    const struct value *const *x = a, *const *y = b;
    if ((*x)->offset_bytes != (*y)->offset_bytes)
        return (*x)->offset_bytes < (*y)->offset_bytes ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

// Lowest offset >= base where v fits between the placed values that are alive with it.
static size_t lowest_fit(const struct value *v, struct value **placed, int n_placed,
                         struct value **conflicts, size_t base)
{
    size_t n = 0;
    for (int i = 0; i < n_placed; i++)
        if (slab_layout_overlap_in_time(v, placed[i])) conflicts[n++] = placed[i];
    qsort(conflicts, n, sizeof *conflicts, by_offset);
    size_t at = base;
    for (size_t i = 0; i < n; i++) {
        if (at + v->n_bytes <= conflicts[i]->offset_bytes) break;
        at = size_max(at, conflicts[i]->offset_bytes + conflicts[i]->n_bytes);
    }
    return at;
}

static size_t layout_section(struct plan *p, int section, struct value **sorted,
                             struct value **conflicts, size_t base)
{
    int n = 0;
    for (int v = 0; v < p->n_values; v++)
        if (p->values[v].section == section) sorted[n++] = &p->values[v];
    qsort(sorted, (size_t)n, sizeof *sorted, by_size);
    size_t end = base;
    for (int i = 0; i < n; i++) {
        sorted[i]->offset_bytes = lowest_fit(sorted[i], sorted, i, conflicts, base);
        end = size_max(end, sorted[i]->offset_bytes + sorted[i]->n_bytes);
    }
    return end;
}

void slab_layout_values(struct plan *p)
{
    size_t base = 0;
    for (int v = 0; v < p->n_values; v++) {
        if (p->values[v].section >= 0) continue;
        p->values[v].offset_bytes = base;
        base += p->values[v].n_bytes;
    }
    size_t n = (size_t)p->n_values;
    struct value **sorted = ARENA_ARRAY(p->arena, struct value *, n);
    struct value **conflicts = ARENA_ARRAY(p->arena, struct value *, n);
    p->shared_bytes = base;
    for (int s = 0; s < SECTION_N; s++)
        p->shared_bytes = size_max(p->shared_bytes, layout_section(p, s, sorted, conflicts, base));
}
