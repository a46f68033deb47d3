// Any bytes as an image: the header, and when it is small the pixels.

#include "shard/image/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    const struct image_limits limits = {
        .max_bytes = 1 << 20, .max_pixels = 1 << 16, .max_side = 4096};
    const struct span file = {data, n_bytes};
    struct image_info info;
    struct image_pixels pixels;
    struct arena a;
    arena_init(&a, "fuzz");
    const enum err header = image_header(file, &limits, &info);
    const enum err whole = image_decode(file, &limits, &a, &pixels);
    ASSERT(header == OK || (header == ERR_DATA && whole == ERR_DATA));
    ASSERT(whole == OK || whole == ERR_DATA);
    if (whole == OK) ASSERT(pixels.width == info.width && pixels.height == info.height);
    arena_fini(&a);
    return 0;
}
