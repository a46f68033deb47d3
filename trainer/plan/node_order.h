#pragma once
// The order in which a graph's nodes run in one round, with layers recomputed in backward if the
// plan says so.

#include "trainer/graph/graph.h"

struct node_order_entry {
    int node;
    bool again; // recomputed: its outputs get new values
};

struct node_order {
    struct node_order_entry *entries;
    int n_entries;
};

/// Forward nodes, then backward nodes; with recompute, before the first backward node of a layer,
/// those of its forward nodes whose outputs its backward needs and that are not kept. Kept are only
/// tensors that other layers read. Lives in a. Local.
struct node_order node_order_build(struct arena *a, const struct graph *g, bool recompute);
