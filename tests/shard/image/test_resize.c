// The bicubic resize: known checksums of Pillow's result, every kernel equal to plain C, parts
// equal to crops of the whole. tests/shard/image/test_image_parity.sh compares with Pillow itself.

#include <zlib.h>

#include "base/rng.h"
#include "shard/image/resize.h"
#include "tests/check.h"

static struct image_pixels made(uint32_t width, uint32_t height, uint64_t key, struct arena *a)
{
    struct image_pixels p = {width, height, arena_array(a, (size_t)width * height, 3, 1)};
    for (size_t i = 0; i < (size_t)width * height * 3; i++)
        p.rgb[i] = (uint8_t)rng_u64(key, i, 0);
    return p;
}

static void check_crc(const struct image_pixels *p, uint32_t expected)
{
    CHECK_EQ(crc32(0, p->rgb, (uInt)(p->width * p->height * 3)), expected);
}

// Checksums of what Pillow 13.0.0 gives for the same pixels.
static void test_known(struct arena *a)
{
    struct image_pixels in = {61, 47, arena_alloc(a, 61 * 47 * 3, 1)};
    for (uint32_t y = 0; y < in.height; y++)
        for (uint32_t x = 0; x < in.width; x++)
            for (uint32_t c = 0; c < 3; c++)
                in.rgb[(y * in.width + x) * 3 + c] =
                    (uint8_t)(x * 7 + y * 13 + c * 50 + x * y % 31);
    const struct resize_box whole = resize_box_whole(&in), box = {3.25F, 1.5F, 60.75F, 46.5F};
    struct image_pixels out = resize_bicubic(&in, &whole, 23, 90, a);
    check_crc(&out, 826451911);
    out = resize_bicubic(&in, &whole, 224, 10, a);
    check_crc(&out, 4198394720);
    out = resize_bicubic(&in, &box, 17, 3, a);
    check_crc(&out, 3805703656);
    out = resize_bicubic(&in, &whole, 1, 1, a);
    check_crc(&out, 1986644742);
}

static float uniform(uint64_t key, uint64_t hi, uint64_t lo, uint32_t size)
{
    return rng_uniform(key, hi, lo) * (float)size;
}

// A side: mostly small, sometimes 1, sometimes long enough for windows of many taps.
static uint32_t side(uint64_t draw)
{
    if (draw % 8 == 0) return 1;
    return 1 + (uint32_t)((draw >> 8) % (draw % 16 == 1 ? 2000 : 130));
}

static void order(float *a, float *b)
{
    if (*a <= *b) return;
    const float swap = *a;
    *a = *b;
    *b = swap;
}

static struct resize_box random_box(const struct image_pixels *in, uint64_t key, uint64_t number)
{
    struct resize_box box = resize_box_whole(in);
    if (number % 2 == 0) return box;
    box = (struct resize_box){
        uniform(key, number, 20, in->width), uniform(key, number, 21, in->height),
        uniform(key, number, 22, in->width), uniform(key, number, 23, in->height)};
    order(&box.left, &box.right);
    order(&box.top, &box.bottom);
    if (box.left == box.right || box.top == box.bottom) return resize_box_whole(in);
    return box;
}

static void check_equal(const struct image_pixels *x, const struct image_pixels *y)
{
    CHECK(x->width == y->width && x->height == y->height);
    CHECK(memcmp(x->rgb, y->rgb, (size_t)x->width * x->height * 3) == 0);
}

static void check_is_part(const struct image_pixels *part, const struct image_pixels *whole,
                          const struct resize_part *p)
{
    for (uint32_t y = 0; y < part->height; y++)
        CHECK(memcmp(part->rgb + (size_t)y * part->width * 3,
                     whole->rgb + ((size_t)(p->top + y) * whole->width + p->left) * 3,
                     (size_t)part->width * 3) == 0);
}

static void test_random(uint64_t key, uint64_t number, struct arena *a)
{
    uint64_t draw[8];
    for (uint64_t i = 0; i < 8; i++)
        draw[i] = rng_u64(key, number, i);
    const struct image_pixels in = made(side(draw[0]), side(draw[1]), draw[2], a);
    const struct resize_box box = random_box(&in, key, number);
    struct resize_part all = {.width = side(draw[3]), .height = side(draw[4])};
    all.columns = all.width;
    all.rows = all.height;
    all.order = number % 3 ? RESIZE_PILLOW_13 : RESIZE_ROWS_FIRST;
    const struct image_pixels plain = resize_bicubic_by(resize_kernel_get(0), &in, &box, &all, a);
    struct resize_part part = all;
    part.left = (uint32_t)(draw[5] % all.width);
    part.top = (uint32_t)(draw[6] % all.height);
    part.columns = 1 + (uint32_t)((draw[5] >> 32) % (all.width - part.left));
    part.rows = 1 + (uint32_t)((draw[6] >> 32) % (all.height - part.top));
    const struct resize_kernel *kernel;
    for (size_t i = 0; (kernel = resize_kernel_get(i)) != NULL; i++) {
        const struct image_pixels whole = resize_bicubic_by(kernel, &in, &box, &all, a);
        check_equal(&whole, &plain);
        const struct image_pixels cut = resize_bicubic_by(kernel, &in, &box, &part, a);
        check_is_part(&cut, &plain, &part);
    }
    arena_reset(a);
}

static void test_same_size(struct arena *a)
{
    const struct image_pixels in = made(71, 29, 9, a);
    const struct resize_box whole = resize_box_whole(&in);
    const struct image_pixels out = resize_bicubic(&in, &whole, 71, 29, a);
    check_equal(&in, &out);
}

// Weights add up to 1: black and white stay so, at any scale.
static void test_flat(struct arena *a)
{
    for (int white = 0; white < 2; white++) {
        struct image_pixels in = made(500, 333, 9, a);
        memset(in.rgb, white * 255, 500 * 333 * 3);
        const struct resize_box whole = resize_box_whole(&in);
        const struct image_pixels out = resize_bicubic(&in, &whole, 224, 700, a);
        for (size_t i = 0; i < 224 * 700 * 3; i++)
            CHECK_EQ(out.rgb[i], white * 255);
    }
}

// The longest side there is, to one pixel: sums of 262,000 weights.
static void test_long(struct arena *a)
{
    struct image_pixels in = made(65500, 1, 9, a);
    const struct resize_box whole = resize_box_whole(&in);
    const struct resize_part one = {.width = 1, .height = 1, .columns = 1, .rows = 1};
    const struct image_pixels plain = resize_bicubic_by(resize_kernel_get(0), &in, &whole, &one, a);
    const struct resize_kernel *kernel;
    for (size_t i = 0; (kernel = resize_kernel_get(i)) != NULL; i++) {
        const struct image_pixels out = resize_bicubic_by(kernel, &in, &whole, &one, a);
        check_equal(&out, &plain);
    }
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    test_known(&a);
    test_same_size(&a);
    test_flat(&a);
    test_long(&a);
    arena_reset(&a);
    for (uint64_t number = 0; number < 100; number++)
        test_random(seed, number, &a);
    const struct resize_kernel *kernel;
    for (size_t i = 0; (kernel = resize_kernel_get(i)) != NULL; i++)
        printf("kernel %s\n", resize_kernel_name(kernel));
    arena_fini(&a);
    return 0;
}
