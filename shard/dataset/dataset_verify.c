#include "shard/dataset/dataset_verify.h"

#include "shard/dataset/dataset.h"
#include "shard/format/shard.h"

typedef void (*progress_fn)(void *context, uint64_t done, uint64_t total);

// What checksums cannot say: documents fill their bins, ids are in the vocabulary.
static enum err verify_bin(const struct dataset *d, uint64_t bin)
{
    struct arena scratch;
    arena_init(&scratch, "bin");
    const struct dataset_bin b = dataset_bin(d, bin);
    uint32_t *lengths = ARENA_ARRAY(&scratch, uint32_t, b.n_documents);
    uint32_t *tokens = ARENA_ARRAY(&scratch, uint32_t, b.n_tokens);
    enum err e = dataset_read_lengths(d, bin, lengths);
    if (e == OK) e = dataset_read_tokens(d, bin, tokens);
    uint64_t *loss = ARENA_ARRAY(&scratch, uint64_t, b.n_tokens / 64 + 1);
    if (e == OK) e = dataset_read_loss(d, bin, lengths, loss);
    arena_fini(&scratch);
    return e;
}

static enum err verify_open(const struct dataset *d, progress_fn progress, void *context)
{
    const struct dataset_info *info = dataset_info(d);
    uint64_t bin = 0;
    for (uint64_t i = 0; i < info->n_shards; i++) {
        if (progress) progress(context, i, info->n_shards);
        TRY(shard_verify(dataset_shard(d, i)));
        for (; bin < info->n_bins && dataset_bin(d, bin).shard == i; bin++)
            TRY(verify_bin(d, bin));
    }
    return OK;
}

enum err dataset_verify(const char *folder, progress_fn progress, void *context)
{
    struct arena a;
    struct dataset *d = NULL;
    arena_init(&a, "dataset verify");
    enum err e = dataset_open(folder, &a, &d);
    if (e == OK) e = verify_open(d, progress, context);
    dataset_close(d);
    arena_fini(&a);
    return e;
}
