// Kernels of rows against plain f64 code, and their gradients against central differences of that
// code. Bits across instruction sets and cuts are test_rows's business, so one set will do here.
#include "trainer/kernel/rows.h"

#include <math.h>

#include "base/rng.h"
#include "tests/check.h"

enum { N_ROWS = 5, WIDTH = 70, N = N_ROWS * WIDTH, MANY_ROWS = 230 };
static const float EPS = 1e-5f;

// Operands in both formats; the f64 code reads the rounded values, so that only arithmetic differs.
struct operand_pair {
    float f32[MANY_ROWS * WIDTH];
    uint16_t bf16[MANY_ROWS * WIDTH];
};

static void draw(struct operand_pair *p, uint64_t seed, const char *name, size_t n, float scale)
{
    const uint64_t key = rng_key(seed, name);
    for (size_t i = 0; i < n; i++) {
        p->bf16[i] = bf16_from_f32(scale * rng_normal(key, 0, i));
        p->f32[i] = bf16_to_f32(p->bf16[i]);
    }
}

static const void *of(const struct operand_pair *p, enum dtype t)
{
    return t == DTYPE_F32 ? (const void *)p->f32 : (const void *)p->bf16;
}

static double value(const void *data, enum dtype t, size_t i)
{
    return (double)(t == DTYPE_F32 ? ((const float *)data)[i]
                                   : bf16_to_f32(((const uint16_t *)data)[i]));
}

// |got - want| <= relative * (|want| + scale); a bf16 result may be off by another half ulp.
struct tolerance {
    double relative, scale;
};

static void near(const char *what, size_t i, const void *got, enum dtype t, double want,
                 struct tolerance allowed)
{
    const double bound = allowed.relative * (fabs(want) + allowed.scale) +
                         (t == DTYPE_BF16 ? 0x1p-8 * fabs(want) + 0x1p-133 : 0);
    const double actual = value(got, t, i);
    if (fabs(actual - want) <= bound) return;
    check_failed(__FILE__, __LINE__, "%s[%zu] %s is %.9g, wanted %.9g within %g", what, i,
                 dtype_name(t), actual, want, bound);
}

static double activation(enum activation f, double x)
{
    switch (f) {
    case ACTIVATION_GELU:
        return 0.5 * x * (1 + erf(x * sqrt(0.5)));
    case ACTIVATION_GELU_TANH:
        return 0.5 * x * (1 + tanh(sqrt(2 / acos(-1)) * (x + 0.044715 * x * x * x)));
    case ACTIVATION_SILU:
        return x / (1 + exp(-x));
    case ACTIVATION_RELU2:
        break;
    }
    return x > 0 ? x * x : 0;
}

static void check_activations(void)
{
    enum { POINTS = 4001 };
    static const float far[] = {-1e4f, -200.0f, -88.0f, 88.0f, 200.0f, 1e4f, 0.0f};
    static float x[POINTS], ones[POINTS], y[POINTS], dx[POINTS];
    for (size_t i = 0; i < POINTS; i++) {
        x[i] = 0.005f * ((float)i - 2000.0f);
        ones[i] = 1;
    }
    memcpy(x, far, sizeof far);
    for (int k = ACTIVATION_GELU; k <= ACTIVATION_RELU2; k++) {
        const enum activation f = (enum activation)k;
        rows_kernels()->activate(f, x, DTYPE_F32, y, DTYPE_F32, POINTS);
        rows_kernels()->activate_gradient(f, x, DTYPE_F32, ones, DTYPE_F32, dx, DTYPE_F32, POINTS);
        for (size_t i = 0; i < POINTS; i++) {
            const double at = (double)x[i], h = 1e-6;
            const double slope = (activation(f, at + h) - activation(f, at - h)) / (2 * h);
            near("activation", i, y, DTYPE_F32, activation(f, at), (struct tolerance){4e-7, 1});
            near("activation slope", i, dx, DTYPE_F32, slope, (struct tolerance){1e-6, 1});
        }
    }
}

// One row of a norm in f64: centred for layernorm.
static void norm_row(const double *x, const double *gain, const double *bias, int centred,
                     double *y)
{
    double mean = 0, square = 0;
    for (size_t j = 0; j < WIDTH; j++)
        mean += x[j] / WIDTH;
    if (!centred) mean = 0;
    for (size_t j = 0; j < WIDTH; j++)
        square += (x[j] - mean) * (x[j] - mean) / WIDTH;
    for (size_t j = 0; j < WIDTH; j++)
        y[j] = (x[j] - mean) / sqrt(square + (double)EPS) * gain[j] + bias[j];
}

struct norm_case {
    struct operand_pair x, gain, bias, dy;
    enum dtype t;
    int centred;
};

struct norm_values {
    double x[WIDTH], gain[WIDTH], bias[WIDTH], dy[WIDTH];
};

static void norm_values(const struct norm_case *c, size_t row, struct norm_values *v)
{
    for (size_t j = 0; j < WIDTH; j++) {
        v->x[j] = (double)c->x.f32[row * WIDTH + j];
        v->dy[j] = (double)c->dy.f32[row * WIDTH + j];
        v->gain[j] = (double)c->gain.f32[j];
        v->bias[j] = c->centred ? (double)c->bias.f32[j] : 0;
    }
}

// sum of dy * y, differentiated by *at.
static double norm_slope(struct norm_values *v, double *at, int centred)
{
    const double h = 1e-5, before = *at;
    double y[2][WIDTH], slope = 0;
    *at = before + h;
    norm_row(v->x, v->gain, v->bias, centred, y[1]);
    *at = before - h;
    norm_row(v->x, v->gain, v->bias, centred, y[0]);
    *at = before;
    for (size_t j = 0; j < WIDTH; j++)
        slope += v->dy[j] * (y[1][j] - y[0][j]) / (2 * h);
    return slope;
}

struct norm_results {
    float y[N], dx[N], moments[2 * N_ROWS], d_gain[WIDTH], d_bias[WIDTH];
};

static void norm_run(const struct norm_case *c, struct norm_results *r)
{
    const struct rows_kernels *k = rows_kernels();
    const void *x = of(&c->x, c->t), *gain = of(&c->gain, c->t), *dy = of(&c->dy, c->t);
    if (c->centred) {
        k->layernorm(x, c->t, gain, of(&c->bias, c->t), c->t, r->y, c->t, r->moments, N_ROWS, WIDTH,
                     EPS);
        k->layernorm_gradient(x, c->t, gain, c->t, dy, c->t, r->moments, r->dx, c->t, N_ROWS,
                              WIDTH);
    } else {
        k->rmsnorm(x, c->t, gain, c->t, r->y, c->t, r->moments, N_ROWS, WIDTH, EPS);
        k->rmsnorm_gradient(x, c->t, gain, c->t, dy, c->t, r->moments, r->dx, c->t, N_ROWS, WIDTH);
    }
    k->column_sums(x, c->t, dy, c->t, c->centred ? r->moments : NULL,
                   c->centred ? NULL : r->moments, r->d_gain, r->d_bias, 0, N_ROWS, WIDTH, 0,
                   WIDTH);
}

static void check_norm(enum dtype t, int centred, uint64_t seed)
{
    static struct norm_case c;
    static struct norm_results r;
    double d_gain[WIDTH] = {0}, d_bias[WIDTH] = {0};
    c.t = t;
    c.centred = centred;
    draw(&c.x, seed, "x", N, 1.5f);
    draw(&c.gain, seed, "gain", WIDTH, 1);
    draw(&c.bias, seed, "bias", WIDTH, 1);
    draw(&c.dy, seed, "dy", N, 1);
    norm_run(&c, &r);
    for (size_t i = 0; i < N_ROWS; i++) {
        struct norm_values v;
        double y[WIDTH];
        norm_values(&c, i, &v);
        norm_row(v.x, v.gain, v.bias, centred, y);
        for (size_t j = 0; j < WIDTH; j++) {
            const size_t at = i * WIDTH + j;
            near("norm", at, r.y, t, y[j], (struct tolerance){1e-6, 1});
            near("norm dx", at, r.dx, t, norm_slope(&v, &v.x[j], centred),
                 (struct tolerance){2e-6, 2});
            d_gain[j] += norm_slope(&v, &v.gain[j], centred);
            d_bias[j] += v.dy[j];
        }
    }
    for (size_t j = 0; j < WIDTH; j++) {
        near("d_gain", j, r.d_gain, DTYPE_F32, d_gain[j], (struct tolerance){2e-6, 2});
        near("d_bias", j, r.d_bias, DTYPE_F32, d_bias[j], (struct tolerance){2e-6, 2});
    }
}

// The tree of base/tree.h over groups [first, first + size): a left half of the largest power of
// two below the count.
static float group_tree(const float *groups, size_t n)
{
    if (n == 0) return 0;
    if (n == 1) return groups[0];
    size_t half = 1;
    while (2 * half < n)
        half *= 2;
    return group_tree(groups, half) + group_tree(groups + half, n - half);
}

// Column sums follow their documented order to the bit.
static void check_column_order(uint64_t seed)
{
    static struct operand_pair x, dy;
    static float inverse[MANY_ROWS], d_gain[WIDTH], d_bias[WIDTH];
    draw(&x, seed, "x", MANY_ROWS * WIDTH, 1);
    draw(&dy, seed, "dy", MANY_ROWS * WIDTH, 1);
    for (size_t i = 0; i < MANY_ROWS; i++)
        inverse[i] = 0.5f + rng_uniform(seed, 7, i);
    for (size_t n_rows = 0; n_rows <= MANY_ROWS; n_rows += 23) {
        rows_kernels()->column_sums(x.f32, DTYPE_F32, dy.f32, DTYPE_F32, NULL, inverse, d_gain,
                                    d_bias, 0, n_rows, WIDTH, 0, WIDTH);
        for (size_t j = 0; j < WIDTH; j++) {
            float gain[MANY_ROWS] = {0}, bias[MANY_ROWS] = {0};
            for (size_t i = 0; i < n_rows; i++) {
                const float slope = dy.f32[i * WIDTH + j], xhat = x.f32[i * WIDTH + j] * inverse[i];
                gain[i / 32] = fmaf(slope, xhat, gain[i / 32]);
                bias[i / 32] += slope;
            }
            CHECK(d_gain[j] == group_tree(gain, (n_rows + 31) / 32));
            CHECK(d_bias[j] == group_tree(bias, (n_rows + 31) / 32));
        }
    }
}

// Sums follow their documented order to the bit, and are exact to f64.
static void check_sums(uint64_t seed)
{
    static struct operand_pair x;
    draw(&x, seed, "sums", 4096, 1);
    for (size_t n = 0; n <= 4096; n = 2 * n + 1) {
        double part[16] = {0}, squares[16] = {0};
        for (size_t i = 0; i < n; i++) {
            part[i % 16] += (double)x.f32[i];
            squares[i % 16] += (double)x.f32[i] * (double)x.f32[i];
        }
        for (size_t half = 8; half >= 1; half /= 2)
            for (size_t k = 0; k < half; k++) {
                part[k] += part[k + half];
                squares[k] += squares[k + half];
            }
        CHECK(rows_kernels()->sum(x.f32, n) == part[0]);
        CHECK(rows_kernels()->sum_squares(x.f32, n) == squares[0]);
    }
}

static void check_rope(enum dtype t, uint64_t seed)
{
    enum { HEADS = 5, SIZE = 14, POSITIONS = 3000, HALF = SIZE / 2 };
    static struct operand_pair x;
    static float y[N], back[N], table[POSITIONS * SIZE];
    static const int32_t positions[N_ROWS] = {0, 1, 17, 2999, 1};
    draw(&x, seed, "rope", N, 1);
    rows_rope_table(table, POSITIONS, SIZE, 10000);
    rows_kernels()->rope(of(&x, t), t, positions, table, 1, y, t, N_ROWS, HEADS, SIZE);
    rows_kernels()->rope(y, t, positions, table, -1, back, t, N_ROWS, HEADS, SIZE);
    for (size_t i = 0; i < N; i++) {
        const size_t row = i / WIDTH, pair = i % SIZE % HALF, left = i - i % SIZE + pair;
        const double angle = positions[row] * pow(10000, -2.0 * (double)pair / SIZE);
        const double a = (double)x.f32[left], b = (double)x.f32[left + HALF];
        const double want =
            i == left ? a * cos(angle) - b * sin(angle) : b * cos(angle) + a * sin(angle);
        near("rope", i, y, t, want, (struct tolerance){3e-7, 3});
        near("rope back", i, back, t, (double)x.f32[i],
             (struct tolerance){t == DTYPE_F32 ? 3e-7 : 0x1p-8, 3});
    }
}

static void check_embedding(enum dtype t, uint64_t seed)
{
    static struct operand_pair table, dy;
    static float y[N], d_table[4 * WIDTH];
    static const int32_t index[N_ROWS] = {3, 0, 3, 2, 3}; // 1 never occurs
    double want[4 * WIDTH] = {0};
    draw(&table, seed, "table", 4 * WIDTH, 1);
    draw(&dy, seed, "dy", N, 1);
    rows_kernels()->embed(of(&table, t), t, index, y, DTYPE_F32, N_ROWS, WIDTH);
    rows_kernels()->embed_gradient(index, of(&dy, t), t, d_table, 0, N_ROWS, WIDTH, 0, 4);
    for (size_t i = 0; i < N; i++) {
        const size_t from = (size_t)index[i / WIDTH] * WIDTH + i % WIDTH;
        CHECK(y[i] == table.f32[from]);
        want[from] += (double)dy.f32[i];
    }
    for (size_t i = 0; i < 4 * WIDTH; i++)
        near("d_table", i, d_table, DTYPE_F32, want[i], (struct tolerance){2e-7, 2});
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    check_activations();
    for (int t = DTYPE_F32; t <= DTYPE_BF16; t++) {
        check_norm((enum dtype)t, 0, seed);
        check_norm((enum dtype)t, 1, seed);
        check_rope((enum dtype)t, seed);
        check_embedding((enum dtype)t, seed);
    }
    check_column_order(seed);
    check_sums(seed);
    return 0;
}
