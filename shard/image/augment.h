#pragma once
// Random crops and flips for training, as pure functions of (seed, position, image of that
// position, size): the same picture whatever rank, thread or order asks for it. A choice is a box,
// in real coordinates as Pillow's resize(box=) takes it, and whether the result is mirrored.

#include <stdbool.h>
#include <stdint.h>

#include "shard/image/resize.h"

enum augment_kind {
    AUGMENT_NONE,
    AUGMENT_RESIZED_CROP, // a share of the area in [low, high] of an aspect in [1/ratio, ratio]
    AUGMENT_CROP          // a square of a share in [low, high] of the shortest side
};

struct augment_rule {
    enum augment_kind kind;
    double low, high; // in (0, 1]
    double ratio;     // at least 1
    double flip;      // probability
};

// Which image of which row of the run's stream.
struct augment_key {
    uint64_t seed, position, image;
};

struct augment_choice {
    struct resize_box box; // within the image, not empty
    bool flip;
};

enum { AUGMENT_TRIES = 10 };

/// Resized crop: ten tries with area uniform and log aspect uniform; when none fits, the largest
/// centred box of an allowed aspect. Crop: uniform among the places that fit. Draws are Philox's
/// blocks at (position, 16 image + try), 15 for the flip, under the key of seed and "augment".
/// Can't fail.
struct augment_choice augment_choose(const struct augment_rule *rule, const struct augment_key *key,
                                     uint32_t width, uint32_t height);
/// Mirrors rgb[side, side, 3] left to right. Can't fail.
void augment_flip(uint8_t *rgb, uint32_t side);
