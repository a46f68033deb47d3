#pragma once
// AdamW (Loshchilov & Hutter 2019) on blocks: fp32 master weights and two moments, element by
// element, so that any cut over blocks, ranks and threads gives the same bits. The arithmetic is
// kernel/rows.h's adamw; here are its constants and the walk over blocks.
//
//     struct adamw step = adamw_step(&options, learning_rate_at(&rate, t), t, scale, decays);
//     adamw_update(&step, &state, pool);

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/pool.h"
#include "trainer/kernel/rows.h"

struct adamw_options {
    double beta1, beta2; // in [0, 1)
    double eps, weight_decay;
};

// What a rank holds of one tensor: n_elems f32 each, from its first own block on.
struct adamw_state {
    float *w, *m, *v; // weight, mean of gradients, mean of their squares
    const float *gradient;
    size_t n_elems;
};

/// The constants of the update that makes step + 1 out of step (0 for the first one).
/// decays: parameter.decay. Can't fail.
struct adamw adamw_step(const struct adamw_options *o, double learning_rate, uint64_t step,
                        float gradient_scale, bool decays);
/// One step on everything in s; m and v are zero before the first. Can't fail.
void adamw_update(const struct adamw *step, const struct adamw_state *s, struct pool *pool);
