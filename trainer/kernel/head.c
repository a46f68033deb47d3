// A chunk of rows at a time: logits, then rows (softcap, loss, gradient in place), then both
// products of the gradient. The chunk is a multiple of 32 rows, so the chain of a weight's gradient
// continues from chunk to chunk as if they were one product; its length follows from the vocabulary
// alone. d_x sums over the vocabulary: in pieces of a multiple of 32 that continue the same chain
// in f32, because one block over all of it would be a task of many milliseconds.
#include "trainer/kernel/head.h"

#include "base/size.h"
#include "trainer/kernel/matmul.h"
#include "trainer/kernel/rows.h"
#include "trainer/kernel/softmax.h"

enum { LEAST_CHUNK = 32, MOST_CHUNK = 256, CHUNK_ELEMS = 1 << 23, PIECE = 4096 };

struct chunk {
    const struct head *head;
    const struct softmax_kernels *rows;
    size_t first, n_rows;
    float *z;   // [n_rows][V]; the gradient replaces it, same row stride in bytes
    float *d_x; // [n_rows][C] while it sums over the vocabulary
    bool gradient;
};

static size_t chunk_rows(const struct head *h)
{
    const size_t fitting = CHUNK_ELEMS / size_max(h->vocabulary, 1) / LEAST_CHUNK * LEAST_CHUNK;
    return size_max(LEAST_CHUNK, size_min(MOST_CHUNK, fitting));
}

static size_t matmul_bytes(size_t n_threads)
{
    return n_threads * matmul_scratch_bytes();
}

size_t head_scratch_bytes(const struct head *h, size_t n_threads)
{
    const size_t rows = size_min(chunk_rows(h), h->n_rows);
    return matmul_bytes(n_threads) + size_align(rows * h->vocabulary * sizeof(float), 64) +
           size_align(rows * h->width * sizeof(float), 64);
}

static const void *row_of(const struct head *h, const void *base, size_t row)
{
    return (const char *)base + row * h->width * dtype_bytes(h->type);
}

static struct matmul logits_of(const struct head *h, size_t first, size_t n_rows, float *z)
{
    return (struct matmul){.type = h->type,
                           .a = row_of(h, h->x, first),
                           .a_row_stride = h->width,
                           .a_k_stride = 1,
                           .b = h->w,
                           .b_row_stride = h->width,
                           .b_k_stride = 1,
                           .out = z,
                           .out_type = DTYPE_F32,
                           .out_row_stride = h->vocabulary,
                           .m = n_rows,
                           .n = h->vocabulary,
                           .k = h->width};
}

// Elements between rows of the gradient, which lies where the logits were.
static size_t d_z_stride(const struct head *h)
{
    return h->vocabulary * sizeof(float) / dtype_bytes(h->type);
}

static const void *d_z_at(const struct chunk *c, size_t token)
{
    return (const char *)c->z + token * dtype_bytes(c->head->type);
}

// Continues with tokens first .. first + n - 1.
static struct matmul d_x_of(const struct chunk *c, size_t first, size_t n)
{
    const struct head *h = c->head;
    return (struct matmul){.type = h->type,
                           .a = d_z_at(c, first),
                           .a_row_stride = d_z_stride(h),
                           .a_k_stride = 1,
                           .b = row_of(h, h->w, first),
                           .b_row_stride = 1,
                           .b_k_stride = h->width,
                           .out = c->d_x,
                           .out_type = DTYPE_F32,
                           .out_row_stride = h->width,
                           .accumulate = first > 0,
                           .m = c->n_rows,
                           .n = h->width,
                           .k = n};
}

// Rows first .. first + n - 1 of d_w.
static struct matmul d_w_of(const struct chunk *c, size_t first, size_t n)
{
    const struct head *h = c->head;
    return (struct matmul){.type = h->type,
                           .a = d_z_at(c, first),
                           .a_row_stride = 1,
                           .a_k_stride = d_z_stride(h),
                           .b = row_of(h, h->x, c->first),
                           .b_row_stride = 1,
                           .b_k_stride = h->width,
                           .out = h->d_w + first * h->width,
                           .out_type = DTYPE_F32,
                           .out_row_stride = h->width,
                           .accumulate = h->accumulate_d_w || c->first > 0,
                           .m = n,
                           .n = h->width,
                           .k = c->n_rows};
}

// What the caller wants of d_x and d_w.
static void multiply_gradient(const struct chunk *c, struct pool *pool, void *scratch)
{
    const struct head *h = c->head;
    for (size_t v = 0; v < h->vocabulary; v += PIECE) {
        const size_t n = size_min(PIECE, h->vocabulary - v);
        struct matmul products[2];
        size_t n_products = 0;
        if (h->d_x) products[n_products++] = d_x_of(c, v, n);
        if (h->d_w) products[n_products++] = d_w_of(c, v, n);
        matmul_run(products, n_products, pool, scratch);
    }
    if (!h->d_x) return;
    char *d_x = (char *)h->d_x + c->first * h->width * dtype_bytes(h->type);
    rows_kernels()->cast(c->d_x, DTYPE_F32, d_x, h->type, c->n_rows * h->width);
}

static void run_row(void *context, size_t row, size_t thread)
{
    (void)thread;
    const struct chunk *c = context;
    const struct head *h = c->head;
    const size_t i = c->first + row;
    float *z = c->z + row * h->vocabulary;
    struct softmax_loss l = {.softcap = h->softcap,
                             .z_loss = h->z_loss,
                             .mask = h->mask[i],
                             .scale = h->scale,
                             .target = h->targets[i]};
    if (h->softcap > 0.0f) c->rows->cap(z, h->vocabulary, h->softcap);
    h->loss[i] = c->rows->loss(z, h->vocabulary, &l);
    if (c->gradient) c->rows->loss_gradient(z, h->vocabulary, &l, h->type, z);
}

static struct chunk chunk_of(const struct head *h, struct pool *pool, void *scratch, bool gradient)
{
    float *z = (float *)(void *)((char *)scratch + matmul_bytes(pool_n_threads(pool)));
    const size_t z_elems = size_min(chunk_rows(h), h->n_rows) * h->vocabulary;
    return (struct chunk){.head = h,
                          .rows = softmax_kernels(),
                          .z = z,
                          .d_x = z + size_align(z_elems, 16),
                          .gradient = gradient};
}

static void run(const struct head *h, struct pool *pool, void *scratch, bool gradient)
{
    struct chunk c = chunk_of(h, pool, scratch, gradient);
    const size_t step = chunk_rows(h);
    for (; c.first < h->n_rows; c.first += step) {
        c.n_rows = size_min(step, h->n_rows - c.first);
        const struct matmul logits = logits_of(h, c.first, c.n_rows, c.z);
        matmul_run(&logits, 1, pool, scratch);
        pool_run(pool, c.n_rows, run_row, &c);
        if (gradient) multiply_gradient(&c, pool, scratch);
    }
}

void head_forward(const struct head *h, struct pool *pool, void *scratch)
{
    run(h, pool, scratch, false);
}

void head_gradient(const struct head *h, struct pool *pool, void *scratch)
{
    if (h->n_rows == 0 && h->d_w != NULL) { // the gradient of nothing still overwrites
        const struct chunk none = chunk_of(h, pool, scratch, true);
        const struct matmul d_w = d_w_of(&none, 0, h->vocabulary);
        matmul_run(&d_w, 1, pool, scratch);
    }
    run(h, pool, scratch, true);
}

struct capped {
    const struct softmax_kernels *rows;
    float *logits;
    size_t vocabulary;
    float softcap;
};

static void cap_row(void *context, size_t row, size_t thread)
{
    (void)thread;
    const struct capped *c = context;
    c->rows->cap(c->logits + row * c->vocabulary, c->vocabulary, c->softcap);
}

void head_logits(const struct head *h, float *logits, struct pool *pool, void *scratch)
{
    const struct matmul product = logits_of(h, 0, h->n_rows, logits);
    matmul_run(&product, 1, pool, scratch);
    struct capped c = {softmax_kernels(), logits, h->vocabulary, h->softcap};
    if (h->softcap > 0.0f) pool_run(pool, h->n_rows, cap_row, &c);
}
