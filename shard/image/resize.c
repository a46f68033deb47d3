#include "shard/image/resize.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "shard/image/resize_pass.h"

// Keys' cubic with a = -1/2.
static double cubic(double x)
{
    x = fabs(x);
    if (x < 1) return ((-0.5 + 2) * x - (-0.5 + 3)) * x * x + 1;
    if (x < 2) return (((x - 5) * x + 8) * x - 4) * -0.5;
    return 0;
}

static int32_t fixed_point(double weight)
{
    return (int32_t)((weight < 0 ? -0.5 : 0.5) + weight * (1 << RESIZE_BITS));
}

// One axis of the resize: [from, to) of n_in inputs as n_out outputs, of which n from first on are
// made.
struct axis {
    uint32_t n_in, n_out;
    float from, to;
    uint32_t first, n;
};

struct window {
    double scale, stretch; // inputs an output; that, or 1 when the image grows
};

static struct window axis_window(const struct axis *axis)
{
    const double scale = (double)(axis->to - axis->from) / axis->n_out;
    return (struct window){scale, scale < 1 ? 1 : scale};
}

static struct resize_taps alloc_taps(uint32_t n, uint32_t n_taps, struct arena *a)
{
    struct resize_taps taps = {.n = n};
    taps.stride = (uint32_t)size_align(n_taps, RESIZE_TAPS_ALIGN);
    taps.first = ARENA_ARRAY(a, uint32_t, n);
    taps.count = ARENA_ARRAY(a, uint32_t, n);
    taps.weight = ARENA_ARRAY(a, int32_t, (size_t)n * taps.stride);
    taps.high = ARENA_ARRAY(a, int16_t, (size_t)n * taps.stride);
    taps.low = ARENA_ARRAY(a, int16_t, (size_t)n * taps.stride);
    for (int b = 0; b < RESIZE_WEIGHT_BYTES; b++)
        taps.byte[b] = ARENA_ARRAY(a, int8_t, (size_t)n * taps.stride);
    return taps;
}

static void put_weight(struct resize_taps *taps, size_t at, int32_t k)
{
    ASSERT(abs(k) < 1 << 23);
    taps->weight[at] = k;
    taps->high[at] = (int16_t)(k >> RESIZE_LOW_BITS);
    taps->low[at] = (int16_t)(k & ((1 << RESIZE_LOW_BITS) - 1));
    for (int b = 0; b < RESIZE_WEIGHT_BYTES; b++) {
        const int32_t byte = ((k + 128) & 255) - 128;
        taps->byte[b][at] = (int8_t)byte;
        k = (k - byte) / 256;
    }
}

// The taps of output number o of those made; weights are normalised in f64, then rounded.
static void fill_taps(const struct axis *axis, const struct window *w, uint32_t o, double *weights,
                      struct resize_taps *taps)
{
    const double support = 2 * w->stretch, inverse = 1 / w->stretch;
    const double center = (double)axis->from + (axis->first + o + 0.5) * w->scale;
    const double low = center - support + 0.5, high = center + support + 0.5;
    const int64_t first = low < 0 ? 0 : (int64_t)low;
    const int64_t end = high > axis->n_in ? axis->n_in : (int64_t)high;
    const size_t n = (size_t)(end - first), base = (size_t)o * taps->stride;
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        weights[i] = cubic(((double)((int64_t)i + first) - center + 0.5) * inverse);
        total += weights[i];
    }
    for (size_t i = 0; i < n; i++) {
        const int32_t k = fixed_point(total != 0 ? weights[i] / total : weights[i]);
        put_weight(taps, base + i, k);
    }
    taps->first[o] = (uint32_t)first;
    taps->count[o] = (uint32_t)n;
}

static struct resize_taps build_taps(const struct axis *axis, struct arena *a)
{
    const struct window w = axis_window(axis);
    const uint32_t n_taps = (uint32_t)ceil(2 * w.stretch) * 2 + 1;
    struct resize_taps taps = alloc_taps(axis->n, n_taps, a);
    double *weights = ARENA_ARRAY(a, double, n_taps);
    for (uint32_t o = 0; o < axis->n; o++)
        fill_taps(axis, &w, o, weights, &taps);
    return taps;
}

static bool axis_changes(const struct axis *axis)
{
    return axis->n_in != axis->n_out || axis->from != 0 || axis->to != (float)axis->n_out ||
           axis->n != axis->n_out;
}

static void rows_scalar(const struct resize_taps *taps, const uint8_t *const in[RESIZE_ROWS],
                        uint8_t *const out[RESIZE_ROWS])
{
    for (int r = 0; r < RESIZE_ROWS; r++) {
        for (uint32_t x = 0; x < taps->n; x++) {
            const int32_t *k = taps->weight + (size_t)x * taps->stride;
            const uint8_t *at = in[r] + (size_t)taps->first[x] * 3;
            int32_t sum[3];
            for (int c = 0; c < 3; c++)
                sum[c] = 1 << (RESIZE_BITS - 1);
            for (uint32_t i = 0; i < taps->count[x]; i++, at += 3)
                for (int c = 0; c < 3; c++)
                    sum[c] += at[c] * k[i];
            for (int c = 0; c < 3; c++)
                out[r][(size_t)x * 3 + c] = resize_clip(sum[c]);
        }
    }
}

void resize_column_scalar(const struct resize_taps *taps, uint32_t y, const uint8_t *in,
                          size_t row_bytes, size_t from, uint8_t *out)
{
    const int32_t *k = taps->weight + (size_t)y * taps->stride;
    for (size_t x = from; x < row_bytes; x++) {
        const uint8_t *at = in + (size_t)taps->first[y] * row_bytes + x;
        int32_t sum = 1 << (RESIZE_BITS - 1);
        for (uint32_t i = 0; i < taps->count[y]; i++, at += row_bytes)
            sum += *at * k[i];
        out[x] = resize_clip(sum);
    }
}

static void column_scalar(const struct resize_taps *taps, uint32_t y, const uint8_t *in,
                          size_t row_bytes, uint8_t *out)
{
    resize_column_scalar(taps, y, in, row_bytes, 0, out);
}

static bool always(void)
{
    return true;
}

const struct resize_kernel resize_kernel_scalar = {"scalar", always, rows_scalar, column_scalar};

// Rows [first, end) of in, narrowed. Vector kernels read behind a row's end; rows at the end of the
// image are copied to where they may.
static struct image_pixels pass_rows(const struct resize_kernel *kernel,
                                     const struct image_pixels *in, const struct axis *axis,
                                     uint32_t first, uint32_t end, struct arena *a)
{
    const struct resize_taps taps = build_taps(axis, a);
    const size_t row_bytes = (size_t)in->width * 3;
    struct image_pixels out = {.width = taps.n, .height = end - first};
    out.rgb = arena_array(a, out.height, (size_t)taps.n * 3, 64);
    uint8_t *copies = arena_alloc(a, RESIZE_ROWS * (row_bytes + RESIZE_OVERREAD), 64);
    const uint8_t *image_end = in->rgb + row_bytes * in->height;
    for (uint32_t y = first; y < end; y += RESIZE_ROWS) {
        const uint8_t *from[RESIZE_ROWS];
        uint8_t *to[RESIZE_ROWS];
        for (uint32_t r = 0; r < RESIZE_ROWS; r++) {
            const uint32_t row = y + r < end ? y + r : end - 1;
            from[r] = in->rgb + row_bytes * row;
            to[r] = out.rgb + (size_t)(row - first) * taps.n * 3;
            if ((size_t)(image_end - from[r]) >= row_bytes + RESIZE_OVERREAD) continue;
            from[r] = memcpy(copies + r * (row_bytes + RESIZE_OVERREAD), from[r], row_bytes);
        }
        kernel->rows(&taps, from, to);
    }
    return out;
}

static struct image_pixels pass_columns(const struct resize_kernel *kernel,
                                        const struct image_pixels *in,
                                        const struct resize_taps *taps, struct arena *a)
{
    const size_t row_bytes = (size_t)in->width * 3;
    struct image_pixels out = {.width = in->width, .height = taps->n};
    out.rgb = arena_array(a, taps->n, row_bytes, 64);
    for (uint32_t y = 0; y < taps->n; y++)
        kernel->column(taps, y, in->rgb, row_bytes, out.rgb + y * row_bytes);
    return out;
}

static void check_box(const struct image_pixels *in, const struct resize_box *box)
{
    ASSERT(box->left >= 0 && box->left < box->right && box->right <= (float)in->width);
    ASSERT(box->top >= 0 && box->top < box->bottom && box->bottom <= (float)in->height);
}

static void check_part(const struct resize_part *part)
{
    ASSERT(part->columns >= 1 && part->left < part->width);
    ASSERT(part->columns <= part->width - part->left);
    ASSERT(part->rows >= 1 && part->top < part->height);
    ASSERT(part->rows <= part->height - part->top);
}

static bool is_whole(float x)
{
    return x == floorf(x);
}

// Pillow takes a box of whole coordinates and the size asked for as it is.
static bool is_crop(const struct resize_box *box, const struct resize_part *part)
{
    return is_whole(box->left) && box->right - box->left == (float)part->width &&
           is_whole(box->top) && box->bottom - box->top == (float)part->height;
}

static struct image_pixels crop(const struct image_pixels *in, const struct resize_box *box,
                                const struct resize_part *part, struct arena *a)
{
    struct image_pixels out = {.width = part->columns, .height = part->rows};
    const size_t row_bytes = (size_t)out.width * 3, in_row_bytes = (size_t)in->width * 3;
    out.rgb = arena_array(a, out.height, row_bytes, 64);
    const uint8_t *from = in->rgb + ((size_t)box->top + part->top) * in_row_bytes +
                          ((size_t)box->left + part->left) * 3;
    for (uint32_t y = 0; y < out.height; y++)
        memcpy(out.rgb + y * row_bytes, from + y * in_row_bytes, row_bytes);
    return out;
}

// Pillow 13 takes the columns first where the height shrinks by more than twice what the width
// does.
static bool is_rows_first(const struct image_pixels *in, const struct resize_part *part)
{
    const int64_t lower = (int64_t)in->height - part->height;
    const int64_t narrower = (int64_t)in->width - part->width;
    return part->order == RESIZE_ROWS_FIRST || lower <= 0 || lower <= 2 * narrower;
}

struct image_pixels resize_bicubic_by(const struct resize_kernel *kernel,
                                      const struct image_pixels *in, const struct resize_box *box,
                                      const struct resize_part *part, struct arena *a)
{
    check_box(in, box);
    check_part(part);
    if (is_crop(box, part)) return crop(in, box, part, a);
    const struct axis across = {in->width,  part->width, box->left,
                                box->right, part->left,  part->columns};
    const struct axis down = {in->height,  part->height, box->top,
                              box->bottom, part->top,    part->rows};
    const bool rows = axis_changes(&across), columns = axis_changes(&down);
    struct resize_taps taps = build_taps(&down, a);
    struct image_pixels out = *in;
    if (rows && is_rows_first(in, part)) {
        const uint32_t first = taps.first[0], last = taps.n - 1;
        out = pass_rows(kernel, in, &across, first, taps.first[last] + taps.count[last], a);
        for (uint32_t y = 0; y < taps.n; y++)
            taps.first[y] -= first;
    }
    if (columns) out = pass_columns(kernel, &out, &taps, a);
    if (rows && !is_rows_first(in, part)) out = pass_rows(kernel, &out, &across, 0, out.height, a);
    return out;
}

struct resize_box resize_box_whole(const struct image_pixels *in)
{
    return (struct resize_box){0, 0, (float)in->width, (float)in->height};
}

static const struct resize_kernel *const KERNELS[] = {&resize_kernel_scalar, &resize_kernel_avx2,
                                                      &resize_kernel_avx512};

const struct resize_kernel *resize_kernel_get(size_t number)
{
    for (size_t i = 0; i < sizeof KERNELS / sizeof *KERNELS; i++)
        if (KERNELS[i]->supported() && number-- == 0) return KERNELS[i];
    return NULL;
}

const char *resize_kernel_name(const struct resize_kernel *kernel)
{
    return kernel->name;
}

struct image_pixels resize_bicubic_part(const struct image_pixels *in, const struct resize_box *box,
                                        const struct resize_part *part, struct arena *a)
{
    const struct resize_kernel *kernel = &resize_kernel_scalar;
    for (size_t i = 0; i < sizeof KERNELS / sizeof *KERNELS; i++)
        if (KERNELS[i]->supported()) kernel = KERNELS[i];
    return resize_bicubic_by(kernel, in, box, part, a);
}

struct image_pixels resize_bicubic(const struct image_pixels *in, const struct resize_box *box,
                                   uint32_t width, uint32_t height, struct arena *a)
{
    const struct resize_part all = {
        .width = width, .height = height, .columns = width, .rows = height};
    return resize_bicubic_part(in, box, &all, a);
}
