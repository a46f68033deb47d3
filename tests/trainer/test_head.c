// The head against its f64 reference by tolerance; against itself with == over instruction sets,
// threads and the cut into calls (chunk independence).
#include "trainer/kernel/head.h"

#include <math.h>

#include "base/rng.h"
#include "base/size.h"
#include "tests/check.h"
#include "trainer/kernel/isa.h"

enum { N_CASES = 12, MAX_THREADS = 3 };

struct bench {
    struct arena arena, life;
    struct pool *pools[MAX_THREADS];
    uint64_t key, counter;
};

static size_t draw(struct bench *t, size_t n)
{
    return (size_t)(rng_u64(t->key, 0, t->counter++) % n);
}

static void *draw_array(struct bench *t, enum dtype type, size_t n, float scale)
{
    void *array = arena_alloc(&t->arena, size_max(n, 1) * dtype_bytes(type), 64);
    for (size_t i = 0; i < n; i++) {
        const float f = scale * rng_normal(t->key, 1, t->counter++);
        if (type == DTYPE_F32)
            ((float *)array)[i] = f;
        else
            ((uint16_t *)array)[i] = bf16_from_f32(f);
    }
    return array;
}

// Outputs of its own; d_w starts as the original's.
static struct head with_outputs(struct bench *t, const struct head *h)
{
    struct head copy = *h;
    const size_t n_w = h->vocabulary * h->width;
    copy.loss = arena_alloc(&t->arena, size_max(h->n_rows, 1) * sizeof(float), 64);
    copy.d_x = arena_alloc(&t->arena, size_max(h->n_rows * h->width, 1) * dtype_bytes(h->type), 64);
    copy.d_w = arena_alloc(&t->arena, n_w * sizeof(float), 64);
    memcpy(copy.d_w, h->d_w, n_w * sizeof(float));
    return copy;
}

static struct head draw_head(struct bench *t, enum dtype type, size_t n_rows, size_t vocabulary)
{
    struct head h = {.type = type, .n_rows = n_rows, .vocabulary = vocabulary};
    h.width = 1 + draw(t, 70);
    h.softcap = draw(t, 2) ? 0.0f : 5.0f;
    h.z_loss = draw(t, 2) ? 0.0f : 1e-2f;
    h.scale = 0.125f;
    h.accumulate_d_w = (int)draw(t, 2);
    h.x = draw_array(t, type, n_rows * h.width, 1.0f);
    h.w = draw_array(t, type, vocabulary * h.width, 0.5f);
    h.d_w = draw_array(t, DTYPE_F32, vocabulary * h.width, 1.0f);
    int32_t *targets = arena_alloc(&t->arena, size_max(n_rows, 1) * sizeof *targets, 64);
    float *mask = arena_alloc(&t->arena, size_max(n_rows, 1) * sizeof *mask, 64);
    for (size_t i = 0; i < n_rows; i++) {
        mask[i] = draw(t, 5) ? 1.0f : 0.0f;
        targets[i] = mask[i] > 0.0f ? (int32_t)draw(t, vocabulary) : -1;
    }
    h.targets = targets;
    h.mask = mask;
    return with_outputs(t, &h);
}

static void run(struct bench *t, const struct head *h, size_t n_threads)
{
    void *scratch = arena_alloc(&t->arena, head_scratch_bytes(h, n_threads), 64);
    head_gradient(h, t->pools[n_threads - 1], scratch);
}

static double at(enum dtype type, const void *base, size_t i)
{
    return type == DTYPE_BF16 ? (double)bf16_to_f32(((const uint16_t *)base)[i])
                              : (double)((const float *)base)[i];
}

static void check_close(const char *what, enum dtype type, const void *got, const void *want,
                        size_t n, double tolerance)
{
    double difference = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        const double x = at(type, got, i), y = at(type, want, i);
        difference += (x - y) * (x - y);
        size += y * y;
    }
    if (sqrt(difference) <= tolerance * sqrt(size) + 1e-7) return;
    check_failed(__FILE__, __LINE__, "%s: off by %g of %g", what, sqrt(difference), sqrt(size));
}

static void check_same(const struct head *x, const struct head *y)
{
    CHECK(memcmp(x->loss, y->loss, x->n_rows * sizeof(float)) == 0);
    CHECK(memcmp(x->d_x, y->d_x, x->n_rows * x->width * dtype_bytes(x->type)) == 0);
    CHECK(memcmp(x->d_w, y->d_w, x->vocabulary * x->width * sizeof(float)) == 0);
}

static void check_reference(struct bench *t, const struct head *before, const struct head *got)
{
    const struct head want = with_outputs(t, before);
    head_gradient_reference(&want);
    const double rounded = got->type == DTYPE_F32 ? 3e-6 : 8e-3;
    check_close("loss", DTYPE_F32, got->loss, want.loss, got->n_rows, 3e-6);
    check_close("d_x", got->type, got->d_x, want.d_x, got->n_rows * got->width, rounded);
    check_close("d_w", DTYPE_F32, got->d_w, want.d_w, got->vocabulary * got->width, rounded);
    const struct head forward = with_outputs(t, before), plain = with_outputs(t, before);
    void *scratch = arena_alloc(&t->arena, head_scratch_bytes(before, 2), 64);
    head_forward(&forward, t->pools[1], scratch);
    CHECK(memcmp(forward.loss, got->loss, got->n_rows * sizeof(float)) == 0);
    head_reference(&plain);
    CHECK(memcmp(plain.loss, want.loss, got->n_rows * sizeof(float)) == 0);
}

static void check_isas_and_threads(struct bench *t, const struct head *before,
                                   const struct head *want)
{
    for (enum isa i = ISA_SCALAR; i <= ISA_AMX; i++) {
        if (isa_set(i) != i) continue;
        const struct head got = with_outputs(t, before);
        run(t, &got, 1 + draw(t, MAX_THREADS));
        check_same(&got, want);
    }
    isa_set(ISA_AMX);
}

// Rows in calls of a multiple of 32, whose weight gradients continue each other.
static void check_pieces(struct bench *t, const struct head *before, const struct head *want)
{
    if (before->n_rows == 0) return;
    const struct head got = with_outputs(t, before);
    for (size_t first = 0, n; first < got.n_rows; first += n) {
        n = size_min(32 * (1 + draw(t, 4)), got.n_rows - first);
        struct head piece = got;
        const size_t offset = first * got.width * dtype_bytes(got.type);
        piece.n_rows = n;
        piece.x = (const char *)got.x + offset;
        piece.d_x = (char *)got.d_x + offset;
        piece.targets += first;
        piece.mask += first;
        piece.loss += first;
        piece.accumulate_d_w = got.accumulate_d_w || first > 0;
        run(t, &piece, 1);
    }
    check_same(&got, want);
}

// A frozen weight, or an input without parameters before it.
static void check_unwanted(struct bench *t, const struct head *before, const struct head *want)
{
    struct head no_d_w = with_outputs(t, before), no_d_x = with_outputs(t, before);
    float *d_w = no_d_w.d_w;
    no_d_w.d_w = NULL;
    no_d_x.d_x = NULL;
    run(t, &no_d_w, 2);
    run(t, &no_d_x, 2);
    no_d_w.d_w = d_w;
    memcpy(d_w, want->d_w, want->vocabulary * want->width * sizeof(float));
    no_d_x.d_x = want->d_x;
    check_same(&no_d_w, want);
    check_same(&no_d_x, want);
}

static void test_logits(struct bench *t, const struct head *h)
{
    const size_t n = h->n_rows * h->vocabulary;
    float *logits = arena_alloc(&t->arena, size_max(n, 1) * sizeof *logits, 64);
    head_logits(h, logits, t->pools[1], arena_alloc(&t->arena, head_scratch_bytes(h, 2), 64));
    for (size_t i = 0; i < h->n_rows; i++) {
        if (h->mask[i] == 0.0f) continue;
        double sum = 0.0;
        for (size_t j = 0; j < h->vocabulary; j++)
            sum += exp((double)logits[i * h->vocabulary + j]);
        const double log_sum = log(sum),
                     z = (double)logits[i * h->vocabulary + (size_t)h->targets[i]];
        const double loss = log_sum - z + (double)h->z_loss * log_sum * log_sum;
        CHECK(fabs(loss - (double)h->loss[i]) < 1e-4 * (1.0 + fabs(log_sum)));
    }
}

static void test_case(struct bench *t, enum dtype type, size_t n_rows, size_t vocabulary)
{
    const struct head before = draw_head(t, type, n_rows, vocabulary);
    const struct head got = with_outputs(t, &before);
    isa_set(ISA_AMX);
    run(t, &got, 1);
    check_reference(t, &before, &got);
    check_isas_and_threads(t, &before, &got);
    check_pieces(t, &before, &got);
    check_unwanted(t, &before, &got);
    test_logits(t, &got);
    arena_reset(&t->arena);
}

int main(int argc, char **argv)
{
    struct bench t = {.key = rng_key(check_seed(argc, argv), "head")};
    arena_init(&t.life, "pools");
    arena_init(&t.arena, "head");
    for (size_t p = 0; p < MAX_THREADS; p++)
        CHECK_OK(pool_open(&t.life, p + 1, &t.pools[p]));
    for (int c = 0; c < N_CASES; c++)
        test_case(&t, c % 2 ? DTYPE_F32 : DTYPE_BF16, draw(&t, 150), 1 + draw(&t, 300));
    test_case(&t, DTYPE_BF16, 0, 40);
    test_case(&t, DTYPE_BF16, 300, 33);  // more than one chunk
    test_case(&t, DTYPE_BF16, 40, 4200); // more than one piece of the vocabulary
    for (size_t p = 0; p < MAX_THREADS; p++)
        pool_close(t.pools[p]);
    arena_fini(&t.arena);
    arena_fini(&t.life);
    return 0;
}
