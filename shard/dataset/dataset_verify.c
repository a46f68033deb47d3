#include "shard/dataset/dataset_verify.h"

#include <string.h>

#include "shard/dataset/dataset.h"
#include "shard/dataset/dataset_images.h"
#include "shard/format/shard.h"
#include "shard/image/image.h"

typedef void (*progress_fn)(void *context, uint64_t done, uint64_t total);

struct verifier {
    const struct dataset *dataset;
    struct dataset_images *images; // NULL: there are none
};

static enum err verify_images(const struct verifier *v, uint64_t bin, const uint32_t *lengths,
                              struct arena *a)
{
    struct dataset_image *images;
    size_t n;
    TRY(dataset_images_read(v->images, bin, a, &images, &n));
    for (size_t i = 0; i < n; i++) {
        struct image_info info;
        struct span file;
        TRY(dataset_images_file(v->images, bin, i, a, &file));
        TRY(image_header(file, &image_limits_default, &info));
        if (images[i].offset <= lengths[images[i].document] && info.width == images[i].width &&
            info.height == images[i].height)
            continue;
        return fail(ERR_DATA, "bin %llu: image %zu is not where or what its columns say",
                    (unsigned long long)bin, i);
    }
    return OK;
}

// What checksums cannot say: documents fill their bins, ids are in the vocabulary, loss runs fit
// their documents, images are what their columns say.
static enum err verify_bin(const struct verifier *v, uint64_t bin, struct arena *a)
{
    const struct dataset *d = v->dataset;
    const struct dataset_bin b = dataset_bin(d, bin);
    uint32_t *lengths = ARENA_ARRAY(a, uint32_t, b.n_documents);
    uint32_t *tokens = ARENA_ARRAY(a, uint32_t, b.n_tokens);
    uint64_t *bits = ARENA_ARRAY(a, uint64_t, b.n_tokens / 64 + 1);
    TRY(dataset_read_lengths(d, bin, lengths));
    TRY(dataset_read_tokens(d, bin, tokens));
    if (dataset_has_loss(d)) TRY(dataset_read_loss(d, bin, lengths, bits));
    return v->images ? verify_images(v, bin, lengths, a) : OK;
}

// Columns of documents have an element for each.
static enum err verify_columns(const struct shard *s)
{
    static const char *const names[] = {"url", "language", "verdict", "image_counts"};
    const struct layout *l = shard_layout(s);
    const uint64_t n_documents = l->columns[layout_find(l, "lengths")].n_elems;
    for (uint32_t c = 0; c < l->n_columns; c++) {
        bool of_documents = strncmp(l->columns[c].name, "score.", 6) == 0;
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            of_documents = of_documents || strcmp(l->columns[c].name, names[i]) == 0;
        if (of_documents && l->columns[c].n_elems != n_documents)
            return fail(ERR_DATA, "%s: column %s is not one element a document", shard_name(s),
                        l->columns[c].name);
    }
    return OK;
}

static enum err verify_open(const struct verifier *v, progress_fn progress, void *context)
{
    const struct dataset_info *info = dataset_info(v->dataset);
    struct arena scratch;
    arena_init(&scratch, "bin");
    uint64_t bin = 0;
    enum err e = OK;
    for (uint64_t i = 0; i < info->n_shards && e == OK; i++) {
        if (progress) progress(context, i, info->n_shards);
        e = shard_verify(dataset_shard(v->dataset, i));
        if (e == OK) e = verify_columns(dataset_shard(v->dataset, i));
        for (; e == OK && bin < info->n_bins && dataset_bin(v->dataset, bin).shard == i; bin++) {
            e = verify_bin(v, bin, &scratch);
            arena_reset(&scratch);
        }
    }
    arena_fini(&scratch);
    return e;
}

enum err dataset_verify(const char *folder, progress_fn progress, void *context)
{
    struct arena a;
    struct dataset *d = NULL;
    arena_init(&a, "dataset verify");
    enum err e = dataset_open(folder, &a, &d);
    struct verifier v = {.dataset = d};
    if (e == OK) e = dataset_images_open(d, &a, &v.images);
    if (e == OK) e = verify_open(&v, progress, context);
    dataset_close(d);
    arena_fini(&a);
    return e;
}
