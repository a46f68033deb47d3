#pragma once
// The executor that does the work: walks the steps of a section on a real rank (its twin is
// run/walk.h). One function a verb. After the first step of a phase it allocates nothing.

#include <stdio.h>

#include "base/pool.h"
#include "datad/client.h"
#include "topology/fabric.h"
#include "trainer/config.h"
#include "trainer/graph/op.h"
#include "trainer/plan/collective.h"
#include "trainer/plan/program.h"
#include "trainer/run/slab.h"

// Where the time of a step goes, ns of this rank.
enum execute_time { TIME_COMPUTE, TIME_DATA, TIME_FABRIC, TIME_OPTIMIZER, TIME_SAVE, TIME_N };

struct execute_result {
    double loss, gradient_norm, validation_loss; // global: the same on all ranks
    double learning_rate;
    uint64_t loss_tokens; // of the step, all lanes
    bool validated;
    bool stop; // some rank was asked to save and end
};

// What this rank has asked its client for and taken: it takes its lanes in one order, step after
// step, and asks ahead in the same order.
struct fetch {
    uint64_t n_asked, n_taken;
};

typedef enum err (*execute_save_fn)(void *context, uint64_t step);

struct executor {
    const struct config *config; // of the phase
    const struct plan *plan;
    struct placement at;
    struct slab slab;
    struct fabric *fabric;
    struct pool *pool;
    struct client *train, *validation; // NULL = none: the caller fills the inputs
    execute_save_fn save;
    void *save_context;
    FILE *trace; // NULL = none

    struct collective collective;
    struct fabric_ticket *tickets;  // per step of a section
    uint64_t sequence;              // of the next collective: equal on all ranks
    uint64_t schedule_steps;        // of the whole run: the learning rate's horizon
    uint64_t first_step, last_step; // of the phase under way: steps [first, last) are made
    struct fetch train_ahead, validation_ahead;
    uint64_t eval_tokens;
    struct hash128 history; // of the training rows up to the step fetched last (datad/client.h)
    float clip_scale;
    bool warm;        // the phase's first step is done: no allocation from here on
    uint64_t step;    // under way
    bool stop_wanted; // this rank was asked to save and end
    uint64_t state_position, state_rows; // decode: first new position, rows that count
    struct execute_result result;
    uint64_t time_ns[TIME_N], verb_ns[VERB_N], verb_calls[VERB_N], op_ns[OP_N], op_calls[OP_N];
    struct cost op_cost[OP_N]; // what the cost rules say of the calls made
};

/// Maps the slab and prepares the executor for plan on this rank. Borrows all; a keeps its tables.
/// Local.
enum err execute_open(struct executor *e, struct arena *a) MUST_CHECK;
void execute_close(struct executor *e);
/// Runs one section. Collective. Errors: what its verbs give; ERR_DIVERGED when loss or norm is not
/// finite (on all ranks alike).
enum err execute_section(struct executor *e, const struct program_call *call) MUST_CHECK;
/// Address of tensor t of section's graph (its index there): an input that the caller fills before
/// execute_section, where no client does; an activation that nothing later in the section needs the
/// place of, as logits and losses, after it; a state. NULL when the plan has no such value. Local.
void *execute_tensor(const struct executor *e, enum section_kind section, int t);
/// As execute_tensor, of the batch array of that name.
void *execute_input(const struct executor *e, enum section_kind section, const char *name);
/// Fills the values that never change (rotary tables). Called by execute_open. Local.
void execute_fill_constants(struct executor *e);
