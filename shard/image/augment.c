#include "shard/image/augment.h"

#include <math.h>
#include <string.h>

#include "base/dmath.h"
#include "base/err.h"
#include "base/rng.h"

enum { BLOCKS_AN_IMAGE = 16, FLIP_BLOCK = 15 };

struct box_size {
    double width, height;
};

static void draw(const struct augment_key *key, uint64_t block, double out[4])
{
    uint32_t word[4];
    rng_block(rng_key(key->seed, "augment"), key->position, key->image * BLOCKS_AN_IMAGE + block,
              word);
    for (int i = 0; i < 4; i++)
        out[i] = word[i] * 0x1p-32;
}

// The box of this size at a share x, y of the room that is left. Rounding to f32 may not leave the
// image.
static struct resize_box place(struct box_size size, double x, double y, uint32_t width,
                               uint32_t height)
{
    const double left = x * (width - size.width), top = y * (height - size.height);
    struct resize_box box = {(float)left, (float)top, (float)(left + size.width),
                             (float)(top + size.height)};
    box.right = fminf(box.right, (float)width);
    box.bottom = fminf(box.bottom, (float)height);
    return box;
}

static struct resize_box center(double ratio, uint32_t width, uint32_t height)
{
    struct box_size size = {width, height};
    if (size.width > size.height * ratio) size.width = size.height * ratio;
    if (size.height > size.width * ratio) size.height = size.width * ratio;
    return place(size, 0.5, 0.5, width, height);
}

static struct resize_box resized_crop(const struct augment_rule *rule,
                                      const struct augment_key *key, uint32_t width,
                                      uint32_t height)
{
    const double log_ratio = dmath_log(rule->ratio);
    for (uint64_t try = 0; try < AUGMENT_TRIES; try++) {
        double u[4];
        draw(key, try, u);
        const double area = (double)width * height * (rule->low + u[0] * (rule->high - rule->low));
        const double ratio = dmath_exp((2 * u[1] - 1) * log_ratio);
        const struct box_size size = {sqrt(area * ratio), sqrt(area / ratio)};
        if (size.width >= 1 && size.width <= width && size.height >= 1 && size.height <= height)
            return place(size, u[2], u[3], width, height);
    }
    return center(rule->ratio, width, height);
}

static struct resize_box crop(const struct augment_rule *rule, const struct augment_key *key,
                              uint32_t width, uint32_t height)
{
    double u[4];
    draw(key, 0, u);
    const double side =
        (width < height ? width : height) * (rule->low + u[0] * (rule->high - rule->low));
    return place((struct box_size){side, side}, u[2], u[3], width, height);
}

struct augment_choice augment_choose(const struct augment_rule *rule, const struct augment_key *key,
                                     uint32_t width, uint32_t height)
{
    ASSERT(width >= 1 && height >= 1 && rule->low > 0 && rule->high <= 1 && rule->ratio >= 1);
    struct augment_choice choice = {.box = {0, 0, (float)width, (float)height}};
    if (rule->kind == AUGMENT_RESIZED_CROP) choice.box = resized_crop(rule, key, width, height);
    if (rule->kind == AUGMENT_CROP) choice.box = crop(rule, key, width, height);
    double u[4];
    draw(key, FLIP_BLOCK, u);
    choice.flip = u[0] < rule->flip;
    return choice;
}

void augment_flip(uint8_t *rgb, uint32_t side)
{
    for (uint32_t y = 0; y < side; y++, rgb += (size_t)side * 3)
        for (uint32_t left = 0, right = side - 1; left < right; left++, right--) {
            uint8_t swap[3];
            memcpy(swap, rgb + (size_t)left * 3, 3);
            memcpy(rgb + (size_t)left * 3, rgb + (size_t)right * 3, 3);
            memcpy(rgb + (size_t)right * 3, swap, 3);
        }
}
