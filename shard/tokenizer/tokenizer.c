#include "shard/tokenizer/tokenizer.h"

#include <string.h>

#include "base/file.h"
#include "shard/tokenizer/tokenizer_model.h"

uint32_t tokenizer_vocabulary(const struct tokenizer *t)
{
    return t->n_ids;
}

uint32_t tokenizer_end_of_text(const struct tokenizer *t)
{
    return t->end_of_text;
}

struct hash128 tokenizer_hash(const struct tokenizer *t)
{
    return t->hash;
}

struct span tokenizer_bytes(const struct tokenizer *t, uint32_t id)
{
    return id < t->n_ids ? t->tokens[id].bytes : (struct span){0};
}

struct span tokenizer_bytes_first(const struct tokenizer *t, uint32_t id)
{
    struct span bytes = tokenizer_bytes(t, id);
    bool adds_space = t->model_prefix || t->pipeline.prefix != NORMALIZE_NO_PREFIX;
    bool space = adds_space && bytes.n_bytes > 0 && bytes.data[0] == ' ';
    return space ? (struct span){bytes.data + 1, bytes.n_bytes - 1} : bytes;
}

const char *tokenizer_file_name(const struct tokenizer *t)
{
    return t->model.n_bytes > 0 ? "tokenizer.model" : "tokenizer.json";
}

enum err tokenizer_save(const struct tokenizer *t, const char *path)
{
    if (t->model.n_bytes > 0) return file_replace(path, t->model.data, t->model.n_bytes);
    return tokenizer_save_json(t, path);
}

// The file of a folder that is a tokenizer by itself, NULL if there is none.
static const char *file_of_folder(const char *path, struct arena *scratch)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer.model"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *file = arena_printf(scratch, "%s/%s", path, names[i]);
        if (file_exists(file)) return file;
    }
    return NULL;
}

static enum err open_gpt2(const char *path, struct arena *scratch, struct arena *a,
                          struct tokenizer **out)
{
    static const char *const names[][2] = {{"encoder.json", "vocab.bpe"},
                                           {"vocab.json", "merges.txt"}};
    struct span vocabulary_text, merges_text;
    for (size_t i = 0; i < 2; i++) {
        const char *vocabulary = arena_printf(scratch, "%s/%s", path, names[i][0]);
        if (!file_exists(vocabulary)) continue;
        const char *merges = arena_printf(scratch, "%s/%s", path, names[i][1]);
        TRY(file_read(vocabulary, TOKENIZER_FILE_LIMIT_BYTES, scratch, &vocabulary_text));
        TRY(file_read(merges, TOKENIZER_FILE_LIMIT_BYTES, scratch, &merges_text));
        return tokenizer_load_gpt2(vocabulary_text, merges_text, path, a, out);
    }
    return fail(ERR_DATA,
                "%s: no tokenizer here: neither tokenizer.json, tokenizer.model nor encoder.json "
                "with vocab.bpe",
                path);
}

static bool is_json(struct span text)
{
    size_t at = 0;
    while (at < text.n_bytes && (text.data[at] == ' ' || text.data[at] == '\n' ||
                                 text.data[at] == '\r' || text.data[at] == '\t'))
        at++;
    return at < text.n_bytes && text.data[at] == '{';
}

// A .model is a protobuf message whose first field is a piece, a message that begins with its text:
// tag, length, tag. A rank file may begin with an empty line, but base64 follows it.
static bool is_model(struct span text)
{
    return text.n_bytes > 3 && text.data[0] == 0x0A &&
           (text.data[2] == 0x0A || text.data[3] == 0x0A);
}

static enum err open_file(const char *path, enum pretokenize_rule rule, struct arena *scratch,
                          struct arena *a, struct tokenizer **out)
{
    struct span text;
    TRY(file_read(path, TOKENIZER_FILE_LIMIT_BYTES, scratch, &text));
    bool json = is_json(text), model = !json && is_model(text);
    if ((json || model) && rule != PRETOKENIZE_N_RULES)
        return fail(ERR_DATA, "%s: says its rule itself; '%s:' is for rank files", path,
                    pretokenize_name(rule));
    if (json) return tokenizer_load_json(text, path, a, out);
    if (model) return tokenizer_load_model(text, path, a, out);
    return tokenizer_load_ranks(text, rule, path, a, out);
}

enum err tokenizer_open(const char *path, struct arena *a, struct tokenizer **out)
{
    struct arena scratch;
    arena_init(&scratch, "tokenizer file");
    const char *colon = strchr(path, ':');
    enum pretokenize_rule rule = PRETOKENIZE_N_RULES;
    if (colon != NULL) rule = pretokenize_rule_named(path, (size_t)(colon - path));
    if (rule != PRETOKENIZE_N_RULES) path = colon + 1;
    const char *file = file_is_folder(path) ? file_of_folder(path, &scratch) : path;
    enum err e =
        file == NULL ? open_gpt2(path, &scratch, a, out) : open_file(file, rule, &scratch, a, out);
    arena_fini(&scratch);
    return e;
}
