#pragma once
// Clipping by the global norm of the gradient, which trainer/run/execute_update.c sums.

#include "base/err.h"

/// What to multiply gradients with so that their norm is at most limit (0 = no limit).
/// Errors: ERR_DIVERGED when norm is not finite.
enum err gradient_norm_scale(double norm, double limit, float *scale) MUST_CHECK;
