// Kernels of rows: every instruction set gives the bits of the scalar code, and every cut of the
// range gives the bits of the whole. Odd lengths, f32 and bf16 mixed, in place or not.
#include "trainer/kernel/rows.h"

#include "base/arena.h"
#include "base/rng.h"
#include "base/size.h"
#include "tests/check.h"
#include "trainer/kernel/isa.h"

enum { VOCABULARY = 11, POSITIONS = 50, BLOCK = 4096 };

struct input {
    size_t n_rows, width, n_elems;
    enum dtype xt, gt, dyt, yt;
    void *x, *gain, *bias, *dy;
    float *moments, *inverse_rms, *rope_table, *w, *m, *v, *gradient;
    void *table; // [VOCABULARY, width] of xt
    int32_t *index, *positions;
};

static void *at(void *data, enum dtype t, size_t i)
{
    return (char *)data + i * dtype_bytes(t);
}

// Values of all sizes, with zeros of both signs and denormals among them.
static float draw(uint64_t key, uint64_t i)
{
    const uint64_t kind = rng_u64(key, 1, i) % 64;
    if (kind == 0) return i % 2 ? 0.0f : -0.0f;
    if (kind == 1) return rng_normal(key, 0, i) * 1e-40f;
    if (kind == 2) return rng_normal(key, 0, i) * 1e3f;
    return rng_normal(key, 0, i);
}

static void *draw_array(struct arena *a, uint64_t seed, const char *name, enum dtype t, size_t n)
{
    const uint64_t key = rng_key(seed, name);
    void *data = arena_alloc(a, n * dtype_bytes(t), 64);
    for (size_t i = 0; i < n; i++) {
        const float value = draw(key, i);
        const uint16_t half = bf16_from_f32(value);
        if (t == DTYPE_F32)
            memcpy(at(data, t, i), &value, sizeof value);
        else
            memcpy(at(data, t, i), &half, sizeof half);
    }
    return data;
}

static float *draw_positive(struct arena *a, uint64_t seed, const char *name, size_t n)
{
    const uint64_t key = rng_key(seed, name);
    float *data = ARENA_ARRAY(a, float, n);
    for (size_t i = 0; i < n; i++)
        data[i] = 0.001f + rng_uniform(key, 0, i);
    return data;
}

static int32_t *draw_index(struct arena *a, uint64_t seed, const char *name, size_t n, size_t bound)
{
    const uint64_t key = rng_key(seed, name);
    int32_t *data = ARENA_ARRAY(a, int32_t, n);
    for (size_t i = 0; i < n; i++)
        data[i] = (int32_t)(rng_u64(key, 0, i) % bound);
    return data;
}

static void input_draw(struct input *in, struct arena *a, uint64_t seed)
{
    const size_t rows = in->n_rows, width = in->width, n = rows * width;
    in->n_elems = n;
    in->x = draw_array(a, seed, "x", in->xt, n);
    in->dy = draw_array(a, seed, "dy", in->dyt, n);
    in->gain = draw_array(a, seed, "gain", in->gt, width);
    in->bias = draw_array(a, seed, "bias", in->gt, width);
    in->table = draw_array(a, seed, "table", in->xt, VOCABULARY * width);
    in->w = draw_array(a, seed, "w", DTYPE_F32, n);
    in->m = draw_array(a, seed, "m", DTYPE_F32, n);
    in->gradient = draw_array(a, seed, "gradient", DTYPE_F32, n);
    in->v = draw_positive(a, seed, "v", n);
    in->moments = draw_positive(a, seed, "moments", 2 * rows);
    in->inverse_rms = draw_positive(a, seed, "inverse", rows);
    in->index = draw_index(a, seed, "index", rows, VOCABULARY);
    in->positions = draw_index(a, seed, "positions", rows, POSITIONS);
    in->rope_table = ARENA_ARRAY(a, float, POSITIONS *(width + 1));
    rows_rope_table(in->rope_table, POSITIONS, width, 10000);
}

// Every case computes the part [first, last) of what it computes and puts it where it belongs in
// out, so that running all parts of a cut fills out as running the whole does.
typedef void (*case_fn)(const struct rows_kernels *k, const struct input *in, size_t first,
                        size_t last, float *out);

static void run_cast(const struct rows_kernels *k, const struct input *in, size_t first,
                     size_t last, float *out)
{
    k->cast(at(in->x, in->xt, first), in->xt, at(out, in->yt, first), in->yt, last - first);
}

static void run_add(const struct rows_kernels *k, const struct input *in, size_t first, size_t last,
                    float *out)
{
    k->add(at(in->x, in->xt, first), in->xt, at(in->dy, in->dyt, first), in->dyt,
           at(out, in->yt, first), in->yt, last - first);
}

static void run_multiply(const struct rows_kernels *k, const struct input *in, size_t first,
                         size_t last, float *out)
{
    k->multiply(at(in->x, in->xt, first), in->xt, at(in->dy, in->dyt, first), in->dyt,
                at(out, in->yt, first), in->yt, last - first);
}

// The four activations and their gradients, one after another in out.
static void run_activate(const struct rows_kernels *k, const struct input *in, size_t first,
                         size_t last, float *out)
{
    for (size_t f = 0; f < 4; f++)
        k->activate((enum activation)f, at(in->x, in->xt, first), in->xt,
                    at(out, in->yt, f * in->n_elems + first), in->yt, last - first);
}

static void run_activate_gradient(const struct rows_kernels *k, const struct input *in,
                                  size_t first, size_t last, float *out)
{
    for (size_t f = 0; f < 4; f++)
        k->activate_gradient((enum activation)f, at(in->x, in->xt, first), in->xt,
                             at(in->dy, in->dyt, first), in->dyt,
                             at(out, in->yt, f * in->n_elems + first), in->yt, last - first);
}

static void run_rmsnorm(const struct rows_kernels *k, const struct input *in, size_t first,
                        size_t last, float *out)
{
    const size_t start = first * in->width;
    k->rmsnorm(at(in->x, in->xt, start), in->xt, in->gain, in->gt, at(out, in->yt, start), in->yt,
               out + in->n_elems + first, last - first, in->width, 1e-5f);
}

static void run_rmsnorm_gradient(const struct rows_kernels *k, const struct input *in, size_t first,
                                 size_t last, float *out)
{
    const size_t start = first * in->width;
    k->rmsnorm_gradient(at(in->x, in->xt, start), in->xt, in->gain, in->gt,
                        at(in->dy, in->dyt, start), in->dyt, in->inverse_rms + first,
                        at(out, in->yt, start), in->yt, last - first, in->width);
}

static void run_layernorm(const struct rows_kernels *k, const struct input *in, size_t first,
                          size_t last, float *out)
{
    const size_t start = first * in->width, n = last - first;
    float *moments = out + 2 * in->n_elems;
    k->layernorm(at(in->x, in->xt, start), in->xt, in->gain, in->bias, in->gt,
                 at(out, in->yt, start), in->yt, moments + 2 * first, n, in->width, 1e-5f);
    k->layernorm(at(in->x, in->xt, start), in->xt, in->gain, NULL, in->gt,
                 at(out, in->yt, in->n_elems + start), in->yt, NULL, n, in->width, 1e-5f);
}

static void run_layernorm_gradient(const struct rows_kernels *k, const struct input *in,
                                   size_t first, size_t last, float *out)
{
    const size_t start = first * in->width;
    k->layernorm_gradient(at(in->x, in->xt, start), in->xt, in->gain, in->gt,
                          at(in->dy, in->dyt, start), in->dyt, in->moments + 2 * first,
                          at(out, in->yt, start), in->yt, last - first, in->width);
}

static void run_column_sums(const struct rows_kernels *k, const struct input *in, size_t first,
                            size_t last, float *out)
{
    const size_t width = in->width;
    memcpy(out + 3 * width + first, in->w + first, (last - first) * sizeof *out);
    memcpy(out + 4 * width + first, in->m + first, (last - first) * sizeof *out);
    k->column_sums(in->x, in->xt, in->dy, in->dyt, in->moments, NULL, out, out + width, 0,
                   in->n_rows, width, first, last);
    k->column_sums(NULL, in->xt, in->dy, in->dyt, NULL, NULL, NULL, out + 2 * width, 0, in->n_rows,
                   width, first, last);
    k->column_sums(in->x, in->xt, in->dy, in->dyt, NULL, in->inverse_rms, out + 3 * width,
                   out + 4 * width, 1, in->n_rows, width, first, last);
}

static void run_rope(const struct rows_kernels *k, const struct input *in, size_t first,
                     size_t last, float *out)
{
    if (in->width % 2) return;
    const size_t start = first * in->width, n_heads = in->width % 4 ? 1 : 2;
    for (size_t inverse = 0; inverse < 2; inverse++)
        k->rope(at(in->x, in->xt, start), in->xt, in->positions + first, in->rope_table,
                inverse ? -1.0f : 1.0f, at(out, in->yt, inverse * in->n_elems + start), in->yt,
                last - first, n_heads, in->width / n_heads);
}

static void run_embed(const struct rows_kernels *k, const struct input *in, size_t first,
                      size_t last, float *out)
{
    k->embed(in->table, in->xt, in->index + first, at(out, in->yt, first * in->width), in->yt,
             last - first, in->width);
}

static void run_embed_gradient(const struct rows_kernels *k, const struct input *in, size_t first,
                               size_t last, float *out)
{
    k->embed_gradient(in->index, in->dy, in->dyt, out, 0, in->n_rows, in->width, first, last);
    k->embed_gradient(in->index, in->dy, in->dyt, out, 1, in->n_rows, in->width, first, last);
}

static void run_fold(const struct rows_kernels *k, const struct input *in, size_t first,
                     size_t last, float *out)
{
    memcpy(out + first, in->w + first, (last - first) * sizeof *out);
    k->fold(out + first, in->m + first, last - first);
}

static void run_adamw(const struct rows_kernels *k, const struct input *in, size_t first,
                      size_t last, float *out)
{
    const struct adamw o = {.lr = 1e-3f,
                            .beta1 = 0.9f,
                            .beta2 = 0.95f,
                            .eps = 1e-8f,
                            .weight_decay = 0.1f,
                            .bias1 = 0.271f,
                            .bias2 = 0.142625f,
                            .gradient_scale = 0.7f};
    const size_t n = last - first;
    float *w = out + first, *m = w + in->n_elems, *v = m + in->n_elems;
    memcpy(w, in->w + first, n * sizeof *w);
    memcpy(m, in->m + first, n * sizeof *w);
    memcpy(v, in->v + first, n * sizeof *w);
    k->adamw(&o, w, m, v, in->gradient + first, n);
}

static void run_sums(const struct rows_kernels *k, const struct input *in, size_t first,
                     size_t last, float *out)
{
    for (size_t block = first; block < last; block++) {
        const float *from = in->gradient + block * BLOCK;
        const size_t n = size_min(BLOCK, in->n_elems - block * BLOCK);
        const double pair[2] = {k->sum_squares(from, n), k->sum(from, n)};
        memcpy(out + 4 * block, pair, sizeof pair);
    }
}

enum extent { ELEMS, ROWS, COLUMNS, VOCABULARIES, BLOCKS };

static const struct {
    const char *name;
    case_fn run;
    enum extent extent;
} CASES[] = {
    {"cast", run_cast, ELEMS},
    {"add", run_add, ELEMS},
    {"multiply", run_multiply, ELEMS},
    {"activate", run_activate, ELEMS},
    {"activate_gradient", run_activate_gradient, ELEMS},
    {"rmsnorm", run_rmsnorm, ROWS},
    {"rmsnorm_gradient", run_rmsnorm_gradient, ROWS},
    {"layernorm", run_layernorm, ROWS},
    {"layernorm_gradient", run_layernorm_gradient, ROWS},
    {"column_sums", run_column_sums, COLUMNS},
    {"rope", run_rope, ROWS},
    {"embed", run_embed, ROWS},
    {"embed_gradient", run_embed_gradient, VOCABULARIES},
    {"fold", run_fold, ELEMS},
    {"adamw", run_adamw, ELEMS},
    {"sums", run_sums, BLOCKS},
};
enum { N_CASES = sizeof CASES / sizeof *CASES };

static size_t extent_of(const struct input *in, enum extent e)
{
    switch (e) {
    case ELEMS:
        return in->n_elems;
    case ROWS:
        return in->n_rows;
    case COLUMNS:
        return in->width;
    case VOCABULARIES:
        return VOCABULARY;
    case BLOCKS:
        break;
    }
    return size_ceil_div(in->n_elems, BLOCK);
}

// Everything outside what a case writes must keep its value: out is compared as a whole.
struct output {
    float *data;
    size_t n_elems;
};

static struct output output_make(struct arena *a, const struct input *in)
{
    const size_t n = 4 * in->n_elems + 8 * in->width + 4 * in->n_rows + VOCABULARY * in->width + 64;
    return (struct output){ARENA_ARRAY(a, float, n), n};
}

static void output_clear(struct output o)
{
    memset(o.data, 0x5a, o.n_elems * sizeof *o.data);
}

static void output_compare(struct output got, struct output want, const struct input *in,
                           const char *name, const char *how)
{
    if (memcmp(got.data, want.data, got.n_elems * sizeof *got.data) == 0) return;
    size_t i = 0;
    while (memcmp(got.data + i, want.data + i, sizeof *got.data) == 0)
        i++;
    check_failed(__FILE__, __LINE__,
                 "%s, %s: rows %zu width %zu x %s gain %s dy %s y %s: word %zu is %a, wanted %a",
                 name, how, in->n_rows, in->width, dtype_name(in->xt), dtype_name(in->gt),
                 dtype_name(in->dyt), dtype_name(in->yt), i, (double)got.data[i],
                 (double)want.data[i]);
}

// Runs a case in random parts, in random order of two.
static void run_cut(case_fn run, const struct rows_kernels *k, const struct input *in, size_t n,
                    uint64_t key, float *out)
{
    const size_t first = rng_u64(key, 0, 0) % (n + 1);
    const size_t second = first + rng_u64(key, 0, 1) % (n - first + 1);
    if (second < n) run(k, in, second, n, out);
    if (first > 0) run(k, in, 0, first, out);
    if (first < second) run(k, in, first, second, out);
}

static void check_case(size_t c, const struct input *in, struct arena *a, uint64_t seed)
{
    struct output want = output_make(a, in), got = output_make(a, in);
    const size_t n = extent_of(in, CASES[c].extent);
    output_clear(want);
    CASES[c].run(rows_kernels_scalar(), in, 0, n, want.data);
    for (int wish = ISA_AVX2; wish <= ISA_AVX512; wish++) {
        const enum isa isa = isa_set((enum isa)wish);
        output_clear(got);
        CASES[c].run(rows_kernels(), in, 0, n, got.data);
        output_compare(got, want, in, CASES[c].name, isa_name(isa));
        output_clear(got);
        run_cut(CASES[c].run, rows_kernels(), in, n, rng_key(seed, CASES[c].name), got.data);
        output_compare(got, want, in, CASES[c].name, "cut");
    }
}

static void check_shape(size_t n_rows, size_t width, unsigned types, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "test_rows");
    struct input in = {.n_rows = n_rows, .width = width};
    in.xt = types & 1 ? DTYPE_BF16 : DTYPE_F32;
    in.gt = types & 2 ? DTYPE_BF16 : DTYPE_F32;
    in.dyt = types & 4 ? DTYPE_BF16 : DTYPE_F32;
    in.yt = types & 8 ? DTYPE_BF16 : DTYPE_F32;
    input_draw(&in, &a, seed);
    for (size_t c = 0; c < N_CASES; c++)
        check_case(c, &in, &a, seed);
    arena_fini(&a);
}

// y may be x itself: same bits as apart.
static void check_in_place(enum dtype t, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "test_rows in place");
    static const case_fn in_place[] = {run_cast,    run_add,       run_multiply,
                                       run_rmsnorm, run_layernorm, run_rmsnorm_gradient};
    for (size_t c = 0; c < sizeof in_place / sizeof *in_place; c++) {
        struct input in = {.n_rows = 3, .width = 1100, .xt = t, .gt = t, .dyt = t, .yt = t};
        input_draw(&in, &a, seed);
        struct output want = output_make(&a, &in), got = output_make(&a, &in);
        const size_t n = c < 3 ? in.n_elems : in.n_rows;
        in_place[c](rows_kernels(), &in, 0, n, want.data);
        memcpy(got.data, in.x, in.n_elems * dtype_bytes(t));
        in.x = got.data;
        if (in_place[c] != run_layernorm) in_place[c](rows_kernels(), &in, 0, n, got.data);
        if (in_place[c] == run_layernorm)
            rows_kernels()->layernorm(in.x, t, in.gain, in.bias, t, in.x, t, NULL, n, in.width,
                                      1e-5f);
        CHECK(memcmp(got.data, want.data, in.n_elems * dtype_bytes(t)) == 0);
    }
    arena_fini(&a);
}

// All bf16 patterns survive the way to f32 and back; f32 is rounded as bf16_from_f32 says, NaN and
// inf included.
static void check_casts(uint64_t seed)
{
    enum { N = 65536 };
    static uint16_t half[N], back[N];
    static float wide[N], drawn[N];
    const struct rows_kernels *k = rows_kernels();
    for (size_t i = 0; i < N; i++) {
        const uint32_t bits = (uint32_t)rng_u64(seed, 0, i);
        half[i] = (uint16_t)i;
        memcpy(&drawn[i], &bits, sizeof bits);
    }
    drawn[0] = -drawn[1];
    const uint32_t special[] = {0x7f800000, 0xff800000, 0x7f800001, 0xffffffff, 0x7f7fffff,
                                0x3f808000, 0x3f818000, 0x00008000, 0x00008001, 0x7fbfffff};
    memcpy(drawn, special, sizeof special);
    k->cast(half, DTYPE_BF16, wide, DTYPE_F32, N);
    k->cast(wide, DTYPE_F32, back, DTYPE_BF16, N);
    for (size_t i = 0; i < N; i++) {
        const float want = bf16_to_f32(half[i]);
        CHECK(memcmp(&want, &wide[i], sizeof want) == 0);
        CHECK(back[i] == bf16_from_f32(want));
    }
    k->cast(drawn, DTYPE_F32, back, DTYPE_BF16, N);
    for (size_t i = 0; i < N; i++)
        CHECK(back[i] == bf16_from_f32(drawn[i]));
}

int main(int argc, char **argv)
{
    static const size_t shapes[][2] = {{1, 1},   {3, 7},    {33, 16},  {70, 34},
                                       {5, 768}, {3, 1024}, {2, 1045}, {131, 48}};
    const uint64_t seed = check_seed(argc, argv);
    const enum isa best = isa_set(ISA_AMX);
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (unsigned types = 0; types < 16; types++)
            check_shape(shapes[s][0], shapes[s][1], types, seed + s);
    for (int wish = ISA_SCALAR; wish <= ISA_AVX512; wish++) {
        isa_set((enum isa)wish);
        check_casts(seed);
        check_in_place(DTYPE_F32, seed);
        check_in_place(DTYPE_BF16, seed);
    }
    printf("compared scalar with instruction sets up to %s\n", isa_name(best));
    return 0;
}
