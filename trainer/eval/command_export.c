// weft export RUN_DIR: a checkpoint as a folder that other programs read. Format hf:
// model.safetensors, config.json and, where the run's data has one, the tokenizer's file.

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "base/file.h"
#include "base/json_text.h"
#include "trainer/eval/export_folder.h"
#include "trainer/eval/hf_layout.h"
#include "trainer/eval/snapshot.h"
#include "trainer/eval/weights.h"
#include "trainer/eval/wording.h"

enum { TOKENIZER_LIMIT_BYTES = 1 << 28 };

struct export
{
    const char *run_folder, *out, *format, *type_name;
    uint64_t step;
    bool json;

    struct arena *arena;
    enum dtype type;
    struct snapshot snapshot;
    struct wording wording;
    struct weights weights;
    struct export_folder folder;
    const struct hf_layout *layout;
    size_t n_tensors;
    uint64_t n_bytes; // of model.safetensors
};

static enum err check_options(struct export *e)
{
    if (strcmp(e->format, "hf") != 0)
        return fail(ERR_USAGE, "--format %s: only hf is known", e->format);
    if (e->out == NULL) return fail(ERR_USAGE, "no -o OUT given");
    e->type = strcmp(e->type_name, "bf16") == 0 ? DTYPE_BF16 : DTYPE_F32;
    if (e->type == DTYPE_F32 && strcmp(e->type_name, "f32") != 0)
        return fail(ERR_USAGE, "--dtype %s: f32 or bf16", e->type_name);
    return OK;
}

static enum err parse(int argc, char **argv, struct export *e)
{
    const struct cli_option options[] = {
        {"format", 0, CLI_TEXT, &e->format, "NAME", "hf: transformers (the default)"},
        {"output", 'o', CLI_TEXT, &e->out, "OUT", "folder to write; must not exist"},
        {"dtype", 0, CLI_TEXT, &e->type_name, "TYPE", "f32 (the default) or bf16"},
        {"step", 0, CLI_U64, &e->step, "N", "of the checkpoint (the newest)"},
        {"json", 0, CLI_FLAG, &e->json, NULL, "what was written, as JSON"},
    };
    const struct cli_usage usage = {.synopsis = "weft export RUN_DIR --format hf -o OUT",
                                    .summary = "write a checkpoint for other programs",
                                    .example = "weft export run --format hf -o run-hf",
                                    .options = options,
                                    .n_options = sizeof options / sizeof options[0]};
    TRY(cli_parse_one(argc, argv, &usage, &e->run_folder));
    return check_options(e);
}

static json_t *end_of_text(const struct export *e)
{
    return e->wording.end_of_text == UINT32_MAX ? json_null()
                                                : json_integer(e->wording.end_of_text);
}

static enum err put_json(const struct export *e, const char *name, json_t *json)
{
    char *text;
    enum err err = json_text(json, e->arena, &text);
    json_decref(json);
    return err == OK ? export_folder_put(&e->folder, name, text, strlen(text)) : err;
}

static enum err put_config(const struct export *e)
{
    const struct config_model *m = &e->snapshot.config.model;
    json_t *shared =
        json_pack("{s:I s:f s:b s:o s:o s:b s:s}", "vocab_size", (json_int_t)m->vocabulary,
                  "initializer_range", m->init_std, "tie_word_embeddings", m->tied, "bos_token_id",
                  end_of_text(e), "eos_token_id", end_of_text(e), "use_cache", 1, "torch_dtype",
                  e->type == DTYPE_BF16 ? "bfloat16" : "float32");
    json_t *json = e->layout->config(&e->snapshot.config);
    bool whole = json != NULL && shared != NULL && json_object_update(json, shared) == 0;
    json_decref(shared);
    if (whole) return put_json(e, "config.json", json);
    json_decref(json);
    return fail(ERR_MEMORY, "no memory for config.json");
}

static enum err put_tokenizer(const struct export *e)
{
    if (e->wording.tokenizer_file == NULL) return OK;
    struct span text;
    TRY(file_read(e->wording.tokenizer_file, TOKENIZER_LIMIT_BYTES, e->arena, &text));
    const char *name = tokenizer_file_name(e->wording.tokenizer);
    TRY(export_folder_put(&e->folder, name, text.data, text.n_bytes));
    bool model = strcmp(name, "tokenizer.model") == 0;
    json_t *json = json_pack("{s:s s:I}", "tokenizer_class",
                             model ? "LlamaTokenizer" : "PreTrainedTokenizerFast",
                             "model_max_length", (json_int_t)e->snapshot.config.model.context);
    struct span end = tokenizer_bytes(e->wording.tokenizer, e->wording.end_of_text);
    if (end.n_bytes > 0)
        json_object_set_new(json, "eos_token", json_stringn((const char *)end.data, end.n_bytes));
    return put_json(e, "tokenizer_config.json", json);
}

static enum err put_weights(struct export *e)
{
    struct safetensors_entry *entries;
    TRY(hf_layout_entries(e->layout, &e->snapshot.config, &e->weights, e->arena, &entries,
                          &e->n_tensors));
    return safetensors_write(arena_printf(e->arena, "%s/model.safetensors", e->folder.partial),
                             entries, e->n_tensors, e->type, &e->n_bytes);
}

static enum err write_folder(struct export *e)
{
    TRY(export_folder_begin(&e->folder, e->out, e->arena));
    enum err err = put_weights(e);
    if (err == OK) err = put_config(e);
    if (err == OK) err = put_tokenizer(e);
    if (err == OK) err = export_folder_commit(&e->folder);
    export_folder_end(&e->folder);
    return err;
}

static enum err report(const struct export *e)
{
    bool tokenizer = e->wording.tokenizer_file != NULL;
    if (!e->json) {
        printf("%s  layout %s  step %lu  tensors %zu  %s  %lu bytes  %s\n", e->folder.out,
               e->layout->name, e->snapshot.step, e->n_tensors, e->type_name, e->n_bytes,
               tokenizer          ? "with its tokenizer"
               : e->wording.bytes ? "no tokenizer.json: the data's tokens are bytes"
                                  : "no tokenizer.json: the run has no text");
        return OK;
    }
    json_t *json = json_pack("{s:s s:s s:I s:I s:s s:I s:b}", "folder", e->folder.out, "layout",
                             e->layout->name, "step", (json_int_t)e->snapshot.step, "tensors",
                             (json_int_t)e->n_tensors, "dtype", e->type_name, "bytes",
                             (json_int_t)e->n_bytes, "tokenizer", tokenizer);
    char *text;
    enum err err = json_text(json, e->arena, &text);
    json_decref(json);
    if (err == OK) fputs(text, stdout);
    return err;
}

static enum err export(struct export *e) {
    TRY(snapshot_open(e->run_folder, e->step, e->arena, &e->snapshot));
    TRY(hf_layout_of(&e->snapshot.config, &e->layout));
    TRY(wording_open(&e->wording, &e->snapshot.config, e->arena));
    TRY(weights_open(&e->weights, &e->snapshot, e->arena));
    TRY(write_folder(e));
    return report(e);
}

CLI_COMMAND(export)
{
    struct arena a;
    arena_init(&a, "weft export");
    struct export e = {.arena = &a, .format = "hf", .type_name = "f32", .step = SNAPSHOT_NEWEST};
    enum err err = parse(argc, argv, &e);
    if (err == OK) err = export(&e);
    weights_close(&e.weights);
    arena_fini(&a);
    return err;
}
