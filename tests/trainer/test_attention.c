// Attention against its f64 reference by tolerance; against itself with == over instruction sets,
// threads and the number of sequences in a call; decoding against the whole; documents apart.
#include "trainer/kernel/attention.h"

#include <math.h>

#include "base/rng.h"
#include "base/size.h"
#include "tests/check.h"
#include "trainer/kernel/isa.h"

enum { N_CASES = 14, MAX_THREADS = 3 };

struct bench {
    struct arena arena, life;
    struct pool *pools[MAX_THREADS];
    uint64_t key, counter;
};

static size_t draw(struct bench *t, size_t n)
{
    return (size_t)(rng_u64(t->key, 0, t->counter++) % n);
}

static void *draw_array(struct bench *t, enum dtype type, size_t n)
{
    void *array = arena_alloc(&t->arena, n * dtype_bytes(type), 64);
    for (size_t i = 0; i < n; i++) {
        const float f = rng_normal(t->key, 1, t->counter++);
        if (type == DTYPE_F32)
            ((float *)array)[i] = f;
        else
            ((uint16_t *)array)[i] = bf16_from_f32(f);
    }
    return array;
}

static size_t q_elems(const struct attention *a)
{
    return a->n_sequences * a->sequence * a->n_heads * a->head_size;
}

static size_t k_elems(const struct attention *a)
{
    return a->n_sequences * a->sequence * a->n_kv_heads * a->head_size;
}

static size_t lse_elems(const struct attention *a)
{
    return a->n_sequences * a->sequence * a->n_heads;
}

static void draw_documents(struct bench *t, const struct attention *a, int32_t *start, size_t mean)
{
    for (size_t s = 0; s < a->n_sequences; s++)
        for (size_t i = 0, first = 0; i < a->sequence; i++) {
            if (draw(t, mean) == 0) first = i;
            start[s * a->sequence + i] = (int32_t)first;
        }
}

static void new_outputs(struct bench *t, struct attention *a)
{
    const size_t bytes = dtype_bytes(a->type);
    a->o = arena_alloc(&t->arena, q_elems(a) * bytes, 64);
    a->lse = arena_alloc(&t->arena, lse_elems(a) * sizeof(float), 64);
    a->d_q = arena_alloc(&t->arena, q_elems(a) * bytes, 64);
    a->d_k = arena_alloc(&t->arena, k_elems(a) * bytes, 64);
    a->d_v = arena_alloc(&t->arena, k_elems(a) * bytes, 64);
}

static struct attention draw_attention(struct bench *t, enum dtype type)
{
    struct attention a = {.type = type};
    a.n_sequences = 1 + draw(t, 3);
    a.sequence = 1 + draw(t, 2) * draw(t, 200) + draw(t, 70);
    a.n_kv_heads = 1 + draw(t, 2);
    a.n_heads = a.n_kv_heads * (1 + draw(t, 3));
    a.head_size = 8 * (1 + draw(t, 9));
    a.scale = 1.0f / sqrtf((float)a.head_size);
    int32_t *start = arena_alloc(&t->arena, a.n_sequences * a.sequence * sizeof *start, 64);
    draw_documents(t, &a, start, draw(t, 2) ? 20 : 1000);
    a.document_start = start;
    a.q = draw_array(t, type, q_elems(&a));
    a.k = draw_array(t, type, k_elems(&a));
    a.v = draw_array(t, type, k_elems(&a));
    a.d_o = draw_array(t, type, q_elems(&a));
    new_outputs(t, &a);
    return a;
}

static void run(struct bench *t, const struct attention *a, size_t n_threads)
{
    void *scratch = arena_alloc(&t->arena, attention_scratch_bytes(a, n_threads), 64);
    attention_forward(a, t->pools[n_threads - 1], scratch);
    attention_gradient(a, t->pools[n_threads - 1], scratch);
}

static double at(enum dtype type, const void *base, size_t i)
{
    return type == DTYPE_BF16 ? (double)bf16_to_f32(((const uint16_t *)base)[i])
                              : (double)((const float *)base)[i];
}

// Root mean square of the difference within tolerance of that of the values.
static void check_close(const char *what, enum dtype type, const void *got, const void *want,
                        size_t n)
{
    const double tolerance = type == DTYPE_F32 ? 3e-6 : 8e-3;
    double difference = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double x = at(type, got, i), y = at(type, want, i);
        difference += (x - y) * (x - y);
        size += y * y;
    }
    if (sqrt(difference) <= tolerance * sqrt(size) + 1e-6) return;
    check_failed(__FILE__, __LINE__, "%s %s: off by %g of %g", dtype_name(type), what,
                 sqrt(difference), sqrt(size));
}

static void check_reference(struct bench *t, const struct attention *got)
{
    struct attention want = *got;
    new_outputs(t, &want);
    attention_reference(&want);
    attention_gradient_reference(&want);
    check_close("o", got->type, got->o, want.o, q_elems(got));
    check_close("lse", DTYPE_F32, got->lse, want.lse, lse_elems(got));
    check_close("d_q", got->type, got->d_q, want.d_q, q_elems(got));
    check_close("d_k", got->type, got->d_k, want.d_k, k_elems(got));
    check_close("d_v", got->type, got->d_v, want.d_v, k_elems(got));
}

static void check_same(const struct attention *x, const struct attention *y)
{
    const size_t bytes = dtype_bytes(x->type);
    CHECK(memcmp(x->o, y->o, q_elems(x) * bytes) == 0);
    CHECK(memcmp(x->lse, y->lse, lse_elems(x) * sizeof(float)) == 0);
    CHECK(memcmp(x->d_q, y->d_q, q_elems(x) * bytes) == 0);
    CHECK(memcmp(x->d_k, y->d_k, k_elems(x) * bytes) == 0);
    CHECK(memcmp(x->d_v, y->d_v, k_elems(x) * bytes) == 0);
}

static void check_isas_and_threads(struct bench *t, const struct attention *want)
{
    for (enum isa i = ISA_SCALAR; i <= ISA_AMX; i++) {
        if (isa_set(i) != i) continue;
        struct attention got = *want;
        new_outputs(t, &got);
        run(t, &got, 1 + draw(t, MAX_THREADS));
        check_same(&got, want);
    }
}

// Sequence s of a alone.
static struct attention sequence_of(const struct attention *a, size_t s)
{
    struct attention one = *a;
    one.n_sequences = 1;
    const size_t q = s * q_elems(&one) * dtype_bytes(a->type);
    const size_t k = s * k_elems(&one) * dtype_bytes(a->type);
    one.document_start = a->document_start + s * a->sequence;
    one.q = (const char *)a->q + q;
    one.k = (const char *)a->k + k;
    one.v = (const char *)a->v + k;
    one.d_o = (const char *)a->d_o + q;
    one.o = (char *)a->o + q;
    one.lse = a->lse + s * lse_elems(&one);
    one.d_q = (char *)a->d_q + q;
    one.d_k = (char *)a->d_k + k;
    one.d_v = (char *)a->d_v + k;
    return one;
}

// Gradients that nobody needs are left out.
static void check_unwanted(struct bench *t, const struct attention *want)
{
    const size_t bytes = dtype_bytes(want->type);
    struct attention got = *want;
    new_outputs(t, &got);
    got.d_q = got.d_k = NULL;
    run(t, &got, 2);
    CHECK(memcmp(got.d_v, want->d_v, k_elems(want) * bytes) == 0);
    new_outputs(t, &got);
    got.d_k = got.d_v = NULL;
    run(t, &got, 2);
    CHECK(memcmp(got.d_q, want->d_q, q_elems(want) * bytes) == 0);
}

static void check_sequences(struct bench *t, const struct attention *a)
{
    for (size_t s = 0; s < a->n_sequences; s++) {
        const struct attention want = sequence_of(a, s);
        struct attention got = want;
        new_outputs(t, &got);
        run(t, &got, 1);
        check_same(&got, &want);
    }
}

static void test_random(struct bench *t)
{
    for (int c = 0; c < N_CASES; c++) {
        const struct attention a = draw_attention(t, c % 2 ? DTYPE_F32 : DTYPE_BF16);
        isa_set(ISA_AMX);
        run(t, &a, 1);
        check_reference(t, &a);
        check_isas_and_threads(t, &a);
        isa_set(ISA_AMX);
        check_sequences(t, &a);
        check_unwanted(t, &a);
        arena_reset(&t->arena);
    }
}

// What lies in other documents does not matter, to the bit.
static void test_documents(struct bench *t)
{
    struct attention a = draw_attention(t, DTYPE_F32);
    a.n_sequences = 1;
    a.sequence = 150;
    a.n_heads = a.n_kv_heads = 1;
    a.head_size = 16;
    int32_t *start = arena_alloc(&t->arena, a.sequence * sizeof *start, 64);
    for (size_t i = 0; i < a.sequence; i++)
        start[i] = i < 70 ? 0 : 70;
    a.document_start = start;
    a.q = draw_array(t, a.type, q_elems(&a));
    a.k = draw_array(t, a.type, k_elems(&a));
    a.v = draw_array(t, a.type, k_elems(&a));
    a.d_o = draw_array(t, a.type, q_elems(&a));
    new_outputs(t, &a);
    run(t, &a, 1);
    struct attention changed = a;
    new_outputs(t, &changed);
    float *k = arena_alloc(&t->arena, k_elems(&a) * sizeof *k, 64);
    memcpy(k, a.k, k_elems(&a) * sizeof *k);
    for (size_t i = 0; i < 70 * a.head_size; i++)
        k[i] += 1.0f;
    changed.k = k;
    run(t, &changed, 2);
    const size_t from = 70 * a.head_size, n = (q_elems(&a) - from) * sizeof(float);
    CHECK(memcmp((float *)a.o + from, (float *)changed.o + from, n) == 0);
    CHECK(memcmp((float *)a.d_q + from, (float *)changed.d_q + from, n) == 0);
    CHECK(memcmp((float *)a.d_k + from, (float *)changed.d_k + from, n) == 0);
    CHECK(memcmp(a.o, changed.o, from * sizeof(float)) != 0);
    arena_reset(&t->arena);
}

static void count_tick(void *context)
{
    ++*(size_t *)context;
}

// A walk over many tiles lets the fabric run in between.
static void test_ticks(struct bench *t)
{
    enum { TILES = 20 };
    struct attention a = draw_attention(t, DTYPE_BF16);
    a.n_sequences = a.n_heads = a.n_kv_heads = 1;
    a.head_size = 8;
    a.sequence = TILES * 64;
    a.document_start = arena_alloc(&t->arena, a.sequence * sizeof(int32_t), 64);
    a.q = a.k = a.v = a.d_o = draw_array(t, a.type, q_elems(&a));
    new_outputs(t, &a);
    size_t n_ticks = 0;
    pool_set_tick(t->pools[0], count_tick, &n_ticks);
    run(t, &a, 1);
    pool_set_tick(t->pools[0], NULL, NULL);
    CHECK(n_ticks > 3 * TILES); // three jobs of TILES tasks, and within them
    arena_reset(&t->arena);
}

// Decoding in pieces of 1 to 90 rows gives what one call gives.
static void test_cached(struct bench *t, enum dtype type)
{
    struct attention a = draw_attention(t, type);
    int32_t *start = arena_alloc(&t->arena, a.n_sequences * a.sequence * sizeof *start, 64);
    a.document_start = start;
    run(t, &a, 1);
    const struct attention whole = sequence_of(&a, 0);
    void *o = arena_alloc(&t->arena, q_elems(&whole) * dtype_bytes(type), 64);
    const size_t row_bytes = a.n_heads * a.head_size * dtype_bytes(type);
    for (size_t first = 0, n; first < a.sequence; first += n) {
        n = size_min(1 + draw(t, 90), a.sequence - first);
        const struct attention_cached piece = {.type = type,
                                               .n_rows = n,
                                               .first_position = first,
                                               .n_heads = a.n_heads,
                                               .n_kv_heads = a.n_kv_heads,
                                               .head_size = a.head_size,
                                               .scale = a.scale,
                                               .q = (const char *)a.q + first * row_bytes,
                                               .k_cache = a.k,
                                               .v_cache = a.v,
                                               .o = (char *)o + first * row_bytes};
        const size_t bytes = attention_cached_scratch_bytes(&piece, 2);
        attention_cached_forward(&piece, t->pools[1], arena_alloc(&t->arena, bytes, 64));
    }
    CHECK(memcmp(o, whole.o, q_elems(&whole) * dtype_bytes(type)) == 0);
    arena_reset(&t->arena);
}

int main(int argc, char **argv)
{
    struct bench t = {.key = rng_key(check_seed(argc, argv), "attention")};
    arena_init(&t.life, "pools");
    arena_init(&t.arena, "attention");
    for (size_t p = 0; p < MAX_THREADS; p++)
        CHECK_OK(pool_open(&t.life, p + 1, &t.pools[p]));
    test_random(&t);
    test_documents(&t);
    test_ticks(&t);
    for (int c = 0; c < 4; c++)
        test_cached(&t, c % 2 ? DTYPE_F32 : DTYPE_BF16);
    for (size_t p = 0; p < MAX_THREADS; p++)
        pool_close(t.pools[p]);
    arena_fini(&t.arena);
    arena_fini(&t.life);
    return 0;
}
