#include <string.h>

#include "base/file.h"
#include "base/json_text.h"
#include "shard/tokenizer/byte_alphabet.h"
#include "shard/tokenizer/tokenizer_json.h"

// Text of a special token, which is UTF-8 already; NULL if it is not.
static json_t *special_text(struct span bytes)
{
    return json_stringn((const char *)bytes.data, bytes.n_bytes);
}

static enum err added_build(const struct tokenizer *t, json_t *added)
{
    for (uint32_t id = 0; id < t->n_ids; id++) {
        if (!t->tokens[id].special) continue;
        json_t *text = special_text(t->tokens[id].bytes);
        if (text == NULL) return fail(ERR_DATA, "special token %u is not UTF-8", id);
        json_t *row =
            json_pack("{s:I, s:o, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)id, "content", text,
                      "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", 1);
        if (json_array_append_new(added, row) != 0) return fail(ERR_MEMORY, "no memory for JSON");
    }
    return OK;
}

static enum err vocabulary_build(const struct tokenizer *t, json_t *vocabulary,
                                 struct arena *scratch)
{
    for (uint32_t id = 0; id < t->n_ids; id++) {
        struct span bytes = t->tokens[id].bytes;
        if (bytes.n_bytes == 0) continue;
        const char *key = t->tokens[id].special
                              ? arena_strndup(scratch, (const char *)bytes.data, bytes.n_bytes)
                              : byte_alphabet_encode(bytes, scratch);
        if (json_object_set_new(vocabulary, key, json_integer(id)) != 0)
            return fail(ERR_MEMORY, "no memory for JSON");
    }
    return OK;
}

static enum err merges_build(const struct tokenizer *t, json_t *merges, struct arena *scratch)
{
    for (size_t i = 0; i < t->bpe.n_merges; i++) {
        const struct bpe_merge *merge = &t->bpe.merges[i];
        const char *line = arena_printf(
            scratch, "%s %s", byte_alphabet_encode(t->tokens[merge->left].bytes, scratch),
            byte_alphabet_encode(t->tokens[merge->right].bytes, scratch));
        if (json_array_append_new(merges, json_string(line)) != 0)
            return fail(ERR_MEMORY, "no memory for JSON");
    }
    return OK;
}

// The whole file around the three lists, which it takes.
static json_t *root_build(const struct tokenizer *t, json_t *added, json_t *vocabulary,
                          json_t *merges)
{
    json_t *model = json_pack(
        "{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout", "unk_token",
        "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0,
        "ignore_merges", (int)t->whole_pieces, "vocab", vocabulary, "merges", merges);
    return json_pack("{s:s, s:n, s:n, s:o, s:n, s:{s:s, s:b, s:b, s:b}, s:n, s:{s:s, s:b, s:b, "
                     "s:b}, s:o}",
                     "version", "1.0", "truncation", "padding", "added_tokens", added, "normalizer",
                     "pre_tokenizer", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1,
                     "use_regex", 1, "post_processor", "decoder", "type", "ByteLevel",
                     "add_prefix_space", 1, "trim_offsets", 1, "use_regex", 1, "model", model);
}

enum err tokenizer_save(const struct tokenizer *t, const char *path)
{
    struct arena scratch;
    arena_init(&scratch, "tokenizer.json");
    json_t *added = json_array(), *vocabulary = json_object(), *merges = json_array();
    char *text = NULL;
    enum err e = added_build(t, added);
    if (e == OK) e = vocabulary_build(t, vocabulary, &scratch);
    if (e == OK) e = merges_build(t, merges, &scratch);
    json_t *root = root_build(t, added, vocabulary, merges);
    if (e == OK) e = json_text(root, &scratch, &text);
    if (e == OK) e = file_replace(path, text, strlen(text));
    json_decref(root);
    arena_fini(&scratch);
    return e;
}
