#include "shard/dataset/dataset_images.h"

#include <stdbool.h>

#include "shard/format/shard.h"

struct member {
    const struct shard *shard;
    bool has_images;
    uint32_t counts, offsets, widths, heights, files; // columns
    uint64_t n_images;
};

struct dataset_images {
    const struct dataset *dataset;
    struct member *members;
    uint64_t *first_image; // [n_bins] within the shard
};

static enum err find_columns(const struct dataset *d, uint64_t shard_idx, struct member *m)
{
    static const char *const per_image[] = {"image_offsets", "image_widths", "image_heights",
                                            "images"};
    m->shard = dataset_shard(d, shard_idx);
    const struct layout *l = shard_layout(m->shard);
    m->has_images = layout_find(l, "image_counts") < l->n_columns;
    if (!m->has_images) return OK;
    uint32_t *const columns[] = {&m->offsets, &m->widths, &m->heights, &m->files};
    TRY(shard_column(m->shard, "image_counts", &m->counts));
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        TRY(shard_column(m->shard, per_image[i], columns[i]));
        if (i == 0) m->n_images = l->columns[m->offsets].n_elems;
        if (l->columns[*columns[i]].n_elems != m->n_images)
            return fail(ERR_DATA, "%s: its image columns differ in length", shard_name(m->shard));
    }
    return OK;
}

static enum err read_counts(const struct dataset_images *s, uint64_t bin, struct arena *a,
                            uint32_t **out)
{
    const struct dataset_bin b = dataset_bin(s->dataset, bin);
    *out = ARENA_ARRAY(a, uint32_t, b.n_documents);
    return shard_read_u32(s->members[b.shard].shard, s->members[b.shard].counts, b.first_document,
                          b.n_documents, *out);
}

// Where each bin's images begin: what the counts before it add up to.
static enum err find_first(struct dataset_images *s, struct arena *scratch)
{
    uint64_t first = 0, shard = 0;
    for (uint64_t bin = 0; bin < dataset_info(s->dataset)->n_bins; bin++) {
        const struct dataset_bin b = dataset_bin(s->dataset, bin);
        if (b.shard != shard) first = 0;
        shard = b.shard;
        s->first_image[bin] = first;
        if (!s->members[shard].has_images) continue;
        uint32_t *counts;
        TRY(read_counts(s, bin, scratch, &counts));
        for (uint64_t i = 0; i < b.n_documents; i++)
            first += counts[i];
        if (first > s->members[shard].n_images)
            return fail(ERR_DATA, "%s: more images are counted than it has",
                        shard_name(s->members[shard].shard));
        arena_reset(scratch);
    }
    return OK;
}

enum err dataset_images_open(const struct dataset *d, struct arena *a, struct dataset_images **out)
{
    const struct dataset_info *info = dataset_info(d);
    struct dataset_images *s = ARENA_NEW(a, struct dataset_images);
    s->dataset = d;
    s->members = ARENA_ARRAY(a, struct member, info->n_shards);
    bool any = false;
    for (uint64_t i = 0; i < info->n_shards; i++) {
        TRY(find_columns(d, i, &s->members[i]));
        any = any || s->members[i].has_images;
    }
    *out = NULL;
    if (!any) return OK;
    s->first_image = ARENA_ARRAY(a, uint64_t, info->n_bins);
    struct arena scratch;
    arena_init(&scratch, "image counts");
    const enum err e = find_first(s, &scratch);
    arena_fini(&scratch);
    if (e == OK) *out = s;
    return e;
}

struct columns {
    uint32_t *counts, *offsets, *widths, *heights;
};

static enum err read_columns(const struct dataset_images *s, uint64_t bin, struct arena *a,
                             struct columns *out, uint64_t *n)
{
    const struct dataset_bin b = dataset_bin(s->dataset, bin);
    const struct member *m = &s->members[b.shard];
    const uint64_t first = s->first_image[bin];
    TRY(read_counts(s, bin, a, &out->counts));
    *n = 0;
    for (uint64_t i = 0; i < b.n_documents; i++)
        *n += out->counts[i];
    if (*n > m->n_images - first)
        return fail(ERR_DATA, "%s: more images are counted than it has", shard_name(m->shard));
    out->offsets = ARENA_ARRAY(a, uint32_t, *n);
    out->widths = ARENA_ARRAY(a, uint32_t, *n);
    out->heights = ARENA_ARRAY(a, uint32_t, *n);
    TRY(shard_read_u32(m->shard, m->offsets, first, *n, out->offsets));
    TRY(shard_read_u32(m->shard, m->widths, first, *n, out->widths));
    return shard_read_u32(m->shard, m->heights, first, *n, out->heights);
}

static enum err check_image(const struct shard *s, const struct dataset_image *image,
                            const struct dataset_image *before)
{
    if (image->width == 0 || image->width > DATASET_IMAGES_SIDE_LIMIT || image->height == 0 ||
        image->height > DATASET_IMAGES_SIDE_LIMIT)
        return fail(ERR_DATA, "%s: an image of %u x %u pixels", shard_name(s), image->width,
                    image->height);
    if (before != NULL && before->document == image->document && before->offset > image->offset)
        return fail(ERR_DATA, "%s: images of a document are not in order", shard_name(s));
    return OK;
}

enum err dataset_images_read(const struct dataset_images *s, uint64_t bin, struct arena *a,
                             struct dataset_image **out, size_t *n)
{
    const struct dataset_bin b = dataset_bin(s->dataset, bin);
    const struct member *m = &s->members[b.shard];
    *out = NULL;
    *n = 0;
    if (!m->has_images) return OK;
    struct columns c;
    uint64_t n_images, at = 0;
    TRY(read_columns(s, bin, a, &c, &n_images));
    struct dataset_image *images = ARENA_ARRAY(a, struct dataset_image, n_images);
    for (uint64_t d = 0; d < b.n_documents; d++)
        for (uint32_t i = 0; i < c.counts[d]; i++, at++) {
            images[at] = (struct dataset_image){d, c.offsets[at], c.widths[at], c.heights[at]};
            TRY(check_image(m->shard, &images[at], at == 0 ? NULL : &images[at - 1]));
        }
    *out = images;
    *n = n_images;
    return OK;
}

enum err dataset_images_file(const struct dataset_images *s, uint64_t bin, uint64_t image,
                             struct arena *a, struct span *out)
{
    const struct member *m = &s->members[dataset_bin(s->dataset, bin).shard];
    return shard_read_blobs(m->shard, m->files, s->first_image[bin] + image, 1, a, out);
}
