#pragma once
// Images in a stream. Each image of a document becomes placeholder tokens before the token where it
// stands, so many a picture; how many pictures it has follows from its size (shard/image). So
// packing, filters and edits see documents of tokens, as ever. Placeholders never count for the
// loss as targets; the token behind them does.
//
//     document  a b <image 500 x 200> c #    recipe tiles-224 (3 tiles and a thumbnail), 2 tokens
//     becomes   a b p p p p p p p p c #      p = placeholder

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "datad/source.h"
#include "shard/image/image_recipe.h"

enum { SOURCE_IMAGES_TOKENS_LIMIT = 4096 };

struct images_rule {
    const struct image_recipe *recipe; // NULL = images are left out
    uint32_t tokens;                   // placeholders a picture
    uint32_t placeholder;              // their id
    uint32_t row_capacity;             // pictures of a row; 0 = as many as T tokens can be of
    uint64_t max_pixels;               // of an image; larger ones are not decoded; 0 = image.h's
    bool as_f32;                       // normalised values rather than u8
};

/// Puts placeholders into s, which may have no images. What s was lives on in a. Reads sizes of all
/// images, 16 bytes each. Errors: ERR_CONFIG (placeholder outside the vocabulary); those of reads;
/// ERR_DATA (an image behind its document's end, bins beyond what datad can index).
enum err source_images_put(const struct images_rule *rule, struct arena *a,
                           struct source *s) MUST_CHECK;
/// Placeholders of image. Can't fail.
uint64_t source_images_tokens(const struct images_rule *rule, const struct source_image *image);
