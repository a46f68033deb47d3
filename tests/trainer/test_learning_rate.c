// The schedule against the plain formula with libm, and its landmarks.
#include "trainer/optim/learning_rate.h"

#include <math.h>

#include "tests/check.h"

static double plain(const struct learning_rate *r, double step)
{
    const double warmup = (double)r->warmup_steps, total = (double)r->total_steps;
    if (step < warmup) return r->peak * (step + 1) / warmup;
    if (r->decay == LEARNING_RATE_CONSTANT) return r->peak;
    const double progress = fmin(1, (step - warmup) / (total - warmup));
    const double left =
        r->decay == LEARNING_RATE_LINEAR ? 1 - progress : (1 + cos(acos(-1) * progress)) / 2;
    return r->peak * r->minimum_ratio + (r->peak - r->peak * r->minimum_ratio) * left;
}

static void check_shape(struct learning_rate r)
{
    for (uint64_t step = 0; step < r.total_steps + 10; step++) {
        const double rate = learning_rate_at(&r, step);
        CHECK(fabs(rate - plain(&r, (double)step)) <= 1e-12 * r.peak);
        CHECK(rate >= 0 && rate <= r.peak);
        if (step > r.warmup_steps) CHECK(rate <= learning_rate_at(&r, step - 1));
    }
    CHECK(learning_rate_at(&r, r.warmup_steps) == r.peak);
}

int main(void)
{
    for (int decay = LEARNING_RATE_CONSTANT; decay <= LEARNING_RATE_COSINE; decay++) {
        struct learning_rate r = {.decay = (enum learning_rate_decay)decay,
                                  .peak = 3e-4,
                                  .minimum_ratio = 0.1,
                                  .warmup_steps = 20,
                                  .total_steps = 977};
        check_shape(r);
        const double end = decay == LEARNING_RATE_CONSTANT ? r.peak : r.peak * r.minimum_ratio;
        CHECK(fabs(learning_rate_at(&r, 977) - end) < 1e-18);
        CHECK(learning_rate_at(&r, UINT64_MAX) == learning_rate_at(&r, 977));
        r.warmup_steps = 0;
        check_shape(r);
        r.minimum_ratio = 0;
        check_shape(r);
    }
    // Warm-up that never ends: total_steps within it.
    const struct learning_rate r = {LEARNING_RATE_COSINE, 1, 0.5, 100, 10};
    CHECK(learning_rate_at(&r, 50) == 0.51 && learning_rate_at(&r, 100) == 0.5);
    return 0;
}
