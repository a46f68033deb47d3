// The bits that kernels give on drawn input, as hashes in tests/data/kernel_bits.txt: both
// compilers, every build type and every CPU must find the same. A change of bits is a decision:
// `--bless` rewrites the file, and old checkpoints then continue on other bits.
#include <math.h>
#include <stdlib.h>

#include "base/dmath.h"
#include "base/file.h"
#include "base/hash.h"
#include "tests/check.h"
#include "tests/trainer/rows_cases.h"
#include "trainer/kernel/vmath.h"
#include "trainer/optim/initialize.h"

enum { SEED = 1, POINTS = 1 << 16 };

// One hash a case, over several shapes and mixtures of formats.
static uint64_t rows_bits(size_t c)
{
    static const size_t shapes[][2] = {{3, 7}, {37, 66}, {2, 1045}};
    uint64_t hash = 0;
    for (unsigned types = 0; types < 16; types += 5) {
        for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
            struct arena a;
            arena_init(&a, "test_kernel_bits");
            struct input in = {.n_rows = shapes[s][0], .width = shapes[s][1]};
            input_set_types(&in, types);
            input_draw(&in, &a, SEED);
            const struct output out = output_make(&a, &in);
            output_clear(out);
            CASES[c].run(rows_kernels(), &in, 0, extent_of(&in, CASES[c].extent), out.data);
            hash = hash_xxh3(out.data, out.n_elems * sizeof *out.data, hash);
            arena_fini(&a);
        }
    }
    return hash;
}

static float exp_f32(float x)
{
    return vmath_exp(x);
}

static float log_f32(float x)
{
    return vmath_log(x);
}

static float tanh_f32(float x)
{
    return vmath_tanh(x);
}

static float erf_f32(float x)
{
    return vmath_erf(x);
}

// Over all exponents and both signs; a NaN counts as zero, since its payload is nobody's promise.
static uint64_t vmath_hash(float (*f)(float))
{
    static float y[POINTS];
    for (uint32_t i = 0; i < POINTS; i++) {
        y[i] = f(vmath_float(i * 65521u));
        if (isnan(y[i])) y[i] = 0;
    }
    return hash_xxh3(y, sizeof y, 0);
}

static uint64_t dmath_hash(double (*f)(double), double first, double step)
{
    static double y[POINTS];
    for (size_t i = 0; i < POINTS; i++)
        y[i] = f(first + (double)i * step);
    return hash_xxh3(y, sizeof y, 0);
}

static uint64_t initialize_hash(void)
{
    static float x[POINTS];
    const struct parameter p = {.name = "w", .n_elems = POINTS, .init_std = 0.02f};
    initialize_blocks(&p, SEED, (struct range){0, POINTS / 4096}, x);
    return hash_xxh3(x, sizeof x, 0);
}

static const char *line(struct arena *a, const char *before, const char *name, uint64_t hash)
{
    return arena_printf(a, "%s%s %016llx\n", before, name, (unsigned long long)hash);
}

static const char *bits(struct arena *a)
{
    const char *text = "";
    for (size_t c = 0; c < N_CASES; c++)
        text = line(a, text, CASES[c].name, rows_bits(c));
    text = line(a, text, "vmath_exp", vmath_hash(exp_f32));
    text = line(a, text, "vmath_log", vmath_hash(log_f32));
    text = line(a, text, "vmath_tanh", vmath_hash(tanh_f32));
    text = line(a, text, "vmath_erf", vmath_hash(erf_f32));
    text = line(a, text, "dmath_exp", dmath_hash(dmath_exp, -745, 0.0221));
    text = line(a, text, "dmath_log", dmath_hash(dmath_log, 1e-9, 0.0137));
    text = line(a, text, "dmath_sin", dmath_hash(dmath_sin, -1e6, 30.1));
    text = line(a, text, "dmath_cos", dmath_hash(dmath_cos, -1e6, 30.1));
    return line(a, text, "initialize", initialize_hash());
}

int main(int argc, char **argv)
{
    struct arena a;
    arena_init(&a, "test_kernel_bits");
    const char *source = getenv("WEFT_SOURCE");
    const char *path = arena_printf(&a, "%s/tests/data/kernel_bits.txt", source ? source : ".");
    const char *text = bits(&a);
    struct span golden;
    if (argc > 1 && strcmp(argv[1], "--bless") == 0) {
        CHECK_OK(file_replace(path, text, strlen(text)));
        return 0;
    }
    CHECK_OK(file_read(path, 1 << 16, &a, &golden));
    const bool same = golden.n_bytes == strlen(text) && !memcmp(golden.data, text, golden.n_bytes);
    if (!same) printf("%s differs; review and rewrite with --bless. Now:\n%s", path, text);
    CHECK(same);
    arena_fini(&a);
    return 0;
}
