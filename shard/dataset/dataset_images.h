#pragma once
// The images of a dataset's documents: where each stands, its size, and its file. Sizes are columns
// of their own, so what images take of a sequence is known without touching a file.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/dataset/dataset.h"

enum { DATASET_IMAGES_SIDE_LIMIT = 65500 };

struct dataset_image {
    uint64_t document; // of the bin's
    uint32_t offset;   // tokens of the document before it
    uint32_t width, height;
};

struct dataset_images;

/// *out is NULL when no shard has images. Borrows d; lives in a. O(documents). Errors: those of
/// reads; ERR_DATA when columns contradict each other.
enum err dataset_images_open(const struct dataset *d, struct arena *a,
                             struct dataset_images **out) MUST_CHECK;
/// The images of bin, by document and offset, in a. Safe from several threads. Errors: those of
/// reads; ERR_DATA for sizes of 0 or beyond the limit, and offsets that go back.
enum err dataset_images_read(const struct dataset_images *s, uint64_t bin, struct arena *a,
                             struct dataset_image **out, size_t *n) MUST_CHECK;
/// The file of image (of the bin's), in a. Safe from several threads. Errors: those of reads.
enum err dataset_images_file(const struct dataset_images *s, uint64_t bin, uint64_t image,
                             struct arena *a, struct span *out) MUST_CHECK;
