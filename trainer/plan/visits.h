#pragma once
// When a unit's gathered copy must exist: intervals of entries of the order. Uses of a unit with at
// most one other unit's use between them share a visit (a final norm around a tied output matrix,
// say), so nothing is gathered twice within a few steps.

#include "trainer/plan/node_order.h"

struct visit {
    int unit;
    int first, last; // entries, inclusive
};

struct visits {
    struct visit *items; // by first entry
    int n_items;
};

/// Local; lives in a.
struct visits visits_find(struct arena *a, const struct graph *g, const struct node_order *o);
