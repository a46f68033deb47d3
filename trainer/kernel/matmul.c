// How a product is cut and walked; the arithmetic is in matmul_<isa>.c.
//
// A product is cut into blocks of at most task_fmas multiply-adds; a block is a task. Within it
//
//     c = 0 or out                           [column strips][row strips][rows][columns] f32
//     for each chunk of k                     (a strip of B then stays in the first-level cache)
//         pack A's rows of the block         skipped when this thread's last block had the same
//         for each column strip
//             pack B's strip; for each row strip: c += A B^T
//     out = c + bias
//
// I1 Every element takes its k in one fixed order whatever the cut: the cut is free to follow the
//    number of threads. Chunks end at multiples of 32 k, and c keeps f32 between them.
// I2 Tasks are dealt so that a thread's neighbouring tasks share rows: it packs A about once per
//    row of blocks.
#include "trainer/kernel/matmul.h"

#include <stdint.h>
#include <string.h>
#include <xmmintrin.h>

#include "base/size.h"
#include "trainer/kernel/matmul_kernel.h"

enum {
    HEAD_BYTES = 64,
    PANEL_BYTES = 4 << 20,
    STRIP_BYTES = 32 << 10,
    BLOCK_ROWS = 256, // at most, as columns
    BLOCK_COLUMNS = 256,
    PREFERRED_ROWS = 192, // B is packed once per row of blocks
    TILE_BYTES = BLOCK_ROWS * BLOCK_COLUMNS * 4,
    SCRATCH_BYTES = HEAD_BYTES + PANEL_BYTES + STRIP_BYTES + TILE_BYTES,
    PRODUCTS_AT_ONCE = 256,
    TASKS_PER_THREAD = 4, // at least, so that threads finish together
    LEAST_TASK_SHARE = 16 // but no task below this part of task_fmas
};
enum { CSR_FLUSH = 0x8040 }; // FTZ and DAZ
#define NO_ROWS SIZE_MAX

struct scratch {
    size_t packed_product, packed_row; // what the panel holds whole
    char *panel, *strip;
    float *c;
};

// The fields of scratch that outlive a task.
struct scratch_head {
    size_t packed_product, packed_row;
};

struct cut {
    size_t rows, columns; // of a block
    size_t n_row_blocks, n_column_blocks;
};

struct job {
    const struct matmul *list;
    size_t n_products, n_threads;
    char *scratch;
    struct cut cuts[PRODUCTS_AT_ONCE];
    size_t first_task[PRODUCTS_AT_ONCE + 1];
};

const struct matmul_kernel *matmul_kernel_get(enum dtype type)
{
    const bool narrow = type == DTYPE_BF16;
    switch (isa_get()) {
    case ISA_SCALAR:
        return narrow ? &matmul_scalar_bf16 : &matmul_scalar_f32;
    case ISA_AVX2:
        return narrow ? &matmul_avx2_bf16 : &matmul_avx2_f32;
    case ISA_AVX512:
        return narrow ? &matmul_avx512_bf16 : &matmul_avx512_f32;
    case ISA_AMX:
        return narrow ? &matmul_amx_bf16 : &matmul_avx512_f32;
    }
    err_abort(__FILE__, __LINE__, "no kernel for instruction set %d", (int)isa_get());
}

size_t matmul_scratch_bytes(void)
{
    return SCRATCH_BYTES;
}

static size_t round_down(size_t n, size_t unit)
{
    return n / unit * unit;
}

static size_t round_up(size_t n, size_t unit)
{
    return size_ceil_div(n, unit) * unit;
}

static size_t clamp(size_t n, size_t low, size_t high)
{
    return n < low ? low : size_min(n, size_max(low, high));
}

// Blocks of about `fmas` multiply-adds, wide rather than many, all of nearly the same size.
static struct cut cut_of(const struct matmul *m, const struct matmul_kernel *kernel, size_t fmas)
{
    if (m->m == 0 || m->n == 0) return (struct cut){0};
    const size_t k = size_align(size_max(m->k, 1), MATMUL_GROUP);
    const size_t elems = fmas / k;
    const size_t panel_rows = round_down(PANEL_BYTES / kernel->elem_bytes / k, kernel->rows);
    const size_t max_rows =
        size_min(size_min(BLOCK_ROWS, panel_rows), round_up(m->m, kernel->rows));
    const size_t max_columns = size_min(BLOCK_COLUMNS, round_up(m->n, kernel->columns));
    const size_t first_rows = clamp(PREFERRED_ROWS, kernel->rows, max_rows);
    const size_t columns = clamp(round_down(elems / first_rows, kernel->columns), kernel->columns,
                                 round_down(max_columns, kernel->columns));
    const size_t rows = clamp(round_down(elems / columns, kernel->rows), kernel->rows,
                              round_down(max_rows, kernel->rows));
    struct cut cut = {.n_row_blocks = size_ceil_div(m->m, rows),
                      .n_column_blocks = size_ceil_div(m->n, columns)};
    cut.rows = round_up(size_ceil_div(m->m, cut.n_row_blocks), kernel->rows);
    cut.columns = round_up(size_ceil_div(m->n, cut.n_column_blocks), kernel->columns);
    cut.n_row_blocks = size_ceil_div(m->m, cut.rows);
    cut.n_column_blocks = size_ceil_div(m->n, cut.columns);
    return cut;
}

static struct scratch scratch_of(char *bytes)
{
    struct scratch s = {.panel = bytes + HEAD_BYTES};
    s.strip = s.panel + PANEL_BYTES;
    s.c = (float *)(void *)(s.strip + STRIP_BYTES);
    const struct scratch_head *head = (const void *)bytes;
    s.packed_product = head->packed_product;
    s.packed_row = head->packed_row;
    return s;
}

static void remember_rows(char *bytes, size_t product, size_t row)
{
    *(struct scratch_head *)(void *)bytes = (struct scratch_head){product, row};
}

// A block of one product: n_rows and n_columns are what exists of it.
struct block {
    const struct matmul *m;
    const struct matmul_kernel *kernel;
    size_t i, n_rows, j, n_columns;
    bool panel_whole, panel_ready; // the panel can hold all k; it already does
};

static void move_tiles(const struct block *b, const struct scratch *s, bool store)
{
    const struct matmul_kernel *kernel = b->kernel;
    float *c = s->c;
    for (size_t j = 0; j < b->n_columns; j += kernel->columns)
        for (size_t i = 0; i < b->n_rows; i += kernel->rows) {
            if (store)
                kernel->store(b->m, b->i + i, b->j + j, c);
            else
                kernel->load(b->m, b->i + i, b->j + j, c);
            c += kernel->rows * kernel->columns;
        }
}

static void multiply_chunk(const struct block *b, const struct scratch *s, size_t k)
{
    const struct matmul_kernel *kernel = b->kernel;
    const size_t n_k = size_min(kernel->k_chunk, b->m->k - k);
    const size_t n_strips = size_ceil_div(b->n_rows, kernel->rows);
    char *panel = s->panel;
    if (b->panel_whole) panel += n_strips * kernel->rows * k * kernel->elem_bytes;
    if (!b->panel_ready) kernel->pack_a(b->m, b->i, b->n_rows, k, n_k, panel);
    float *c = s->c;
    for (size_t j = 0; j < b->n_columns; j += kernel->columns) {
        const size_t n_columns = size_min(kernel->columns, b->n_columns - j);
        kernel->pack_b(b->m, b->j + j, n_columns, k, n_k, s->strip);
        kernel->multiply(panel, s->strip, c, n_strips, n_k);
        c += n_strips * kernel->rows * kernel->columns;
    }
}

// bf16 flushes denormals, in sums and bias; f32 does not.
static void run_block(const struct block *b, const struct scratch *s)
{
    const unsigned csr = _mm_getcsr();
    if (b->m->type == DTYPE_BF16) _mm_setcsr(csr | CSR_FLUSH);
    move_tiles(b, s, false);
    for (size_t k = 0; k < b->m->k; k += b->kernel->k_chunk)
        multiply_chunk(b, s, k);
    move_tiles(b, s, true);
    _mm_setcsr(csr);
}

static struct block block_of(const struct matmul *m, const struct cut *cut, size_t row,
                             size_t column)
{
    const struct matmul_kernel *kernel = matmul_kernel_get(m->type);
    struct block b = {.m = m, .kernel = kernel};
    b.i = row * cut->rows;
    b.j = column * cut->columns;
    b.n_rows = size_min(cut->rows, m->m - b.i);
    b.n_columns = size_min(cut->columns, m->n - b.j);
    b.panel_whole = cut->rows * size_align(m->k, MATMUL_GROUP) * kernel->elem_bytes <= PANEL_BYTES;
    return b;
}

// Deals the idx-th task of a product: n_threads rows of blocks at a time, one to each thread as
// long as they keep pace (I2).
static struct block deal(const struct job *job, size_t product, size_t idx)
{
    const struct cut *cut = &job->cuts[product];
    const size_t hand = job->n_threads * cut->n_column_blocks;
    const size_t first_row = idx / hand * job->n_threads;
    const size_t n_rows = size_min(job->n_threads, cut->n_row_blocks - first_row);
    const size_t rest = idx % hand;
    return block_of(&job->list[product], cut, first_row + rest % n_rows, rest / n_rows);
}

static void run_task(void *context, size_t task, size_t thread)
{
    const struct job *job = context;
    size_t p = 0;
    while (task >= job->first_task[p + 1])
        p++;
    char *bytes = job->scratch + thread * SCRATCH_BYTES;
    const struct scratch s = scratch_of(bytes);
    struct block b = deal(job, p, task - job->first_task[p]);
    b.panel_ready = b.panel_whole && s.packed_product == p && s.packed_row == b.i;
    run_block(&b, &s);
    remember_rows(bytes, p, b.panel_whole ? b.i : NO_ROWS);
}

static void check(const struct matmul *m)
{
    ASSERT(m->type == DTYPE_F32 || m->type == DTYPE_BF16);
    ASSERT(m->out_type == DTYPE_F32 || (m->out_type == DTYPE_BF16 && !m->accumulate));
    ASSERT(m->a_row_stride == 1 || m->a_k_stride == 1);
    ASSERT(m->b_row_stride == 1 || m->b_k_stride == 1);
}

static size_t fmas_per_task(const struct matmul *list, size_t n_products, size_t n_threads)
{
    size_t total = 0;
    for (size_t p = 0; p < n_products; p++)
        total += list[p].m * list[p].n * list[p].k;
    const size_t most = matmul_kernel_get(list->type)->task_fmas;
    return clamp(total / (n_threads * TASKS_PER_THREAD), most / LEAST_TASK_SHARE, most);
}

static void run_some(const struct matmul *list, size_t n_products, struct pool *pool, char *scratch)
{
    const size_t n_threads = pool_n_threads(pool);
    struct job job = {list, n_products, n_threads, scratch, {{0}}, {0}};
    const size_t fmas = fmas_per_task(list, n_products, n_threads);
    for (size_t p = 0; p < n_products; p++) {
        check(&list[p]);
        job.cuts[p] = cut_of(&list[p], matmul_kernel_get(list[p].type), fmas);
        const size_t n = job.cuts[p].n_row_blocks * job.cuts[p].n_column_blocks;
        job.first_task[p + 1] = job.first_task[p] + n;
    }
    for (size_t t = 0; t < n_threads; t++)
        remember_rows(scratch + t * SCRATCH_BYTES, 0, NO_ROWS);
    pool_run(pool, job.first_task[n_products], run_task, &job);
}

void matmul_run(const struct matmul *list, size_t n_products, struct pool *pool, void *scratch)
{
    ASSERT((uintptr_t)scratch % 64 == 0);
    for (size_t p = 0; p < n_products; p += PRODUCTS_AT_ONCE)
        run_some(list + p, size_min(PRODUCTS_AT_ONCE, n_products - p), pool, scratch);
}

void matmul_run_here(const struct matmul *m, void *scratch)
{
    ASSERT((uintptr_t)scratch % 64 == 0);
    const struct matmul_kernel *kernel = matmul_kernel_get(m->type);
    const struct cut cut = cut_of(m, kernel, kernel->task_fmas);
    const struct scratch s = scratch_of(scratch);
    for (size_t row = 0; row < cut.n_row_blocks; row++)
        for (size_t column = 0; column < cut.n_column_blocks; column++) {
            struct block b = block_of(m, &cut, row, column);
            b.panel_ready = b.panel_whole && column > 0;
            run_block(&b, &s);
        }
}

static float value(enum dtype type, const void *base, size_t index)
{
    return type == DTYPE_BF16 ? bf16_to_f32(((const uint16_t *)base)[index])
                              : ((const float *)base)[index];
}

// c + the products of up to 32 k from k on, short groups padded with zeros.
static float reference_group(const struct matmul *m, size_t i, size_t j, size_t k, float c)
{
    float sums[2] = {0.0f, 0.0f};
    for (size_t x = 0; x < MATMUL_GROUP; x++) {
        float a = 0.0f, b = 0.0f;
        if (k + x < m->k) {
            a = value(m->type, m->a, i * m->a_row_stride + (k + x) * m->a_k_stride);
            b = value(m->type, m->b, j * m->b_row_stride + (k + x) * m->b_k_stride);
        }
        sums[x % 2] = matmul_fma_flush(matmul_flush(a), matmul_flush(b), sums[x % 2]);
    }
    return matmul_add_flush(c, matmul_add_flush(sums[0], sums[1]));
}

static float reference_element(const struct matmul *m, size_t i, size_t j)
{
    float c = m->accumulate ? ((const float *)m->out)[i * m->out_row_stride + j] : 0.0f;
    if (m->type == DTYPE_BF16)
        for (size_t k = 0; k < m->k; k += MATMUL_GROUP)
            c = reference_group(m, i, j, k, c);
    else
        for (size_t k = 0; k < m->k; k++)
            c = vmath_fma(value(m->type, m->a, i * m->a_row_stride + k * m->a_k_stride),
                          value(m->type, m->b, j * m->b_row_stride + k * m->b_k_stride), c);
    if (!m->bias) return c;
    const float bias = value(m->type, m->bias, j);
    return m->type == DTYPE_BF16 ? matmul_add_flush(c, bias) : c + bias;
}

void matmul_reference(const struct matmul *m)
{
    check(m);
    for (size_t i = 0; i < m->m; i++)
        for (size_t j = 0; j < m->n; j++) {
            const float c = reference_element(m, i, j);
            const size_t at = i * m->out_row_stride + j;
            if (m->out_type == DTYPE_F32)
                ((float *)m->out)[at] = c;
            else
                ((uint16_t *)m->out)[at] = bf16_from_f32(c);
        }
}
