#pragma once
// The pictures of a batch's images, as arrays of their own behind the tokens':
//
//     tiles        u8 or f32 [capacity, 3, side, side]   each picture, in the order of its tokens
//     tile_first   i32 [capacity]   index in the lane's tokens of its first placeholder there
//     tile_offset  i32 [capacity]   which of its placeholders that is: 0 but where a row's end has
//                                   cut the picture, which then stands in both rows
//     tile_tokens  i32 [capacity]   how many of its placeholders follow one another from there
//
// An array's count says how many there are; packing sees to it that no row has more than its share
// of the capacity. A file that cannot be decoded is black pictures, counted and named in the log.
// u8 pixels become what the recipe wants by ((v / 255) - mean) / std; f32 ones are that.

#include <stddef.h>

#include "base/err.h"
#include "datad/batch.h"
#include "datad/stream.h"

/// Adds the arrays to layout when the list of arrays has "tiles"; nothing when that is empty and
/// rule has no recipe. Errors: ERR_CONFIG when a slot would be larger than 2 GiB, or tiles are
/// wanted without a recipe.
enum err batch_images_layout(const struct images_rule *rule, const struct batch_shape *shape,
                             const char *arrays, struct batch_layout *layout) MUST_CHECK;
/// Decodes the images of the rows at positions into slot and counts the arrays' elements in counts;
/// *n_lost of them could not be decoded. Thread-safe. Errors: those of reads.
enum err batch_images_fill(struct stream *stream, const struct batch_layout *layout,
                           struct range positions, uint8_t *slot, uint64_t counts[BATCH_ARRAYS],
                           uint64_t *n_lost) MUST_CHECK;
