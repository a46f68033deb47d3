#pragma once
// The order of steps as played, one line a step: "STEP ROUND SECTION INDEX VERB ARGUMENT". The
// executor and the walker write the same.

#include <stdio.h>

#include "trainer/plan/program.h"

/// Appends a line to out (NULL = nothing). Local.
void trace_step(FILE *out, const struct plan *p, const struct program_call *call, int step);
