// The layout stands at the top of shard/read/reader_llmc.c. File 0 is for validation, the others
// for training, as llm.c's own scripts name them.

#include "base/little.h"
#include "base/size.h"
#include "shard/export/dataset_export.h"
#include "shard/export/export_file.h"

enum {
    HEADER_NUMBERS = 256,
    N_TOKENS_AT = 8, // bytes: the third number
    MAGIC_U16 = 20240520,
    VERSION_U16 = 1,
    MAGIC_U32 = 20240801,
    VERSION_U32 = 7,
    U16_VOCABULARY = 1 << 16
};

struct writer {
    const struct dataset_export_options *options;
    const struct dataset_info *info;
    struct arena *arena;
    struct export_file file;
    bool narrow, open;
    uint64_t limit_tokens, n_tokens; // of the open file
    struct dataset_export_result result;
};

static enum err begin_file(struct writer *w)
{
    const char *path =
        arena_printf(w->arena, "%s_%s_%06llu.bin", w->options->out,
                     w->result.n_files ? "train" : "val", (unsigned long long)w->result.n_files);
    TRY(export_file_open(&w->file, path, w->arena));
    w->open = true;
    w->n_tokens = 0;
    TRY(export_file_put_u32(&w->file, w->narrow ? MAGIC_U16 : MAGIC_U32));
    TRY(export_file_put_u32(&w->file, w->narrow ? VERSION_U16 : VERSION_U32));
    for (int i = 2; i < HEADER_NUMBERS; i++)
        TRY(export_file_put_u32(&w->file, 0));
    return OK;
}

static enum err end_file(struct writer *w)
{
    if (!w->open) return OK;
    uint8_t n_tokens[4];
    little_put_u32(n_tokens, (uint32_t)w->n_tokens);
    TRY(export_file_patch(&w->file, N_TOKENS_AT, n_tokens, sizeof n_tokens));
    TRY(export_file_commit(&w->file));
    w->open = false;
    w->result.n_files++;
    w->result.file_bytes += w->file.n_bytes;
    return OK;
}

static enum err put_token(struct writer *w, uint32_t token)
{
    w->n_tokens++;
    return w->narrow ? export_file_put_u16(&w->file, (uint16_t)token)
                     : export_file_put_u32(&w->file, token);
}

// The end of text stands before a document there, behind it here.
static enum err put_document(void *context, const uint32_t *tokens, uint32_t n_tokens)
{
    struct writer *w = context;
    const uint64_t most = (INT32_MAX - HEADER_NUMBERS * 4) / (w->narrow ? 2 : 4);
    if (w->open && w->n_tokens + n_tokens > most) TRY(end_file(w));
    if (!w->open) TRY(begin_file(w));
    TRY(put_token(w, w->info->end_of_text));
    for (uint32_t i = 0; i + 1 < n_tokens; i++)
        TRY(put_token(w, tokens[i]));
    w->result.n_documents++;
    w->result.n_tokens += n_tokens;
    return w->n_tokens >= w->limit_tokens ? end_file(w) : OK;
}

enum err export_llmc(const struct dataset *d, const struct dataset_export_options *options,
                     struct arena *a, struct dataset_export_result *result)
{
    struct writer w = {.options = options, .info = dataset_info(d), .arena = a};
    w.narrow = w.info->vocabulary <= U16_VOCABULARY;
    w.limit_tokens = size_max(options->file_tokens, 1);
    enum err e = dataset_export_documents(d, put_document, &w);
    if (e == OK) e = end_file(&w);
    export_file_drop(&w.file);
    if (e == OK) *result = w.result;
    return e;
}
