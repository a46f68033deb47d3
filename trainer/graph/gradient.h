#pragma once
// Reverse-mode differentiation as graph: walks the forward nodes backwards and lets each op's row
// append the nodes of its gradient. An activation used several times gets its parts added by ADD
// nodes, in the order of the walk. A parameter's gradient is one tensor that ops write; every write
// but the first accumulates.
//
// In a row's gradient function:
//     struct node n = d->g->nodes[node]; // by value: the list moves when nodes are added
//     int dy = gradient_of(d, n.outputs[0]);
//     if (gradient_wanted(d, n.inputs[0]))
//         gradient_add(d, n.inputs[0], gradient_node(d, OP_..., ...)->outputs[0]);

#include "trainer/graph/graph.h"

struct gradient {
    struct graph *g;
    int n_tensors; // forward tensors; those of the gradient have none themselves
    int *of;       // [n_tensors] gradient of each, TENSOR_NONE before any part came
    bool *wanted;  // [n_tensors] it depends on a trainable parameter
    int layer;     // recompute group of the forward node being differentiated
};

/// Starts on a graph without backward nodes; wanted is what depends on trainable parameters. Local.
struct gradient *gradient_begin(struct graph *g);
/// Wants the gradient of a tensor that nothing produces (tests), and of all that depends on it.
void gradient_want(struct gradient *d, int tensor);
/// Appends the gradients of all forward nodes that have a gradient to pass on, last first.
void gradient_walk(struct gradient *d);

/// The gradient of a tensor, complete once all its users are done; TENSOR_NONE if there is none.
int gradient_of(const struct gradient *d, int tensor);
/// Whether the gradient of a tensor is needed; TENSOR_NONE is not.
bool gradient_wanted(const struct gradient *d, int tensor);
/// Adds a part to a tensor's gradient; cast to the tensor's type when it differs.
void gradient_add(struct gradient *d, int tensor, int part);
/// The tensor to write the gradient of a parameter to, made at its first use; TENSOR_NONE when
/// frozen or absent. *accumulate (may be NULL): earlier nodes wrote to it.
int gradient_parameter(struct gradient *d, int tensor, bool *accumulate);
/// Appends a backward node. The pointer is valid until the next.
struct node *gradient_node(struct gradient *d, int op, int n_inputs, const int *inputs,
                           const struct attributes *attributes, int n_outputs, const int *outputs);
