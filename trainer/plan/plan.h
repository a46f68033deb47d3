#pragma once
// The plan: everything that will happen in a phase of a run, fixed before step 0. It is one plan
// for all ranks; a rank's part (its blocks, its lanes, its slab) is a pure function of its index.
// Plain data: printed, hashed, checked, walked.
//
// A *section* is a short program: a list of steps in issue order. Each step belongs to one of three
// in-order queues (compute, fabric, file) and may wait for the end of an earlier step of another
// queue (`after`). A fabric operation is always a pair: X (fabric queue) and X_WAIT (compute
// queue). Nothing is unrolled over lanes or rounds: the program around it (plan/program.h) repeats
// sections.
//
//     lanes, repeated n_rounds times a step            update, once a step
//       fetch                                            norm    unit 0..
//       cast+gather unit 0, unit 1                       share / share_wait     losses, squares
//       gather_wait 0; run ..; release 0                 decide                 loss, norm, scale
//       cast+gather unit 2; gather_wait 1; run ..        update  unit 0..
//       ...                                          evaluate, evaluate_end, prepare, save, decode
//       fold unit 7; reduce unit 7; run .. (unit 6)
//       reduce_wait 7; accumulate 7
//
// Memory. A *value* is a piece of the slab with a size and an interval of steps in one section (or
// the whole run). Offsets are fixed here: values whose intervals overlap never overlap in the slab.
// Slab of rank r: [values][kept segments of r]; the first part is the same on all ranks.

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "trainer/graph/graph.h"
#include "trainer/plan/lanes.h"
#include "trainer/plan/ownership.h"

enum plan_queue { QUEUE_COMPUTE, QUEUE_FABRIC, QUEUE_FILE };

// One row a verb: name, queue, what its argument counts.
#define VERB_TABLE(X)                                                                        \
    X(FETCH, COMPUTE, "") /* the round's batches into the input values */                    \
    X(CAST, COMPUTE,                                                                         \
      "unit") /* own segment of the master, in the compute dtype, into the gathered value */ \
    X(GATHER, FABRIC, "unit")                                                                \
    X(GATHER_WAIT, COMPUTE, "unit")                                                          \
    X(RUN, COMPUTE, "node")                                                                  \
    X(RELEASE, COMPUTE, "unit") /* the gathered value is not read after this */              \
    X(LOSS, COMPUTE, "")        /* f64 sum of the loss of each lane of the round */          \
    X(FOLD, COMPUTE, "unit")    /* this rank's lanes of the round into its cover */          \
    X(REDUCE, FABRIC, "unit")                                                                \
    X(REDUCE_WAIT, COMPUTE, "unit")                                                          \
    X(ACCUMULATE, COMPUTE, "unit") /* received covers into the kept slots */                 \
    X(NORM, COMPUTE, "unit")       /* squares of home blocks, summed to tree nodes */        \
    X(SHARE, FABRIC, "")           /* all-gather of lane losses and tree nodes */            \
    X(SHARE_WAIT, COMPUTE, "")                                                               \
    X(DECIDE, COMPUTE, "") /* loss, norm, clipping scale; NaN stops everybody */             \
    X(UPDATE, COMPUTE, "unit")                                                               \
    X(SAVE, FILE, "")

enum verb {
#define X(name, queue, argument) VERB_##name,
    VERB_TABLE(X)
#undef X
        VERB_N
};

struct step {
    enum verb verb;
    int argument;      // unit or node; -1 = none
    int value;         // the value it fills, sends or frees; -1 = none
    int other;         // a second one: RECEIVED of a REDUCE
    int first_operand; // RUN: node's inputs then outputs, in plan.operands
    int after;         // index of a step of another queue that must have ended; -1 = none
};

struct operand {
    int value; // -1 = absent
    size_t offset_bytes;
    size_t lane_elems; // stride between lanes; 0 = shared
};

enum value_kind {
    VALUE_INPUT, // [lockstep] x batch array
    VALUE_LOSS_SCALE,
    VALUE_GATHERED,      // a unit in the compute dtype
    VALUE_ACTIVATION,    // [lockstep] x tensor
    VALUE_LANE_GRADIENT, // [lockstep] x unit space, f32
    VALUE_RECEIVED,      // [covers] x longest kept segment of a unit, f32
    VALUE_SCRATCH,
    VALUE_LANE_LOSS, // f64 [lanes], for the whole run
    VALUE_SHARE,     // f64: lane losses and tree nodes of all ranks, for the whole run
    VALUE_CONSTANT,  // for the whole run
    VALUE_STATE,
};

struct value {
    enum value_kind kind;
    int reference;   // tensor or unit; -1 = none
    int section;     // -1 = for the whole run
    int first, last; // steps of the section, inclusive
    size_t n_bytes, offset_bytes;
};

#define SECTION_TABLE(X)                                                                           \
    X(PREPARE, "prepare") /* before step 0 and after each update: whole parameters under ZeRO-0 */ \
    X(LANES, "lanes")     /* forward and backward of one round */                                  \
    X(UPDATE, "update")                                                                            \
    X(EVALUATE, "evaluate") /* forward of one round of validation lanes */                         \
    X(EVALUATE_END, "evaluate_end")                                                                \
    X(SAVE, "save")                                                                                \
    X(DECODE, "decode") /* sampling: rows of one sequence through the cache */

enum section_kind {
#define X(name, text) SECTION_##name,
    SECTION_TABLE(X)
#undef X
        SECTION_N
};

struct section {
    const struct graph *graph; // of its RUN steps; NULL if none
    struct step *steps;
    int n_steps;
    int scratch; // value that all its RUN steps share
};

struct plan_options {
    int n_ranks, n_nodes;
    uint64_t n_lanes, n_eval_lanes, lockstep; // lockstep 0 = all lanes of a rank
    uint64_t n_threads;                       // a rank; scratch memory depends on it
    int zero;                                 // 3 or 0
    bool recompute;
};

// Bytes of one rank's slab by what they are for; peak is their plan: offsets overlap, so it is not
// the sum.
struct plan_bytes {
    size_t parameters, gradients, optimizer; // kept segments: master; slots; moments
    size_t activations, gathered, buffers;   // most alive at once, each kind by itself
    size_t shared;                           // the part that is the same on all ranks
    size_t peak;                             // the slab
};

struct plan {
    struct arena *arena;
    struct plan_options options;
    const struct graph *train, *evaluate, *decode; // NULL where the plan has no such section
    struct ownership *ownership;
    struct lane_plan *lanes, *eval_lanes;
    struct section sections[SECTION_N];
    struct operand *operands;
    int n_operands;
    struct value *values;
    int n_values;
    size_t operands_capacity, values_capacity; // of the arrays, while they grow
    int lane_loss, share;                      // values
    uint64_t *share_first; // [n_ranks][n_units], + 1: first tree node of a rank's unit in the share
    size_t shared_bytes;
    struct hash128 hash;
};

// Where rank's kept segments start in its slab, in bytes, per unit. Slot s of unit u: slots[u] + s
// * (bytes of u's segment, aligned).
struct placement {
    size_t *master, *moment1, *moment2, *slots; // [n_units]
    size_t *segment_bytes; // [n_units] f32 bytes of the kept segment, aligned to 64
    size_t slab_bytes;
};

/// Plans a training phase: train is a differentiated graph, evaluate the same model without
/// gradient (or NULL). Both share parameters and units. Errors: ERR_CONFIG (more ranks than lanes).
/// Local; the same on all ranks.
enum err plan_build(struct arena *a, const struct graph *train, const struct graph *evaluate,
                    const struct plan_options *o, struct plan **out) MUST_CHECK;
/// Plans sampling on one rank, all parameters kept whole. Local.
enum err plan_build_decode(struct arena *a, const struct graph *decode, uint64_t n_threads,
                           struct plan **out) MUST_CHECK;

/// Local; lives in a.
struct placement plan_place(const struct plan *p, int rank, struct arena *a);
struct plan_bytes plan_bytes(const struct plan *p, int rank);
/// The invariants of a plan: every start has one wait after it, operands are alive where used,
/// values alive together do not overlap, each unit is reduced once a round after its last gradient,
/// ownership covers every block once, lane folds end in slot 0. Errors: ERR_INVARIANT naming
/// section and step.
enum err plan_check(const struct plan *p) MUST_CHECK;
/// The whole plan as text, one line a step. Lives in a.
char *plan_print(const struct plan *p, struct arena *a);

/// Names as they are printed, and the queue of a verb. Can't fail.
const char *verb_name(enum verb v);
enum plan_queue verb_queue(enum verb v);
const char *section_name(enum section_kind s);
/// Floating-point operations of one training step on all lanes, from the graph (recomputed work not
/// counted: MFU), and with it (HFU).
double plan_model_flops(const struct plan *p);
double plan_hardware_flops(const struct plan *p);
