#include "datad/source.h"
#include "shard/dataset/dataset.h"
#include "shard/dataset/dataset_filter.h"
#include "shard/dataset/dataset_images.h"
#include "shard/format/shard.h"

struct dataset_source {
    struct dataset *dataset;
    struct dataset_filter *filter; // or NULL
    struct dataset_images *images; // or NULL
};

static const struct dataset *dataset_of(const void *context)
{
    return ((const struct dataset_source *)context)->dataset;
}

static struct source_bin bin_of_dataset(const void *context, uint64_t bin)
{
    const struct dataset_bin b = dataset_bin(dataset_of(context), bin);
    return (struct source_bin){
        .n_documents = b.n_documents, .n_tokens = b.n_tokens, .first_document = b.first_of_all};
}

static enum err lengths_of_dataset(const void *context, uint64_t bin, uint32_t *out)
{
    return dataset_read_lengths(dataset_of(context), bin, out);
}

static enum err tokens_of_dataset(const void *context, uint64_t bin, uint32_t *out)
{
    return dataset_read_tokens(dataset_of(context), bin, out);
}

static enum err keep_of_dataset(const void *context, uint64_t bin, uint8_t *out)
{
    return dataset_filter_read(((const struct dataset_source *)context)->filter, bin, out);
}

static enum err loss_of_dataset(const void *context, uint64_t bin, const uint32_t *lengths,
                                uint64_t *bits)
{
    return dataset_read_loss(dataset_of(context), bin, lengths, bits);
}

static enum err name_of_dataset(const void *context, uint64_t bin, uint64_t document,
                                struct arena *a, struct source_document *out)
{
    const struct dataset *d = dataset_of(context);
    out->file = shard_name(dataset_shard(d, dataset_bin(d, bin).shard));
    return dataset_read_name(d, bin, document, a, &out->id, &out->from);
}

static enum err images_of_dataset(const void *context, uint64_t bin, struct arena *a,
                                  struct source_image **out, size_t *n)
{
    const struct dataset_source *s = context;
    struct dataset_image *images;
    TRY(dataset_images_read(s->images, bin, a, &images, n));
    *out = ARENA_ARRAY(a, struct source_image, *n);
    for (size_t i = 0; i < *n; i++)
        (*out)[i] = (struct source_image){images[i].document, images[i].offset, images[i].width,
                                          images[i].height};
    return OK;
}

static enum err image_of_dataset(const void *context, uint64_t bin, uint64_t image, struct arena *a,
                                 struct span *out)
{
    return dataset_images_file(((const struct dataset_source *)context)->images, bin, image, a,
                               out);
}

static void close_dataset(void *context)
{
    dataset_close(((struct dataset_source *)context)->dataset);
}

enum err source_open_dataset(const struct source_options *o, struct arena *a, struct source *out)
{
    struct dataset_source *s = ARENA_NEW(a, struct dataset_source);
    TRY(dataset_open(o->path, a, &s->dataset));
    enum err e = dataset_filter_open(s->dataset, o->filter, a, &s->filter);
    if (e != OK) (void)fail_at(e, "filter");
    if (e == OK) e = dataset_images_open(s->dataset, a, &s->images);
    if (e != OK) {
        dataset_close(s->dataset);
        return e;
    }
    const struct dataset_info *info = dataset_info(s->dataset);
    *out = (struct source){.name = o->name,
                           .weight = o->weight,
                           .hash = info->hash,
                           .tokenizer_hash = info->tokenizer_hash,
                           .n_bins = info->n_bins,
                           .max_bin_tokens = info->max_bin_tokens,
                           .max_bin_documents = info->max_bin_documents,
                           .vocabulary = info->vocabulary,
                           .end_of_text = info->end_of_text,
                           .bin = bin_of_dataset,
                           .read_lengths = lengths_of_dataset,
                           .read_tokens = tokens_of_dataset,
                           .read_name = name_of_dataset,
                           .close = close_dataset,
                           .context = s};
    if (s->filter != NULL) {
        out->filter_hash = dataset_filter_hash(s->filter);
        out->read_keep = keep_of_dataset;
    }
    if (dataset_has_loss(s->dataset)) out->read_loss = loss_of_dataset;
    if (s->images != NULL) {
        out->read_images = images_of_dataset;
        out->read_image = image_of_dataset;
    }
    return OK;
}
