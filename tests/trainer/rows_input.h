#pragma once
// Drawn operands for kernels of rows: values of all sizes in f32 and bf16, indices, positions.

#include <string.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/size.h"
#include "trainer/kernel/rows.h"

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

/// Which operands are bf16, by the four low bits of types.
static void input_set_types(struct input *in, unsigned types)
{
    in->xt = types & 1 ? DTYPE_BF16 : DTYPE_F32;
    in->gt = types & 2 ? DTYPE_BF16 : DTYPE_F32;
    in->dyt = types & 4 ? DTYPE_BF16 : DTYPE_F32;
    in->yt = types & 8 ? DTYPE_BF16 : DTYPE_F32;
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
