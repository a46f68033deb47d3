#pragma once
// How a model wants its images, a row a recipe: an image becomes one picture of side x side pixels,
// or several (tiles), u8 [n, side, side, 3]; normalised it is f32 [n, 3, side, side], of which
// every value is ((u8 / 255) - mean) / std in f32 arithmetic. How many pictures follows from the
// image's size alone.
//
//     const struct image_recipe *recipe = image_recipe_find("siglip-224");
//     uint32_t n = image_recipe_pictures(recipe, width, height); // from an index
//     image_recipe_cut(recipe, &pixels, &key, &scratch, rgb);    // rgb[n, 224, 224, 3]
//     image_recipe_normalise(recipe, rgb, n, values);            // values[n, 3, 224, 224]

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "shard/image/augment.h"
#include "shard/image/image.h"

enum image_recipe_fit {
    IMAGE_FIT_CROP, // shortest side to side, other side floor(side * long / short); centre cropped
    IMAGE_FIT_SQUASH, // both sides to side
    IMAGE_FIT_BOX,    // the augmentation's box to side
    IMAGE_FIT_TILES   // shard/image/tiles.h
};

struct image_recipe {
    const char *name;
    enum image_recipe_fit fit;
    uint32_t side, patch;  // pixels
    float mean[3], std[3]; // of r, g, b
    struct augment_rule augment;
};

/// The recipe of that name. Errors: ERR_CONFIG naming all.
enum err image_recipe_find(const char *name, const struct image_recipe **out) MUST_CHECK;
/// Row number of the table, NULL behind the last. Can't fail.
const struct image_recipe *image_recipe_get(size_t number);
/// Patch tokens of one picture: floor(side / patch) squared. Can't fail.
uint32_t image_recipe_tokens(const struct image_recipe *recipe);
/// Pictures of an image of width x height (both at least 1). Can't fail.
uint32_t image_recipe_pictures(const struct image_recipe *recipe, uint32_t width, uint32_t height);
/// The most pictures that any image has. Can't fail.
uint32_t image_recipe_pictures_limit(const struct image_recipe *recipe);
/// Bytes of one picture as u8; as f32 it has as many values. Can't fail.
size_t image_recipe_picture_bytes(const struct image_recipe *recipe);

/// The pictures of in as rgb[n, side, side, 3]. key (may be NULL without augmentation) draws crops
/// and flips. The crop begins at (long - side) / 2, halves to the even neighbour, as torchvision's.
/// Scratch comes from a. Can't fail.
void image_recipe_cut(const struct image_recipe *recipe, const struct image_pixels *in,
                      const struct augment_key *key, struct arena *a, uint8_t *rgb);
/// rgb[n, side, side, 3] as out[n, 3, side, side], not normalised. Can't fail.
void image_recipe_planes(const struct image_recipe *recipe, const uint8_t *rgb, size_t n,
                         uint8_t *out);
/// rgb[n, side, side, 3] as out[n, 3, side, side]. Can't fail.
void image_recipe_normalise(const struct image_recipe *recipe, const uint8_t *rgb, size_t n,
                            float *out);
