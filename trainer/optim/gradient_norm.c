#include "trainer/optim/gradient_norm.h"

#include <math.h>

enum err gradient_norm_scale(double norm, double limit, float *scale)
{
    if (!isfinite(norm)) return fail(ERR_DIVERGED, "gradient norm is %g", norm);
    *scale = limit > 0 && norm > limit ? (float)(limit / norm) : 1.0f;
    return OK;
}
