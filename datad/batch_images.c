#include "datad/batch_images.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"
#include "shard/image/image.h"

enum { TILES, TILE_FIRST, TILE_OFFSET, TILE_TOKENS, ARRAYS };
#define SLOT_LIMIT (UINT64_C(1) << 31)

enum err batch_images_layout(const struct images_rule *rule, const struct batch_shape *shape,
                             const char *arrays, struct batch_layout *layout)
{
    if (!batch_wants(arrays, BATCH_IMAGES)) return OK;
    if (rule->recipe == NULL && *arrays != '\0')
        return fail(ERR_CONFIG, "array " BATCH_IMAGES ": this datad's config has no images");
    if (rule->recipe == NULL) return OK;
    const uint64_t n =
        shape->lane_rows * pack_row_pictures(rule->row_capacity, rule->tokens, shape->T);
    const uint64_t values = n * image_recipe_picture_bytes(rule->recipe);
    if (values > SLOT_LIMIT / sizeof(float))
        return fail(ERR_CONFIG, "a lane of %llu pictures of %u x %u pixels: lower images.capacity",
                    (unsigned long long)n, rule->recipe->side, rule->recipe->side);
    batch_layout_add(layout, BATCH_IMAGES, rule->as_f32 ? BATCH_F32 : BATCH_U8, values);
    batch_layout_add(layout, "tile_first", BATCH_I32, n);
    batch_layout_add(layout, "tile_offset", BATCH_I32, n);
    batch_layout_add(layout, "tile_tokens", BATCH_I32, n);
    return OK;
}

struct filling {
    struct stream *stream;
    const struct images_rule *rule;
    uint8_t *array[ARRAYS];
    uint64_t T;
    uint64_t n, limit; // pictures so far; that the arrays have room for
    uint64_t n_lost;
    struct augment_key key;
};

static void log_lost(const struct stream_image *image, const char *why)
{
    log_line("datad: source %s: image %llu of bin %u: %s", image->source->name,
             (unsigned long long)image->image, image->bin, why);
}

// The pixels, as large as the index says; false = they cannot be had, and why is in the error line.
static enum err decode(const struct images_rule *rule, const struct stream_image *image,
                       struct arena *a, struct image_pixels *out)
{
    struct image_limits limits = image_limits_default;
    if (rule->max_pixels > 0) limits.max_pixels = rule->max_pixels;
    struct span file;
    TRY(image->source->read_image(image->source->context, image->bin, image->image, a, &file));
    out->rgb = NULL;
    struct image_pixels pixels;
    enum err e = image_decode(file, &limits, a, &pixels);
    if (e == OK && (pixels.width != image->width || pixels.height != image->height))
        e = fail(ERR_DATA, "%u x %u pixels, the index says %u x %u", pixels.width, pixels.height,
                 image->width, image->height);
    if (e == OK)
        *out = pixels;
    else
        log_lost(image, err_line());
    return OK;
}

// All pictures of the image, u8; black where it cannot be decoded.
static enum err cut(struct filling *f, const struct stream_image *image, struct arena *a,
                    uint8_t **out)
{
    const struct image_recipe *recipe = f->rule->recipe;
    const uint32_t n = image_recipe_pictures(recipe, image->width, image->height);
    uint8_t *rgb = arena_array(a, n, image_recipe_picture_bytes(recipe), 64);
    struct image_pixels pixels;
    TRY(decode(f->rule, image, a, &pixels));
    if (pixels.rgb != NULL)
        image_recipe_cut(recipe, &pixels, &f->key, a, rgb);
    else
        f->n_lost++;
    *out = rgb;
    return OK;
}

static void put_number(struct filling *f, size_t array, uint64_t value)
{
    const int32_t number = (int32_t)value;
    memcpy(f->array[array] + f->n * sizeof number, &number, sizeof number);
}

// Puts picture number k of image, of which the row has placeholders.
static void put_picture(struct filling *f, const struct stream_image *image, uint64_t row,
                        uint64_t k, const uint8_t *rgb)
{
    const size_t values = image_recipe_picture_bytes(f->rule->recipe);
    const uint64_t begin = size_max(k * f->rule->tokens, image->offset);
    const uint64_t end = size_min((k + 1) * f->rule->tokens, image->offset + image->n_tokens);
    if (f->rule->as_f32)
        image_recipe_normalise(f->rule->recipe, rgb + k * values, 1,
                               (float *)(void *)f->array[TILES] + f->n * values);
    else
        image_recipe_planes(f->rule->recipe, rgb + k * values, 1, f->array[TILES] + f->n * values);
    put_number(f, TILE_FIRST, row * f->T + image->at + begin - image->offset);
    put_number(f, TILE_OFFSET, begin - k * f->rule->tokens);
    put_number(f, TILE_TOKENS, end - begin);
    f->n++;
}

static enum err fill_image(struct filling *f, const struct stream_image *image, uint64_t row,
                           struct arena *a)
{
    const uint64_t first = image->offset / f->rule->tokens;
    const uint64_t end = size_ceil_div(image->offset + image->n_tokens, f->rule->tokens);
    ASSERT(end - first <= f->limit - f->n); // packing has seen to it
    uint8_t *rgb;
    TRY(cut(f, image, a, &rgb));
    for (uint64_t k = first; k < end; k++)
        put_picture(f, image, row, k, rgb);
    return OK;
}

static enum err fill_row(struct filling *f, uint64_t position, uint64_t row, struct arena *a,
                         struct arena *scratch)
{
    struct stream_image *images;
    size_t n;
    TRY(stream_images(f->stream, position, a, &images, &n));
    f->key.position = position;
    for (size_t i = 0; i < n; i++) {
        f->key.image = i;
        TRY(fill_image(f, &images[i], row, scratch));
        arena_reset(scratch);
    }
    arena_reset(a);
    return OK;
}

static void count(const struct filling *f, size_t first, uint64_t counts[BATCH_ARRAYS])
{
    counts[first + TILES] = f->n * image_recipe_picture_bytes(f->rule->recipe);
    for (size_t i = TILE_FIRST; i < ARRAYS; i++)
        counts[first + i] = f->n;
}

/// Whether the arrays of images are there: the last ones then.
static bool has_images(const struct batch_layout *layout)
{
    return layout->n_fields >= ARRAYS &&
           strcmp(layout->fields[layout->n_fields - ARRAYS].name, BATCH_IMAGES) == 0;
}

enum err batch_images_fill(struct stream *stream, const struct batch_layout *layout,
                           struct range positions, uint8_t *slot, uint64_t counts[BATCH_ARRAYS],
                           uint64_t *n_lost)
{
    const struct images_rule *rule = stream_images_rule(stream);
    *n_lost = 0;
    if (!has_images(layout)) return OK;
    const struct stream_request *request = stream_request(stream);
    const size_t first = layout->n_fields - ARRAYS;
    struct filling f = {.stream = stream,
                        .rule = rule,
                        .T = request->T,
                        .limit = layout->fields[first + TILE_FIRST].capacity,
                        .key.seed = request->split == SPLIT_TRAIN ? request->seed : 0};
    for (size_t i = 0; i < ARRAYS; i++)
        f.array[i] = slot + layout->fields[first + i].offset;
    struct arena a, scratch;
    arena_init(&a, "images of a row");
    arena_init(&scratch, "pictures");
    enum err e = OK;
    for (uint64_t p = positions.first; e == OK && p < positions.last; p++)
        e = fill_row(&f, p, p - positions.first, &a, &scratch);
    arena_fini(&scratch);
    arena_fini(&a);
    if (e == OK) count(&f, first, counts);
    *n_lost = f.n_lost;
    return e;
}
