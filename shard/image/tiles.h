#pragma once
// Dynamic resolution: a large image becomes a grid of tiles of 224 x 224 pixels, at most 6 x 6, and
// after them, when there is more than one, a thumbnail of the whole. The grid follows from width
// and height alone, so an image's tokens are known from an index without decoding.
//
// The image is scaled, its aspect kept, to touch the grid in one direction and centred on black. Of
// all grids within the limit that one is taken in which it keeps the most pixels (all of them, if
// it fits unscaled), and among those the one with the fewest tiles: least waste.
//
//     500 x 200, at most 37 pictures: 3 x 1 tiles 672 x 224, the image 560 x 224 in it at (56, 0)
//         +---+---+---+   +---+
//         | 0 | 1 | 2 |   | 3 | thumbnail: the whole, squashed
//         +---+---+---+   +---+

#include <stdint.h>

#include "base/arena.h"
#include "shard/image/image.h"

enum {
    TILES_SIDE = 224,
    TILES_GRID_LIMIT = 6,
    TILES_PICTURES_LIMIT = TILES_GRID_LIMIT * TILES_GRID_LIMIT + 1
};

struct tiles_grid {
    uint32_t columns, rows;
    uint32_t n_pictures; // columns * rows, and the thumbnail when that is more than 1
};

/// The grid of an image of width x height (both at least 1) with at most max_pictures (at least 1),
/// the thumbnail counted. Can't fail.
struct tiles_grid tiles_choose(uint32_t width, uint32_t height, uint32_t max_pictures);

/// Cuts in into out[n_pictures, 224, 224, 3], tiles row by row, then the thumbnail; scratch comes
/// from a. grid is tiles_choose's for this size. Can't fail.
void tiles_cut(const struct image_pixels *in, const struct tiles_grid *grid, struct arena *a,
               uint8_t *out);
