// The layout stands at the top of shard/read/reader_megatron.c.

#include <string.h>

#include "shard/export/dataset_export.h"
#include "shard/export/export_file.h"

enum { TYPE_I32 = 4, TYPE_U16 = 8, U16_VOCABULARY = 65500, VERSION = 1 };

struct writer {
    const struct dataset_info *info;
    struct export_file tokens, index;
    bool narrow;     // u16
    uint64_t offset; // of the sequence whose offset is written next
};

static enum err put_tokens(void *context, const uint32_t *tokens, uint32_t n_tokens)
{
    struct writer *w = context;
    for (uint32_t i = 0; i < n_tokens; i++) {
        if (w->narrow)
            TRY(export_file_put_u16(&w->tokens, (uint16_t)tokens[i]));
        else
            TRY(export_file_put_u32(&w->tokens, tokens[i]));
    }
    return OK;
}

static enum err put_length(void *context, uint32_t n_tokens)
{
    struct writer *w = context;
    return export_file_put_u32(&w->index, n_tokens);
}

static enum err put_offset(void *context, uint32_t n_tokens)
{
    struct writer *w = context;
    TRY(export_file_put_u64(&w->index, w->offset));
    w->offset += (uint64_t)n_tokens * (w->narrow ? 2 : 4);
    return OK;
}

static enum err put_index(struct writer *w, const struct dataset *d)
{
    static const char magic[9] = "MMIDIDX\0";
    const uint64_t n = w->info->n_documents;
    TRY(export_file_put(&w->index, magic, sizeof magic));
    TRY(export_file_put_u64(&w->index, VERSION));
    TRY(export_file_put_u8(&w->index, w->narrow ? TYPE_U16 : TYPE_I32));
    TRY(export_file_put_u64(&w->index, n));
    TRY(export_file_put_u64(&w->index, n + 1));
    TRY(dataset_export_lengths(d, put_length, w));
    TRY(dataset_export_lengths(d, put_offset, w));
    for (uint64_t i = 0; i <= n; i++)
        TRY(export_file_put_u64(&w->index, i));
    return OK;
}

static enum err write_files(struct writer *w, const struct dataset *d, const char *out,
                            struct arena *a)
{
    TRY(export_file_open(&w->tokens, arena_printf(a, "%s.bin", out), a));
    TRY(export_file_open(&w->index, arena_printf(a, "%s.idx", out), a));
    TRY(dataset_export_documents(d, put_tokens, w));
    TRY(put_index(w, d));
    TRY(export_file_commit(&w->tokens));
    return export_file_commit(&w->index);
}

enum err export_megatron(const struct dataset *d, const struct dataset_export_options *options,
                         struct arena *a, struct dataset_export_result *result)
{
    struct writer w = {.info = dataset_info(d)};
    w.narrow = w.info->vocabulary < U16_VOCABULARY;
    const enum err e = write_files(&w, d, options->out, a);
    export_file_drop(&w.tokens);
    export_file_drop(&w.index);
    if (e != OK) return e;
    *result = (struct dataset_export_result){.n_documents = w.info->n_documents,
                                             .n_tokens = w.info->n_tokens,
                                             .n_files = 2,
                                             .file_bytes = w.tokens.n_bytes + w.index.n_bytes};
    return OK;
}
