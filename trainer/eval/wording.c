#include "trainer/eval/wording.h"

#include <string.h>

#include "shard/dataset/dataset.h"

enum { BYTES = 256 };

enum err wording_open(struct wording *w, const struct config *c, struct arena *a)
{
    *w = (struct wording){.end_of_text = UINT32_MAX};
    if (strcmp(c->data.kind, "random") == 0 || c->data.n_sources == 0) return OK;
    struct dataset *dataset;
    TRY(dataset_open(c->data.sources[0].path, a, &dataset));
    const struct dataset_info *info = dataset_info(dataset);
    w->end_of_text = info->end_of_text;
    w->bytes = info->tokenizer_file[0] == '\0';
    if (!w->bytes) w->tokenizer_file = arena_strdup(a, info->tokenizer_file);
    dataset_close(dataset);
    return w->bytes ? OK : tokenizer_open(w->tokenizer_file, a, &w->tokenizer);
}

static enum err encode(const struct wording *w, struct tokenizer_scratch *scratch, struct span text,
                       struct arena *a, uint32_t **ids, size_t *n_ids)
{
    struct tokenizer_tokens tokens = {0};
    enum err err = tokenizer_encode(w->tokenizer, scratch, text, &tokens);
    if (err == OK) {
        *ids = ARENA_ARRAY(a, uint32_t, tokens.n_ids);
        *n_ids = tokens.n_ids;
        if (tokens.n_ids > 0) memcpy(*ids, tokens.ids, tokens.n_ids * sizeof **ids);
    }
    tokenizer_tokens_free(&tokens);
    return err;
}

enum err wording_encode(const struct wording *w, struct span text, struct arena *a, uint32_t **ids,
                        size_t *n_ids)
{
    if (w->bytes) {
        *ids = ARENA_ARRAY(a, uint32_t, text.n_bytes);
        *n_ids = text.n_bytes;
        for (size_t i = 0; i < text.n_bytes; i++)
            (*ids)[i] = text.data[i];
        return OK;
    }
    if (w->tokenizer == NULL)
        return fail(ERR_DATA, "this run has no text (data.kind random): give --ids");
    struct tokenizer_scratch *scratch;
    TRY(tokenizer_scratch_open(&scratch));
    enum err err = encode(w, scratch, text, a, ids, n_ids);
    tokenizer_scratch_close(scratch);
    return err;
}

struct span wording_bytes(const struct wording *w, uint32_t id)
{
    static _Thread_local uint8_t byte;
    const struct span none = {&byte, 0};
    if (id == w->end_of_text) return none;
    if (w->tokenizer != NULL) {
        struct span bytes = tokenizer_bytes(w->tokenizer, id);
        return bytes.data != NULL ? bytes : none; // ids may have holes
    }
    if (!w->bytes || id >= BYTES) return none;
    byte = (uint8_t)id;
    return (struct span){&byte, 1};
}
