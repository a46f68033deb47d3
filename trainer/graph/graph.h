#pragma once
// The graph: what one lane (one micro-batch of B rows of T tokens) computes, as tensors and nodes
// in execution order. Built from the run file by an architecture (trainer/graph/decoder.c),
// extended by its gradient (gradient.h), then planned (trainer/plan). It knows no rank, no address
// and no time.
//
// A tensor's shape is per lane. Running c lanes in lockstep stacks c copies of every activation:
// tensor t of lane l starts at l * elems(t). Every sum over rows stays inside a lane (I2 b), so
// stacking never changes bits.
//
// Letters: B rows a lane, T sequence, R = B*T positions, C width, H heads, K kv heads, D head size,
// F inner width, V vocabulary, L layers.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "trainer/kernel/dtype.h"

enum tensor_kind {
    TENSOR_ACTIVATION,
    TENSOR_PARAMETER, // gathered copy of a parameter, in the compute dtype
    TENSOR_GRADIENT,  // of a parameter: f32, one a lane
    // array of the batch (datad/client.h), by name; or "loss_scale" f32 [1]: 1 / step_loss_tokens
    TENSOR_INPUT,
    // filled once at start by a function of its node-independent attributes (rope table)
    TENSOR_CONSTANT,
    TENSOR_STATE, // lives across calls: KV cache
};

enum {
    TENSOR_DIMS = 4,
    NODE_INPUTS = 10,
    NODE_OUTPUTS = 4,
    GRAPH_NAME_BYTES = 64,
    TENSOR_NONE = -1,
    TENSOR_MAKE = -2, // only in a call of graph_node_into: the shape rule makes this output
    UNIT_NONE = -1
};

struct tensor {
    char name[GRAPH_NAME_BYTES]; // parameters: the logical name ("layers.3.attention.q.weight")
    enum tensor_kind kind;
    enum dtype type;
    int n_dims;
    size_t dims[TENSOR_DIMS];
    int parameter; // PARAMETER, GRADIENT: index into graph.parameters; else -1
    int unit;      // UNIT_NONE for activations
    double base;   // CONSTANT: base of the rotary angles it holds
};

enum initializer { INIT_NORMAL, INIT_ONES, INIT_ZEROS };

struct parameter {
    char name[GRAPH_NAME_BYTES];
    int n_dims;
    size_t dims[TENSOR_DIMS];
    size_t n_elems;
    int unit;
    enum initializer init;
    float init_std;
    bool decay;           // weight decay applies (matrices; not gains, biases)
    bool trainable;       // false: no gradient, no optimizer state (I8)
    int tensor, gradient; // tensor indices; gradient -1 before graph_differentiate or when frozen
};

// The parameters gathered together.
struct unit {
    char name[GRAPH_NAME_BYTES];       // "embedding", "layer.3", "head"
    int first_parameter, n_parameters; // contiguous in graph.parameters
};

// Attributes of a node: what its op's row reads. One struct for all ops keeps rows plain data.
struct attributes {
    size_t n_heads, n_kv_heads, head_size, sequence;
    float scale, eps, softcap, z_loss;
    double base;     // of rotary angles
    int activation;  // enum activation
    enum dtype type; // of CAST's output
    bool accumulate; // gradient outputs: add to what earlier nodes wrote
};

struct node {
    int op;
    int layer; // recompute group: nodes of one layer are recomputed together; -1 = never recomputed
    bool backward; // made by graph_differentiate
    int n_inputs, n_outputs;
    int inputs[NODE_INPUTS],
        outputs[NODE_OUTPUTS]; // tensor indices; TENSOR_NONE = optional and absent
    struct attributes attributes;
};

struct graph {
    struct arena *arena;
    struct tensor *tensors;
    struct node *nodes; // in execution order: forward nodes, then backward nodes
    struct parameter *parameters;
    struct unit *units;
    int n_tensors, n_nodes, n_parameters, n_units, n_layers;
    int n_forward_nodes;
    size_t rows, sequence; // B, T
    enum dtype compute;    // dtype of gathered parameters and matrix inputs
    int loss;              // tensor: f32 [R], per position; TENSOR_NONE in decode graphs
    int logits;            // decode graphs: f32 [R, V]
    int layer;             // recompute group given to nodes that are added from now on
    int tensor_capacity, node_capacity, parameter_capacity, unit_capacity;
};

/// An empty graph for lanes of rows x sequence positions. Local.
struct graph *graph_open(struct arena *a, size_t rows, size_t sequence, enum dtype compute);
/// Elements of tensor t (per lane). Local.
size_t graph_elems(const struct graph *g, int tensor);
size_t graph_bytes(const struct graph *g, int tensor);

/// Fills the data (graph_bytes) of a TENSOR_CONSTANT: rotary cos, sin of every position. Local.
void graph_fill_constant(const struct graph *g, int tensor, void *data);

// Building. Each returns the tensor's index. dims are read, names copied.

/// A tensor of n_dims <= TENSOR_DIMS (per lane) that no node makes yet. Local.
int graph_add_tensor(struct graph *g, enum tensor_kind kind, enum dtype type, const char *name,
                     int n_dims, const size_t *dims);
/// The batch array of that name, [R]; made once, found again later.
int graph_input(struct graph *g, const char *name, enum dtype type);
/// Parameters from now on are of this new unit; returns its index.
int graph_begin_unit(struct graph *g, const char *name);
/// A parameter of the current unit; returns its tensor.
int graph_parameter(struct graph *g, const char *name, int n_dims, const size_t *dims,
                    enum initializer init, float std, bool decay);

/// Appends a node: checks the op's shape rule and makes its outputs (TENSOR_ACTIVATION), whose
/// indices are in the returned node. The pointer is valid until the next node is added. Errors
/// (wrong shapes are programmer errors of the architecture): ASSERT with op and tensor names.
struct node *graph_node(struct graph *g, int op, int n_inputs, const int *inputs,
                        const struct attributes *attributes);
/// As graph_node, but the caller says where outputs go: a tensor (whose shape is checked),
/// TENSOR_NONE (not wanted) or TENSOR_MAKE. For nodes of the gradient (gradient_node): it is not
/// counted as a forward node.
struct node *graph_node_into(struct graph *g, int op, int n_inputs, const int *inputs,
                             const struct attributes *attributes, int n_outputs,
                             const int *outputs);
/// Names a tensor; longer names are cut.
void graph_name(struct graph *g, int tensor, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/// Index of the parameter of that name, or -1. Local.
int graph_find_parameter(const struct graph *g, const char *name);

/// Appends the gradient of the sum of graph.loss (times loss_scale) with respect to every trainable
/// parameter, as nodes. Afterwards parameters[i].gradient names the TENSOR_GRADIENT of parameter i.
/// Nodes whose results nobody needs are dropped (the tensors that only they used stay in the table
/// and need no memory). Frozen parameters get none (I8). HEAD_GRADIENT writes graph.loss too, so
/// HEAD goes. A gradient of an activation has the activation's type. Local. Errors: ERR_CONFIG when
/// the loss does not depend on a trainable parameter.
enum err graph_differentiate(struct graph *g) MUST_CHECK;
/// One line a node and a line a parameter, for people and golden tests.
char *graph_print(const struct graph *g, struct arena *a);

struct cost {
    // Of one lane. flops: matrix products and attention only (2 a multiply-add), causal attention
    // counted as the half it is, scores that the attention gradient forms again not counted;
    // everything else is bound by bytes: operands read and written once.
    double flops, bytes;
};
/// What node n of g costs, by its op's row. Local.
struct cost graph_node_cost(const struct graph *g, const struct node *n);
