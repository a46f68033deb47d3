#include "shard/image/tiles.h"

#include <stdbool.h>
#include <string.h>

#include "shard/image/resize.h"

// How much an image may grow in a grid: numerator / denominator, at most 1 = it keeps all pixels.
struct fit {
    uint64_t numerator, denominator;
    uint32_t n_tiles;
};

static bool is_less(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return a * d < c * b;
}

static struct fit fit_of(uint32_t width, uint32_t height, uint32_t columns, uint32_t rows)
{
    const uint64_t across = columns * TILES_SIDE, down = rows * TILES_SIDE;
    struct fit f = {1, 1, columns * rows};
    if (is_less(across, width, f.numerator, f.denominator)) {
        f.numerator = across;
        f.denominator = width;
    }
    if (is_less(down, height, f.numerator, f.denominator)) {
        f.numerator = down;
        f.denominator = height;
    }
    return f;
}

static bool is_better(const struct fit *a, const struct fit *b)
{
    if (is_less(b->numerator, b->denominator, a->numerator, a->denominator)) return true;
    if (is_less(a->numerator, a->denominator, b->numerator, b->denominator)) return false;
    return a->n_tiles < b->n_tiles;
}

static uint32_t pictures_of(uint32_t n_tiles)
{
    return n_tiles > 1 ? n_tiles + 1 : 1;
}

struct tiles_grid tiles_choose(uint32_t width, uint32_t height, uint32_t max_pictures)
{
    ASSERT(width >= 1 && height >= 1 && max_pictures >= 1);
    struct tiles_grid best = {1, 1, 1};
    struct fit best_fit = fit_of(width, height, 1, 1);
    for (uint32_t rows = 1; rows <= TILES_GRID_LIMIT; rows++)
        for (uint32_t columns = 1; columns <= TILES_GRID_LIMIT; columns++) {
            if (pictures_of(columns * rows) > max_pictures) break;
            const struct fit fit = fit_of(width, height, columns, rows);
            if (!is_better(&fit, &best_fit)) continue;
            best_fit = fit;
            best = (struct tiles_grid){columns, rows, pictures_of(columns * rows)};
        }
    return best;
}

// The larger image side touches its limit; the other is rounded up, within its own.
static void scaled_size(uint32_t width, uint32_t height, uint32_t across, uint32_t down,
                        uint32_t *out_width, uint32_t *out_height)
{
    *out_width = across;
    *out_height = down;
    if (is_less(across, width, down, height))
        *out_height = (uint32_t)(((uint64_t)height * across + width - 1) / width);
    else
        *out_width = (uint32_t)(((uint64_t)width * down + height - 1) / height);
}

// The pixels of scaled, centred on black, that fall on the tile at (left, top).
static void cut_tile(const struct image_pixels *scaled, int64_t left, int64_t top, uint8_t *out)
{
    const int64_t first = left < 0 ? -left : 0;
    const int64_t end = scaled->width - left < TILES_SIDE ? scaled->width - left : TILES_SIDE;
    memset(out, 0, TILES_SIDE * TILES_SIDE * 3);
    if (first >= end) return;
    for (int64_t y = 0; y < TILES_SIDE; y++) {
        if (top + y < 0 || top + y >= scaled->height) continue;
        memcpy(out + (y * TILES_SIDE + first) * 3,
               scaled->rgb + ((top + y) * scaled->width + left + first) * 3,
               (size_t)(end - first) * 3);
    }
}

void tiles_cut(const struct image_pixels *in, const struct tiles_grid *grid, struct arena *a,
               uint8_t *out)
{
    const uint32_t across = grid->columns * TILES_SIDE, down = grid->rows * TILES_SIDE;
    const struct resize_box whole = resize_box_whole(in);
    uint32_t width, height;
    scaled_size(in->width, in->height, across, down, &width, &height);
    const struct image_pixels scaled = resize_bicubic(in, &whole, width, height, a);
    const int64_t left = (across - width) / 2, top = (down - height) / 2;
    const size_t tile_bytes = TILES_SIDE * TILES_SIDE * 3;
    for (uint32_t row = 0; row < grid->rows; row++)
        for (uint32_t column = 0; column < grid->columns; column++, out += tile_bytes)
            cut_tile(&scaled, (int64_t)column * TILES_SIDE - left, (int64_t)row * TILES_SIDE - top,
                     out);
    if (grid->n_pictures == 1) return;
    const struct image_pixels thumbnail = resize_bicubic(in, &whole, TILES_SIDE, TILES_SIDE, a);
    memcpy(out, thumbnail.rgb, tile_bytes);
}
