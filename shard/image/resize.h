#pragma once
// Bicubic resize, bit for bit Pillow's Image.resize(size, BICUBIC, box) of an RGB image: two passes
// with u8 between them; an output pixel is a weighted sum of the pixels within two (input or
// output, whichever are larger) of its centre, with weights of 22 fractional bits.
//
//     struct resize_box box = resize_box_whole(&in);
//     struct image_pixels out = resize_bicubic(&in, &box, 224, 224, &arena);

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "shard/image/image.h"

// In pixels of the input. Weights reach beyond the box where the image does, as in Pillow.
struct resize_box {
    float left, top, right, bottom;
};

/// The whole of in. Can't fail.
struct resize_box resize_box_whole(const struct image_pixels *in);

/// Box of in as width x height pixels (both at least 1) as by Pillow 13, with its tables in a. The
/// box is not empty and within the image. Uses the widest vectors that the CPU has. Local. Can't
/// fail.
struct image_pixels resize_bicubic(const struct image_pixels *in, const struct resize_box *box,
                                   uint32_t width, uint32_t height, struct arena *a);

// Which pass comes first shows in a few last bits, as u8 is in between. Pillow began to choose in
// 13.0; before, rows came first.
enum resize_order { RESIZE_PILLOW_13, RESIZE_ROWS_FIRST };

// Of a result of width x height, the part that is wanted.
struct resize_part {
    uint32_t width, height;
    uint32_t left, top, columns, rows;
    enum resize_order order;
};

/// The same pixels as resize_bicubic to part->width x part->height and a crop after it, in the time
/// and memory of the part alone. The part is not empty and within the result. Can't fail.
struct image_pixels resize_bicubic_part(const struct image_pixels *in, const struct resize_box *box,
                                        const struct resize_part *part, struct arena *a);

struct resize_kernel;
/// Kernels that this CPU can run, from plain C on, each with the same bits; NULL at number n. For
/// tests. Can't fail.
const struct resize_kernel *resize_kernel_get(size_t number);
const char *resize_kernel_name(const struct resize_kernel *kernel);
/// resize_bicubic_part by this kernel.
struct image_pixels resize_bicubic_by(const struct resize_kernel *kernel,
                                      const struct image_pixels *in, const struct resize_box *box,
                                      const struct resize_part *part, struct arena *a);
