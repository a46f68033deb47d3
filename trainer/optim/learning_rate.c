#include "trainer/optim/learning_rate.h"

#include "base/dmath.h"

// How much of the way from peak to minimum is left, 1 at the end of warm-up, 0 from total_steps on.
static double decay_left(const struct learning_rate *r, uint64_t step)
{
    if (step >= r->total_steps) return 0;
    const double progress =
        (double)(step - r->warmup_steps) / (double)(r->total_steps - r->warmup_steps);
    if (r->decay == LEARNING_RATE_LINEAR) return 1 - progress;
    return 0.5 * (1 + dmath_cos(0x1.921fb54442d18p+1 * progress));
}

double learning_rate_at(const struct learning_rate *r, uint64_t step)
{
    if (step < r->warmup_steps) return r->peak * ((double)(step + 1) / (double)r->warmup_steps);
    if (r->decay == LEARNING_RATE_CONSTANT) return r->peak;
    return r->peak * (r->minimum_ratio + (1 - r->minimum_ratio) * decay_left(r, step));
}
