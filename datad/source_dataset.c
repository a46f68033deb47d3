#include "datad/source.h"
#include "shard/dataset/dataset.h"

static struct source_bin bin_of_dataset(const void *context, uint64_t bin)
{
    const struct dataset_bin b = dataset_bin(context, bin);
    return (struct source_bin){.n_documents = b.n_documents, .n_tokens = b.n_tokens};
}

static enum err lengths_of_dataset(const void *context, uint64_t bin, uint32_t *out)
{
    return dataset_read_lengths(context, bin, out);
}

static enum err tokens_of_dataset(const void *context, uint64_t bin, uint32_t *out)
{
    return dataset_read_tokens(context, bin, out);
}

static void close_dataset(void *context)
{
    dataset_close(context);
}

enum err source_open_dataset(const char *name, const char *path, double weight, struct arena *a,
                             struct source *out)
{
    struct dataset *d = NULL;
    TRY(dataset_open(path, a, &d));
    const struct dataset_info *info = dataset_info(d);
    *out = (struct source){.name = name,
                           .weight = weight,
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
                           .close = close_dataset,
                           .context = d};
    return OK;
}
