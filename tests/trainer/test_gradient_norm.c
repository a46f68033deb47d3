// Clipping scales to the limit and refuses what is not finite.
#include "trainer/optim/gradient_norm.h"

#include <math.h>

#include "tests/check.h"

int main(void)
{
    float scale = -1;
    CHECK_OK(gradient_norm_scale(2, 1, &scale));
    CHECK(scale == 0.5f);
    CHECK_OK(gradient_norm_scale(0.5, 1, &scale));
    CHECK(scale == 1.0f);
    CHECK_OK(gradient_norm_scale(1e9, 0, &scale));
    CHECK(scale == 1.0f);
    CHECK_OK(gradient_norm_scale(0, 1, &scale));
    CHECK(scale == 1.0f);
    scale = -1;
    CHECK_ERR(gradient_norm_scale((double)NAN, 1, &scale), ERR_DIVERGED);
    CHECK_ERR(gradient_norm_scale((double)INFINITY, 0, &scale), ERR_DIVERGED);
    CHECK_LINE("gradient norm is inf");
    CHECK(scale == -1.0f);
    return 0;
}
