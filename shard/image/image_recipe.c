#include "shard/image/image_recipe.h"

#include <string.h>

#include "base/text.h"
#include "shard/image/resize.h"
#include "shard/image/tiles.h"

#define CLIP_COLOURS \
    .mean = {0.48145466F, 0.4578275F, 0.40821073F}, .std = {0.26862954F, 0.26130258F, 0.27577711F}
#define HALF_COLOURS .mean = {0.5F, 0.5F, 0.5F}, .std = {0.5F, 0.5F, 0.5F}

// clip: CLIP ViT-L/14. vit-h: ViT-H/14 as open_clip evaluates it, -train as it trains it.
// crop-flip: a random 7/8 of the shortest side (224 of 256), mirrored every other time.
static const struct image_recipe RECIPES[] = {
    {"clip", IMAGE_FIT_CROP, 224, 14, CLIP_COLOURS},
    {"vit-h", IMAGE_FIT_CROP, 224, 14, CLIP_COLOURS},
    {"vit-h-train", IMAGE_FIT_BOX, 224, 14, CLIP_COLOURS,
     .augment = {AUGMENT_RESIZED_CROP, 0.9, 1, 4.0 / 3, 0}},
    {"crop-flip", IMAGE_FIT_BOX, 224, 14, CLIP_COLOURS,
     .augment = {AUGMENT_CROP, 0.875, 0.875, 1, 0.5}},
    {"siglip-224", IMAGE_FIT_SQUASH, 224, 14, HALF_COLOURS},
    {"siglip-384", IMAGE_FIT_SQUASH, 384, 14, HALF_COLOURS},
    {"tiles-224", IMAGE_FIT_TILES, TILES_SIDE, 14, HALF_COLOURS},
};
enum { N_RECIPES = sizeof RECIPES / sizeof *RECIPES };

enum err image_recipe_find(const char *name, const struct image_recipe **out)
{
    struct arena a;
    arena_init(&a, "recipe names");
    struct text names;
    text_begin(&names, &a);
    *out = NULL;
    for (size_t i = 0; i < N_RECIPES && *out == NULL; i++) {
        if (strcmp(name, RECIPES[i].name) == 0) *out = &RECIPES[i];
        text_printf(&names, " %s", RECIPES[i].name);
    }
    const enum err e =
        *out ? OK : fail(ERR_CONFIG, "no image recipe %s; there are%s", name, names.data);
    arena_fini(&a);
    return e;
}

const struct image_recipe *image_recipe_get(size_t number)
{
    return number < N_RECIPES ? &RECIPES[number] : NULL;
}

uint32_t image_recipe_tokens(const struct image_recipe *recipe)
{
    const uint32_t a_side = recipe->side / recipe->patch;
    return a_side * a_side;
}

uint32_t image_recipe_pictures(const struct image_recipe *recipe, uint32_t width, uint32_t height)
{
    if (recipe->fit != IMAGE_FIT_TILES) return 1;
    return tiles_choose(width, height, TILES_PICTURES_LIMIT).n_pictures;
}

uint32_t image_recipe_pictures_limit(const struct image_recipe *recipe)
{
    return recipe->fit == IMAGE_FIT_TILES ? TILES_PICTURES_LIMIT : 1;
}

size_t image_recipe_picture_bytes(const struct image_recipe *recipe)
{
    return (size_t)recipe->side * recipe->side * 3;
}

// (long - side) / 2, halves to even.
static uint32_t crop_origin(uint32_t length, uint32_t side)
{
    const uint32_t room = length - side;
    return room / 2 + (room % 4 == 3);
}

static struct image_pixels cut_crop(const struct image_pixels *in, uint32_t side, struct arena *a)
{
    const uint64_t width = in->width, height = in->height;
    struct resize_part part = {.width = side, .height = side, .columns = side, .rows = side};
    if (width < height)
        part.height = (uint32_t)(side * height / width);
    else
        part.width = (uint32_t)(side * width / height);
    part.left = crop_origin(part.width, side);
    part.top = crop_origin(part.height, side);
    const struct resize_box whole = resize_box_whole(in);
    return resize_bicubic_part(in, &whole, &part, a);
}

static struct image_pixels cut_one(const struct image_recipe *recipe, const struct image_pixels *in,
                                   const struct augment_choice *choice, struct arena *a)
{
    if (recipe->fit == IMAGE_FIT_CROP) return cut_crop(in, recipe->side, a);
    return resize_bicubic(in, &choice->box, recipe->side, recipe->side, a);
}

void image_recipe_cut(const struct image_recipe *recipe, const struct image_pixels *in,
                      const struct augment_key *key, struct arena *a, uint8_t *rgb)
{
    if (recipe->fit == IMAGE_FIT_TILES) {
        const struct tiles_grid grid = tiles_choose(in->width, in->height, TILES_PICTURES_LIMIT);
        tiles_cut(in, &grid, a, rgb);
        return;
    }
    struct augment_choice choice = {.box = resize_box_whole(in)};
    if (recipe->augment.kind != AUGMENT_NONE) {
        ASSERT(key != NULL);
        choice = augment_choose(&recipe->augment, key, in->width, in->height);
    }
    const struct image_pixels picture = cut_one(recipe, in, &choice, a);
    memcpy(rgb, picture.rgb, image_recipe_picture_bytes(recipe));
    if (choice.flip) augment_flip(rgb, recipe->side);
}

void image_recipe_planes(const struct image_recipe *recipe, const uint8_t *rgb, size_t n,
                         uint8_t *out)
{
    const size_t n_pixels = (size_t)recipe->side * recipe->side;
    for (size_t picture = 0; picture < n; picture++, rgb += 3 * n_pixels, out += 3 * n_pixels)
        for (size_t i = 0; i < n_pixels; i++)
            for (size_t c = 0; c < 3; c++)
                out[c * n_pixels + i] = rgb[3 * i + c];
}

void image_recipe_normalise(const struct image_recipe *recipe, const uint8_t *rgb, size_t n,
                            float *out)
{
    const size_t n_pixels = (size_t)recipe->side * recipe->side;
    for (size_t c = 0; c < 3; c++) {
        float value[256];
        for (int i = 0; i < 256; i++)
            value[i] = ((float)i / 255 - recipe->mean[c]) / recipe->std[c];
        for (size_t picture = 0; picture < n; picture++) {
            const uint8_t *in = rgb + picture * n_pixels * 3 + c;
            float *plane = out + (picture * 3 + c) * n_pixels;
            for (size_t i = 0; i < n_pixels; i++)
                plane[i] = value[in[3 * i]];
        }
    }
}
