// Recipes, tiles and random crops: what is known from the size alone is what is cut.

#include <math.h>

#include "base/rng.h"
#include "shard/image/image_recipe.h"
#include "shard/image/resize.h"
#include "shard/image/tiles.h"
#include "tests/check.h"

static struct image_pixels made(uint32_t width, uint32_t height, struct arena *a)
{
    struct image_pixels p = {width, height, arena_array(a, (size_t)width * height, 3, 1)};
    for (size_t i = 0; i < (size_t)width * height; i++) {
        p.rgb[3 * i] = (uint8_t)(1 + i % width % 255);
        p.rgb[3 * i + 1] = (uint8_t)(1 + i / width % 255);
        p.rgb[3 * i + 2] = (uint8_t)rng_u64(7, i, 0);
    }
    return p;
}

static void test_table(void)
{
    static const struct {
        const char *name;
        uint32_t tokens;
    } expected[] = {{"clip", 256},      {"vit-h", 256},      {"vit-h-train", 256},
                    {"crop-flip", 256}, {"siglip-224", 256}, {"siglip-384", 729},
                    {"tiles-224", 256}};
    const struct image_recipe *recipe;
    size_t n = 0;
    for (; (recipe = image_recipe_get(n)) != NULL; n++) {
        CHECK_TEXT(recipe->name, expected[n].name);
        CHECK_EQ(image_recipe_tokens(recipe), expected[n].tokens);
    }
    CHECK_EQ(n, sizeof expected / sizeof *expected);
    CHECK_ERR(image_recipe_find("clop", &recipe), ERR_CONFIG);
    CHECK_LINE(
        "no image recipe clop; there are clip vit-h vit-h-train crop-flip siglip-224 siglip-384 "
        "tiles-224");
}

// The rule by its definition, in real numbers with room for rounding: no grid keeps more pixels,
// none that keeps as many has fewer tiles.
static void check_grid(uint32_t width, uint32_t height, uint32_t limit)
{
    const struct tiles_grid g = tiles_choose(width, height, limit);
    const uint32_t n_tiles = g.columns * g.rows;
    CHECK(g.columns >= 1 && g.columns <= 6 && g.rows >= 1 && g.rows <= 6);
    CHECK_EQ(g.n_pictures, n_tiles > 1 ? n_tiles + 1 : 1);
    CHECK(g.n_pictures <= limit);
    const double kept = fmin(1, fmin(224.0 * g.columns / width, 224.0 * g.rows / height));
    for (uint32_t columns = 1; columns <= 6; columns++)
        for (uint32_t rows = 1; rows <= 6; rows++) {
            if (columns * rows > 1 && columns * rows + 1 > limit) continue;
            const double other = fmin(1, fmin(224.0 * columns / width, 224.0 * rows / height));
            CHECK(other <= kept * (1 + 1e-12));
            if (other >= kept * (1 - 1e-12)) CHECK(columns * rows >= n_tiles);
        }
}

static void test_grids(uint64_t seed)
{
    for (uint64_t i = 0; i < 3000; i++) {
        const uint32_t width = 1 + (uint32_t)(rng_u64(seed, i, 0) % (i % 3 ? 1500 : 65500));
        const uint32_t height = 1 + (uint32_t)(rng_u64(seed, i, 1) % (i % 5 ? 1500 : 65500));
        const uint32_t limit = 1 + (uint32_t)(rng_u64(seed, i, 2) % TILES_PICTURES_LIMIT);
        check_grid(width, height, limit);
        // Twice the image, or a higher limit, is never fewer pictures.
        const uint32_t n = tiles_choose(width, height, limit).n_pictures;
        CHECK(tiles_choose(2 * width, 2 * height, limit).n_pictures >= n);
        CHECK(tiles_choose(width, height, limit + 1).n_pictures >= n);
    }
}

static void check_shape(uint32_t width, uint32_t height, uint32_t columns, uint32_t rows)
{
    const struct tiles_grid g = tiles_choose(width, height, TILES_PICTURES_LIMIT);
    CHECK_EQ(g.columns, columns);
    CHECK_EQ(g.rows, rows);
}

static void test_known_grids(void)
{
    check_shape(1, 1, 1, 1);
    check_shape(224, 224, 1, 1);
    check_shape(225, 224, 2, 1);
    check_shape(500, 200, 3, 1);
    check_shape(1344, 672, 6, 3);
    check_shape(1344, 1344, 6, 6);
    check_shape(6000, 6000, 6, 6);
    check_shape(4000, 3000, 6, 5);
    check_shape(65500, 1, 6, 1);
}

// Tiles put together again are the scaled image on black.
static void check_tiles(uint32_t width, uint32_t height, struct arena *a)
{
    const struct image_pixels in = made(width, height, a);
    const struct image_recipe *recipe;
    CHECK_OK(image_recipe_find("tiles-224", &recipe));
    const uint32_t n = image_recipe_pictures(recipe, width, height);
    const struct tiles_grid g = tiles_choose(width, height, TILES_PICTURES_LIMIT);
    CHECK_EQ(n, g.n_pictures);
    const size_t picture_bytes = image_recipe_picture_bytes(recipe);
    uint8_t *rgb = arena_array(a, n + 1, picture_bytes, 1);
    memset(rgb, 99, (n + 1) * picture_bytes);
    image_recipe_cut(recipe, &in, NULL, a, rgb);
    for (size_t i = 0; i < picture_bytes; i++)
        CHECK_EQ(rgb[n * picture_bytes + i], 99);
    const uint32_t across = 224 * g.columns, down = 224 * g.rows;
    const double scale = fmin((double)across / width, (double)down / height);
    const uint32_t w = (uint32_t)fmin(across, ceil(width * scale - 1e-9));
    const uint32_t h = (uint32_t)fmin(down, ceil(height * scale - 1e-9));
    const struct resize_box whole = resize_box_whole(&in);
    const struct image_pixels scaled = resize_bicubic(&in, &whole, w, h, a);
    const uint32_t left = (across - w) / 2, top = (down - h) / 2;
    for (uint32_t y = 0; y < down; y++)
        for (uint32_t x = 0; x < across; x++) {
            static const uint8_t black[3];
            const bool inside = x >= left && x < left + w && y >= top && y < top + h;
            const uint8_t *expected =
                inside ? scaled.rgb + ((size_t)(y - top) * w + x - left) * 3 : black;
            const size_t tile = y / 224 * g.columns + x / 224;
            const uint8_t *actual =
                rgb + tile * picture_bytes + ((size_t)(y % 224) * 224 + x % 224) * 3;
            CHECK(memcmp(actual, expected, 3) == 0);
        }
    if (n > 1) {
        const struct image_pixels thumbnail = resize_bicubic(&in, &whole, 224, 224, a);
        CHECK(memcmp(rgb + (n - 1) * picture_bytes, thumbnail.rgb, picture_bytes) == 0);
    }
    arena_reset(a);
}

static void check_choice(const struct augment_rule *rule, uint32_t width, uint32_t height,
                         uint64_t position)
{
    const struct augment_key key = {3, position, 1};
    const struct augment_choice c = augment_choose(rule, &key, width, height);
    const struct augment_choice again = augment_choose(rule, &key, width, height);
    CHECK(memcmp(&c.box, &again.box, sizeof c.box) == 0 && c.flip == again.flip);
    CHECK(c.box.left >= 0 && c.box.left < c.box.right && c.box.right <= (float)width);
    CHECK(c.box.top >= 0 && c.box.top < c.box.bottom && c.box.bottom <= (float)height);
    const double w = (double)c.box.right - (double)c.box.left;
    const double h = (double)c.box.bottom - (double)c.box.top;
    CHECK(w / h < rule->ratio * 1.01 && h / w < rule->ratio * 1.01);
}

static void test_augment(uint64_t seed)
{
    static const struct augment_rule rules[] = {{AUGMENT_RESIZED_CROP, 0.08, 1, 4.0 / 3, 0.5},
                                                {AUGMENT_CROP, 0.875, 0.875, 1, 0.5}};
    for (size_t r = 0; r < 2; r++)
        for (uint64_t i = 0; i < 2000; i++) {
            const uint64_t draw = rng_u64(seed, i, r);
            const uint32_t width = 40 + (uint32_t)(draw % 3000);
            check_choice(&rules[r], width, 40 + (uint32_t)((draw >> 32) % 3000), i);
        }
    // Far from square: nothing fits, the centre is taken.
    const struct augment_key key = {1, 2, 3};
    const struct augment_choice c = augment_choose(&rules[0], &key, 1000, 10);
    CHECK(c.box.top == 0 && c.box.bottom == 10 && c.box.left > 490 && c.box.right < 510);
    augment_choose(&rules[0], &key, 1, 1);
}

// Shares of the area and flips are spread as the rule says; images of a row differ.
static void test_spread(void)
{
    static const struct augment_rule rule = {AUGMENT_RESIZED_CROP, 0.5, 1, 1, 0.25};
    double area = 0, flips = 0;
    enum { N = 4000 };
    for (uint64_t i = 0; i < N; i++) {
        const struct augment_key key = {5, i / 4, i % 4};
        const struct augment_choice c = augment_choose(&rule, &key, 100, 100);
        area += (double)(c.box.right - c.box.left) * (double)(c.box.bottom - c.box.top) / 1e4;
        flips += c.flip;
    }
    CHECK(fabs(area / N - 0.75) < 0.02);
    CHECK(fabs(flips / N - 0.25) < 0.03);
}

static void test_flip(struct arena *a)
{
    struct image_pixels p = made(5, 5, a);
    const struct image_pixels before = made(5, 5, a);
    augment_flip(p.rgb, 5);
    for (uint32_t y = 0; y < 5; y++)
        for (uint32_t x = 0; x < 5; x++)
            CHECK(memcmp(p.rgb + (y * 5 + x) * 3, before.rgb + (y * 5 + 4 - x) * 3, 3) == 0);
}

static void test_normalise(struct arena *a)
{
    const struct image_recipe *recipe;
    CHECK_OK(image_recipe_find("clip", &recipe));
    const struct image_pixels in = made(300, 251, a);
    uint8_t *rgb = arena_alloc(a, 2 * image_recipe_picture_bytes(recipe), 1);
    float *values = ARENA_ARRAY(a, float, 2 * image_recipe_picture_bytes(recipe));
    image_recipe_cut(recipe, &in, NULL, a, rgb);
    image_recipe_cut(recipe, &in, NULL, a, rgb + image_recipe_picture_bytes(recipe));
    image_recipe_normalise(recipe, rgb, 2, values);
    for (size_t picture = 0; picture < 2; picture++)
        for (size_t c = 0; c < 3; c++)
            for (size_t i = 0; i < 224 * 224; i++) {
                const float u = (float)rgb[(picture * 224 * 224 + i) * 3 + c];
                const float v = (u / 255.0F - recipe->mean[c]) / recipe->std[c];
                CHECK(values[(picture * 3 + c) * 224 * 224 + i] == v);
            }
}

// Memory of a crop of an absurd image stays that of the crop.
static void test_thin(struct arena *a)
{
    const struct image_recipe *recipe;
    for (size_t i = 0; (recipe = image_recipe_get(i)) != NULL; i++) {
        arena_reset(a);
        const struct image_pixels in = made(65500, 1, a);
        uint8_t *rgb = arena_array(a, image_recipe_pictures(recipe, 65500, 1),
                                   image_recipe_picture_bytes(recipe), 1);
        image_recipe_cut(recipe, &in, &(struct augment_key){1, 1, 0}, a, rgb);
        CHECK(a->used_bytes < 64 << 20);
    }
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    test_table();
    test_known_grids();
    test_grids(seed);
    check_tiles(100, 60, &a);
    check_tiles(500, 200, &a);
    check_tiles(300, 1700, &a);
    check_tiles(1, 900, &a);
    test_augment(seed);
    test_spread();
    test_flip(&a);
    test_normalise(&a);
    test_thin(&a);
    arena_fini(&a);
    return 0;
}
