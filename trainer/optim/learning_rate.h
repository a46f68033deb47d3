#pragma once
// The learning rate as a pure function of the step, in our own f64 arithmetic (I2). Linear warm-up,
// then constant, or linear or cosine (Loshchilov & Hutter 2017) decay to a share of the peak:
//
//     peak |      ____
//          |    /      \__
//          |  /            \__  minimum_ratio * peak
//          |/                  \______________
//          0   warmup_steps    total_steps

#include <stdint.h>

enum learning_rate_decay { LEARNING_RATE_CONSTANT, LEARNING_RATE_LINEAR, LEARNING_RATE_COSINE };

struct learning_rate {
    enum learning_rate_decay decay;
    double peak, minimum_ratio;         // minimum_ratio in [0, 1]
    uint64_t warmup_steps, total_steps; // decay ends at total_steps
};

/// Rate of the update that makes step + 1 out of step (0 for the first one): peak * (step + 1) /
/// warmup_steps during warm-up, the peak at step warmup_steps, peak * minimum_ratio from
/// total_steps on. Can't fail.
double learning_rate_at(const struct learning_rate *r, uint64_t step);
