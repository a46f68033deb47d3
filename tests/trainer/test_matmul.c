// Every instruction set the CPU has against the scalar reference, with ==: random shapes, the three
// uses, accumulation, bias, hard values, lists, one and two threads.
#include "trainer/kernel/matmul.h"

#include "base/arena.h"
#include "base/rng.h"
#include "base/size.h"
#include "tests/check.h"
#include "trainer/kernel/isa.h"

enum { MAX_ELEMS = 1 << 17, N_CASES = 200, LIST = 5 };

enum values { VALUES_NORMAL, VALUES_TINY, VALUES_HUGE, VALUES_WILD, N_VALUES };
enum use { USE_FORWARD, USE_DX, USE_DW, N_USES };

struct bench {
    struct arena arena;
    struct pool *pools[2];
    void *scratch;
    uint64_t key, counter;
};

static uint32_t draw(struct bench *t, uint32_t n)
{
    return (uint32_t)(rng_u64(t->key, 0, t->counter++) % n);
}

// Exponents near the smallest normal number and below, or near the largest, or anything (no NaN).
static float draw_value(struct bench *t, enum values v)
{
    const float x = rng_normal(t->key, 1, t->counter++);
    switch (v) {
    case VALUES_NORMAL:
        return x;
    case VALUES_TINY:
        return x * (draw(t, 4) == 0 ? 0x1p-127f : 0x1p-63f);
    case VALUES_HUGE:
        return x * (draw(t, 50) == 0 ? 0x1p70f : 0x1p63f);
    case VALUES_WILD: {
        const uint32_t bits = draw(t, UINT32_MAX);
        float f;
        memcpy(&f, &bits, sizeof f);
        if (f != f) return draw(t, 2) ? 1.0f / 0.0f : -0.0f;
        return f;
    }
    case N_VALUES:
        break;
    }
    return 0.0f;
}

static void *draw_array(struct bench *t, enum dtype type, enum values v, size_t n)
{
    void *array = arena_alloc(&t->arena, size_max(n, 1) * dtype_bytes(type), 64);
    for (size_t i = 0; i < n; i++) {
        const float f = draw_value(t, v);
        if (type == DTYPE_F32)
            ((float *)array)[i] = f;
        else
            ((uint16_t *)array)[i] = bf16_from_f32(f);
    }
    return array;
}

// Sizes 0 and 1, neighbours of tile and chunk borders, and others.
static size_t draw_size(struct bench *t, size_t most)
{
    static const size_t edges[] = {0,  1,  2,  7,  8,  9,  15,  16,  17,
                                   31, 32, 33, 63, 64, 65, 255, 256, 257};
    const size_t n =
        draw(t, 2) ? edges[draw(t, sizeof edges / sizeof edges[0])] : 1 + draw(t, (uint32_t)most);
    return size_min(n, most);
}

static void set_use(struct matmul *m, enum use use, size_t pad)
{
    const bool a_k_adjacent = use != USE_DW, b_k_adjacent = use == USE_FORWARD;
    m->a_row_stride = a_k_adjacent ? m->k + pad : 1;
    m->a_k_stride = a_k_adjacent ? 1 : m->m + pad;
    m->b_row_stride = b_k_adjacent ? m->k + pad : 1;
    m->b_k_stride = b_k_adjacent ? 1 : m->n + pad;
}

static struct matmul draw_product(struct bench *t, size_t most)
{
    struct matmul m = {.type = draw(t, 4) ? DTYPE_BF16 : DTYPE_F32};
    m.m = draw_size(t, most);
    m.n = draw_size(t, most);
    m.k = draw_size(t, 3 * most);
    const size_t pad = draw(t, 3);
    set_use(&m, (enum use)draw(t, N_USES), pad);
    const enum values v = (enum values)draw(t, N_VALUES);
    m.a = draw_array(t, m.type, v, (m.m + pad) * (m.k + pad));
    m.b = draw_array(t, m.type, v, (m.n + pad) * (m.k + pad));
    m.out_type = draw(t, 2) ? DTYPE_F32 : DTYPE_BF16;
    m.accumulate = m.out_type == DTYPE_F32 && draw(t, 2);
    if (draw(t, 2)) m.bias = draw_array(t, m.type, v, m.n);
    m.out_row_stride = m.n + draw(t, 3);
    m.out = draw_array(t, m.out_type, v, m.m * m.out_row_stride);
    return m;
}

static size_t out_bytes(const struct matmul *m)
{
    return m->m * m->out_row_stride * dtype_bytes(m->out_type);
}

static struct matmul with_copy(struct bench *t, const struct matmul *m)
{
    struct matmul copy = *m;
    copy.out = arena_alloc(&t->arena, size_max(out_bytes(m), 1), 64);
    memcpy(copy.out, m->out, out_bytes(m));
    return copy;
}

static float out_value(const struct matmul *m, size_t i)
{
    return m->out_type == DTYPE_F32 ? ((const float *)m->out)[i]
                                    : bf16_to_f32(((const uint16_t *)m->out)[i]);
}

// Equal bits, what lies between the rows included; a NaN's payload is not promised.
static void check_same(const struct matmul *got, const struct matmul *want)
{
    if (memcmp(got->out, want->out, out_bytes(got)) == 0) return;
    for (size_t i = 0; i < got->m * got->out_row_stride; i++) {
        const float x = out_value(got, i), y = out_value(want, i);
        if ((x != x && y != y) || memcmp(&x, &y, sizeof x) == 0) continue;
        check_failed(__FILE__, __LINE__, "%s %s m %zu n %zu k %zu: element %zu is %a, reference %a",
                     isa_name(isa_get()), dtype_name(got->type), got->m, got->n, got->k, i,
                     (double)x, (double)y);
    }
}

static void check_product(struct bench *t, const struct matmul *m)
{
    const struct matmul want = with_copy(t, m);
    matmul_reference(&want);
    for (enum isa i = ISA_SCALAR; i <= ISA_AMX; i++) {
        if (isa_set(i) != i) continue;
        for (int p = 0; p < 2; p++) {
            const struct matmul got = with_copy(t, m);
            matmul_run(&got, 1, t->pools[p], t->scratch);
            check_same(&got, &want);
        }
        const struct matmul here = with_copy(t, m);
        matmul_run_here(&here, t->scratch);
        check_same(&here, &want);
    }
}

static void test_random(struct bench *t)
{
    for (int c = 0; c < N_CASES; c++) {
        const struct matmul m = draw_product(t, c % 8 == 0 ? 150 : 40);
        check_product(t, &m);
        arena_reset(&t->arena);
    }
}

// Several blocks and chunks of k, odd edges: the panel kept between tasks must be the right one.
static void test_blocks(struct bench *t)
{
    for (enum use use = USE_FORWARD; use < N_USES; use++) {
        struct matmul m = {.type = DTYPE_BF16, .m = 421, .n = 613, .k = 700};
        set_use(&m, use, 1);
        m.a = draw_array(t, m.type, VALUES_NORMAL, (m.m + 1) * (m.k + 1));
        m.b = draw_array(t, m.type, VALUES_NORMAL, (m.n + 1) * (m.k + 1));
        m.out_row_stride = m.n;
        m.out = draw_array(t, DTYPE_F32, VALUES_NORMAL, m.m * m.n);
        struct matmul want = with_copy(t, &m);
        isa_set(ISA_AVX2);
        matmul_run_here(&want, t->scratch);
        for (enum isa i = ISA_AVX512; i <= ISA_AMX; i++) {
            if (isa_set(i) != i) continue;
            const struct matmul got = with_copy(t, &m);
            matmul_run(&got, 1, t->pools[1], t->scratch);
            check_same(&got, &want);
        }
        arena_reset(&t->arena);
    }
}

static void test_list(struct bench *t)
{
    struct matmul got[LIST], want[LIST];
    for (int p = 0; p < LIST; p++) {
        got[p] = draw_product(t, 70);
        want[p] = with_copy(t, &got[p]);
        matmul_reference(&want[p]);
    }
    isa_set(ISA_AMX);
    matmul_run(got, LIST, t->pools[1], t->scratch);
    for (int p = 0; p < LIST; p++)
        check_same(&got[p], &want[p]);
    arena_reset(&t->arena);
}

// Gradients of a weight over rows in chunks of a multiple of 32 continue the same chain.
static void test_chunks(struct bench *t, enum dtype type)
{
    struct matmul whole = {.type = type, .m = 40, .n = 50, .k = 233};
    set_use(&whole, USE_DW, 0);
    whole.a = draw_array(t, type, VALUES_NORMAL, whole.m * whole.k);
    whole.b = draw_array(t, type, VALUES_NORMAL, whole.n * whole.k);
    whole.out_row_stride = whole.n;
    whole.out = draw_array(t, DTYPE_F32, VALUES_NORMAL, whole.m * whole.n);
    const struct matmul pieces = with_copy(t, &whole);
    isa_set(ISA_AMX);
    matmul_run(&whole, 1, t->pools[0], t->scratch);
    for (size_t k = 0, n; k < whole.k; k += n) {
        n = size_min(32 * (1 + draw(t, 3)), whole.k - k);
        struct matmul piece = pieces;
        piece.accumulate = k != 0;
        piece.k = n;
        piece.a = (const char *)pieces.a + k * whole.a_k_stride * dtype_bytes(type);
        piece.b = (const char *)pieces.b + k * whole.b_k_stride * dtype_bytes(type);
        matmul_run(&piece, 1, t->pools[0], t->scratch);
    }
    check_same(&pieces, &whole);
    arena_reset(&t->arena);
}

int main(int argc, char **argv)
{
    struct bench t = {.key = rng_key(check_seed(argc, argv), "matmul")};
    struct arena life;
    arena_init(&life, "pools");
    arena_init(&t.arena, "products");
    for (size_t p = 0; p < 2; p++)
        CHECK_OK(pool_open(&life, p + 1, &t.pools[p]));
    t.scratch = arena_alloc(&life, 2 * matmul_scratch_bytes(), 64);
    test_random(&t);
    test_blocks(&t);
    test_list(&t);
    test_chunks(&t, DTYPE_BF16);
    test_chunks(&t, DTYPE_F32);
    for (enum isa i = ISA_SCALAR; i <= ISA_AMX; i++)
        printf("%s %s\n", isa_name(i), isa_set(i) == i ? "tested" : "not on this CPU");
    for (int p = 0; p < 2; p++)
        pool_close(t.pools[p]);
    arena_fini(&t.arena);
    arena_fini(&life);
    return 0;
}
