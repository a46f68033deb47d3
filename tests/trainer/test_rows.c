// Kernels of rows: every instruction set gives the bits of the scalar code, and every cut of the
// range gives the bits of the whole. Odd lengths, f32 and bf16 mixed, in place or not.
#include "tests/check.h"
#include "tests/trainer/rows_cases.h"
#include "trainer/kernel/isa.h"

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
    input_set_types(&in, types);
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

static void check_rope_in_place(enum dtype t, uint64_t seed)
{
    struct arena a;
    arena_init(&a, "test_rows rope");
    struct input in = {.n_rows = 9, .width = 64, .xt = t, .gt = t, .dyt = t, .yt = t};
    input_draw(&in, &a, seed);
    struct output want = output_make(&a, &in);
    rows_kernels()->rope(in.x, t, in.positions, in.rope_table, 1, want.data, t, 9, 2, 32);
    rows_kernels()->rope(in.x, t, in.positions, in.rope_table, 1, in.x, t, 9, 2, 32);
    CHECK(memcmp(in.x, want.data, in.n_elems * dtype_bytes(t)) == 0);
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
        check_rope_in_place(DTYPE_F32, seed);
        check_rope_in_place(DTYPE_BF16, seed);
    }
    printf("compared scalar with instruction sets up to %s\n", isa_name(best));
    return 0;
}
