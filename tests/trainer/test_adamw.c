// Twenty steps of AdamW against the textbook in f64, with clipping and decay; any cut and any
// number of threads gives the same bits.
#include "trainer/optim/adamw.h"

#include <math.h>

#include "base/rng.h"
#include "tests/check.h"
#include "trainer/kernel/isa.h"
#include "trainer/optim/block.h"

enum { N = 9 * BLOCK_ELEMS + 77, STEPS = 20 };

static const struct adamw_options OPTIONS = {0.9, 0.95, 1e-8, 0.1};

struct weights {
    float w[N], m[N], v[N];
};

static void weights_draw(struct weights *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    for (size_t i = 0; i < N; i++)
        s->w[i] = rng_normal(rng_key(seed, "w"), 0, i);
}

// Some gradients are always zero, some tiny, some large.
static void gradient_draw(float *gradient, uint64_t seed, uint64_t step)
{
    static const float scales[] = {1.0f, 0.0f, 1e-6f, 1e3f};
    for (size_t i = 0; i < N; i++)
        gradient[i] = scales[i % 4] * rng_normal(rng_key(seed, "gradient"), step, i);
}

static double rate(uint64_t step)
{
    return 1e-3 * (double)(step + 1);
}

static const float SCALE = 0.37f;

static void textbook(double *w, double *m, double *v, const float *gradient, uint64_t step,
                     bool decays)
{
    const double t = (double)step + 1, decay = decays ? OPTIONS.weight_decay : 0;
    for (size_t i = 0; i < N; i++) {
        const double g = (double)gradient[i] * (double)SCALE;
        m[i] = OPTIONS.beta1 * m[i] + (1 - OPTIONS.beta1) * g;
        v[i] = OPTIONS.beta2 * v[i] + (1 - OPTIONS.beta2) * g * g;
        const double mean = m[i] / (1 - pow(OPTIONS.beta1, t));
        const double square = v[i] / (1 - pow(OPTIONS.beta2, t));
        w[i] -= rate(step) * (mean / (sqrt(square) + OPTIONS.eps) + decay * w[i]);
    }
}

static void check_textbook(uint64_t seed, bool decays, struct pool *pool)
{
    static struct weights s;
    static double w[N], m[N], v[N];
    static float gradient[N];
    weights_draw(&s, seed);
    for (size_t i = 0; i < N; i++) {
        w[i] = (double)s.w[i];
        m[i] = v[i] = 0;
    }
    for (uint64_t step = 0; step < STEPS; step++) {
        gradient_draw(gradient, seed, step);
        const struct adamw constants = adamw_step(&OPTIONS, rate(step), step, SCALE, decays);
        adamw_update(&constants, &(struct adamw_state){s.w, s.m, s.v, gradient, N}, pool);
        textbook(w, m, v, gradient, step, decays);
    }
    for (size_t i = 0; i < N; i++) {
        CHECK(fabs((double)s.w[i] - w[i]) <= 2e-6 * (1 + fabs(w[i])));
        CHECK(fabs((double)s.m[i] - m[i]) <= 1e-6 * (fabs(m[i]) + sqrt(v[i])));
        CHECK(fabs((double)s.v[i] - v[i]) <= 1e-5 * fabs(v[i]));
    }
}

// Steps on parts of whole blocks; cut is the first block of the second part.
static void steps(struct weights *s, uint64_t seed, size_t cut, struct pool *pool)
{
    static float gradient[N];
    const size_t at = cut * BLOCK_ELEMS;
    weights_draw(s, seed);
    for (uint64_t step = 0; step < 3; step++) {
        gradient_draw(gradient, seed, step);
        const struct adamw constants = adamw_step(&OPTIONS, rate(step), step, SCALE, true);
        const struct adamw_state left = {s->w, s->m, s->v, gradient, at};
        const struct adamw_state right = {s->w + at, s->m + at, s->v + at, gradient + at, N - at};
        adamw_update(&constants, &right, pool);
        adamw_update(&constants, &left, pool);
    }
}

int main(int argc, char **argv)
{
    static struct weights whole, cut;
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    struct pool *one, *three;
    arena_init(&a, "test_adamw");
    CHECK_OK(pool_open(&a, 1, &one));
    CHECK_OK(pool_open(&a, 3, &three));
    check_textbook(seed, true, one);
    check_textbook(seed, false, three);
    steps(&whole, seed, 0, one);
    for (size_t blocks = 0; blocks <= 9; blocks += 3) {
        isa_set(blocks % 2 ? ISA_SCALAR : ISA_AMX);
        steps(&cut, seed, blocks, blocks % 2 ? one : three);
        CHECK(memcmp(&whole, &cut, sizeof whole) == 0);
    }
    pool_close(three);
    pool_close(one);
    arena_fini(&a);
    return 0;
}
