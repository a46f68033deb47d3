#pragma once
// A row of the table of codecs: how a file of one format begins, its header and its pixels. Used by
// image.c alone.

#include "shard/image/image.h"

struct image_codec {
    enum image_format format;
    /// Whether the file begins as this format does. Can't fail.
    bool (*begins)(struct span file);
    /// Fills *out but for its format; limits are the caller's. Errors: ERR_DATA.
    enum err (*header)(struct span file, struct image_info *out);
    /// Fills out->rgb, which is there, of out->width x out->height, as info says. Errors: ERR_DATA.
    enum err (*decode)(struct span file, const struct image_info *info, struct arena *a,
                       struct image_pixels *out);
};

extern const struct image_codec image_codec_jpeg, image_codec_png, image_codec_webp;
