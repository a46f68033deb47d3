#pragma once
// Random products for tests of matrix kernels: shapes around tile borders, the three uses, hard
// values; and the comparison of their results, bit for bit.

#include "base/arena.h"
#include "base/rng.h"
#include "base/size.h"
#include "tests/check.h"
#include "trainer/kernel/isa.h"
#include "trainer/kernel/matmul.h"

enum values { VALUES_NORMAL, VALUES_TINY, VALUES_HUGE, VALUES_WILD, N_VALUES };
enum use { USE_FORWARD, USE_DX, USE_DW, N_USES };

struct cases {
    struct arena arena;
    uint64_t key, counter;
};

static uint32_t draw(struct cases *t, uint32_t n)
{
    return (uint32_t)(rng_u64(t->key, 0, t->counter++) % n);
}

// Exponents near the smallest normal number and below, or near the largest, or anything (no NaN).
static float draw_value(struct cases *t, enum values v)
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

static void *draw_array(struct cases *t, enum dtype type, enum values v, size_t n)
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
static size_t draw_size(struct cases *t, size_t most)
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

static struct matmul draw_product(struct cases *t, size_t most)
{
    struct matmul m = {.type = draw(t, 4) ? DTYPE_BF16 : DTYPE_F32};
    m.m = draw_size(t, most);
    m.n = draw_size(t, most);
    m.k = draw(t, 5) ? draw_size(t, 3 * most) : 500 + draw(t, 700); // some with several chunks
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

static struct matmul with_copy(struct cases *t, const struct matmul *m)
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
