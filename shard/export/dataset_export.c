#include "shard/export/dataset_export.h"

#include <string.h>

static const struct dataset_export_format FORMATS[] = {{"megatron", export_megatron},
                                                       {"llmc", export_llmc}};

enum err dataset_export_find(const char *name, const struct dataset_export_format **out)
{
    for (size_t i = 0; i < sizeof FORMATS / sizeof FORMATS[0]; i++) {
        if (strcmp(name, FORMATS[i].name) != 0) continue;
        *out = &FORMATS[i];
        return OK;
    }
    return fail(ERR_USAGE, "--format %s: choose megatron or llmc", name);
}

static enum err visit_bin(const struct dataset *d, uint64_t bin, struct arena *a,
                          dataset_export_document_fn document, void *context)
{
    const struct dataset_bin b = dataset_bin(d, bin);
    uint32_t *lengths = ARENA_ARRAY(a, uint32_t, b.n_documents);
    uint32_t *tokens = ARENA_ARRAY(a, uint32_t, b.n_tokens);
    TRY(dataset_read_lengths(d, bin, lengths));
    TRY(dataset_read_tokens(d, bin, tokens));
    for (uint64_t i = 0; i < b.n_documents; tokens += lengths[i++])
        TRY(document(context, tokens, lengths[i]));
    return OK;
}

enum err dataset_export_documents(const struct dataset *d, dataset_export_document_fn document,
                                  void *context)
{
    struct arena a;
    enum err e = OK;
    arena_init(&a, "bin to export");
    for (uint64_t bin = 0; bin < dataset_info(d)->n_bins && e == OK; bin++) {
        e = visit_bin(d, bin, &a, document, context);
        arena_reset(&a);
    }
    arena_fini(&a);
    return e;
}

enum err dataset_export_lengths(const struct dataset *d,
                                enum err (*length)(void *context, uint32_t n_tokens), void *context)
{
    struct arena a;
    enum err e = OK;
    arena_init(&a, "lengths to export");
    for (uint64_t bin = 0; bin < dataset_info(d)->n_bins && e == OK; bin++) {
        const uint64_t n = dataset_bin(d, bin).n_documents;
        uint32_t *lengths = ARENA_ARRAY(&a, uint32_t, n);
        e = dataset_read_lengths(d, bin, lengths);
        for (uint64_t i = 0; i < n && e == OK; i++)
            e = length(context, lengths[i]);
        arena_reset(&a);
    }
    arena_fini(&a);
    return e;
}
