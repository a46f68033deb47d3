#pragma once
// Builds the sections of a plan: steps, operands and values with their intervals; offsets come
// later (slab_layout.h). Used by plan.c only.

#include "trainer/plan/plan.h"

/// Fills p->sections[section] with one round of graph (its forward, and its backward if it has
/// one). lanes is the round plan that says how many lanes run in lockstep. Local.
void section_build_round(struct plan *p, enum section_kind section, const struct graph *graph,
                         const struct lane_plan *lanes);
/// Norm, share, decide, update.
void section_build_update(struct plan *p);
/// Share, decide: the loss of an evaluation.
void section_build_evaluate_end(struct plan *p);
/// Casts of all units where parameters are kept whole, nothing elsewhere; and the values they fill.
void section_build_prepare(struct plan *p);
void section_build_save(struct plan *p);
/// A value that lives for the whole run; returns its index.
int section_add_run_value(struct plan *p, enum value_kind kind, int reference, size_t n_bytes);
