#pragma once
// The program around the sections: which section runs when, in a phase of a run. Both executors
// follow it.
//
//   prepare   step 0: lanes x rounds, update, prepare   [evaluate x rounds, evaluate_end]   [save]
//             step 1: ...

#include "trainer/plan/plan.h"

struct program_options {
    uint64_t first_step, last_step;  // of the run: steps [first, last) are made
    uint64_t eval_every, save_every; // 0 = never / only at the end
    bool save_at_end;
};

struct program_call {
    enum section_kind section;
    uint64_t step, round;
};

struct program {
    const struct plan *plan;
    struct program_options options;
    uint64_t step, round;
    int stage;     // what comes next within the step
    bool save_now; // ask for a save after this step, and an end after it (preemption)
};

/// Starts before step o->first_step; borrows plan. Local.
void program_begin(struct program *p, const struct plan *plan, const struct program_options *o);
/// The next section to run, or false when the phase is over. Local.
bool program_next(struct program *p, struct program_call *out);
/// True after the last section of a step, but for its save. Local.
bool program_step_ended(const struct program *p);
