#pragma once
// What the verbs of the executor share; included by execute*.c only.

#include "base/size.h"
#include "trainer/run/execute.h"

enum { TASK_ELEMS = 16 * BLOCK_ELEMS }; // of elementwise jobs: about 0.1 ms

// A step being executed.
struct execute_call {
    struct executor *e;
    const struct program_call *program;
    const struct section *section;
    const struct step *step;
    int index;
};

static inline void *execute_value(const struct executor *e, int value)
{
    return e->slab.data + e->plan->values[value].offset_bytes;
}

/// f32 of a kept segment (master, moments, slots) at its slab offset.
static inline float *execute_segment(const struct executor *e, size_t offset_bytes)
{
    return (float *)(void *)(e->slab.data + offset_bytes);
}

static inline bool execute_is_evaluation(const struct execute_call *c)
{
    return c->program->section == SECTION_EVALUATE || c->program->section == SECTION_EVALUATE_END;
}

static inline const struct lanes *execute_lanes(const struct execute_call *c)
{
    return execute_is_evaluation(c) ? &c->e->plan->eval_lanes->lanes : &c->e->plan->lanes->lanes;
}

/// Lanes of this rank in this round.
static inline struct range execute_round_lanes(const struct execute_call *c)
{
    return lanes_of_round(execute_lanes(c), fabric_rank(c->e->fabric), c->program->round);
}

/// Elements of unit that this rank keeps.
static inline struct range execute_kept(const struct execute_call *c)
{
    return ownership_kept_elems(c->e->plan->ownership, c->step->argument,
                                fabric_rank(c->e->fabric));
}

/// One function a verb; each does its step on this rank. Local: what has to meet other ranks is a
/// start/wait pair of the fabric queue. Errors: those of data and fabric; ERR_DIVERGED (decide).
enum err execute_fetch(const struct execute_call *c) MUST_CHECK;
enum err execute_cast(const struct execute_call *c) MUST_CHECK;
enum err execute_fold(const struct execute_call *c) MUST_CHECK;
enum err execute_accumulate(const struct execute_call *c) MUST_CHECK;
enum err execute_norm(const struct execute_call *c) MUST_CHECK;
enum err execute_decide(const struct execute_call *c) MUST_CHECK;
enum err execute_update(const struct execute_call *c) MUST_CHECK;
