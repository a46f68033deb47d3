#pragma once
// Every kernel of rows.h as a case: a function from drawn input and a range to output, so that
// tests run instruction sets, cuts and compilers against each other.

#include "tests/trainer/rows_input.h"

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
