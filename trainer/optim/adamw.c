#include "trainer/optim/adamw.h"

#include "base/dmath.h"
#include "trainer/optim/block.h"

enum { TASK_ELEMS = 8 * BLOCK_ELEMS };

// 1 - beta^n for the beta that the kernel sees, which is an f32.
static float bias(float beta, uint64_t n)
{
    if (beta == 0.0f) return 1.0f;
    return (float)(1 - dmath_pow((double)beta, (double)n));
}

struct adamw adamw_step(const struct adamw_options *o, double learning_rate, uint64_t step,
                        float gradient_scale, bool decays)
{
    const float beta1 = (float)o->beta1, beta2 = (float)o->beta2;
    ASSERT(beta1 >= 0.0f && beta1 < 1.0f && beta2 >= 0.0f && beta2 < 1.0f);
    return (struct adamw){.lr = (float)learning_rate,
                          .beta1 = beta1,
                          .beta2 = beta2,
                          .eps = (float)o->eps,
                          .weight_decay = decays ? (float)o->weight_decay : 0.0f,
                          .bias1 = bias(beta1, step + 1),
                          .bias2 = bias(beta2, step + 1),
                          .gradient_scale = gradient_scale};
}

struct update {
    const struct adamw *step;
    const struct adamw_state *state;
};

static void update_task(void *context, size_t task_idx, size_t thread_idx)
{
    const struct update *u = context;
    const struct adamw_state *s = u->state;
    (void)thread_idx;
    const size_t first = task_idx * TASK_ELEMS;
    const size_t n = size_min(TASK_ELEMS, s->n_elems - first);
    rows_kernels()->adamw(u->step, s->w + first, s->m + first, s->v + first, s->gradient + first,
                          n);
}

void adamw_update(const struct adamw *step, const struct adamw_state *s, struct pool *pool)
{
    struct update u = {step, s};
    pool_run(pool, size_ceil_div(s->n_elems, TASK_ELEMS), update_task, &u);
}
