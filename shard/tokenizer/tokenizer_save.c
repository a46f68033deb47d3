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
        if (t->tokens[id].kind != TOKENIZER_SPECIAL) continue;
        json_t *text = special_text(t->tokens[id].bytes);
        if (text == NULL) return fail(ERR_DATA, "special token %u is not UTF-8", id);
        json_t *row =
            json_pack("{s:I, s:o, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)id, "content", text,
                      "single_word", 0, "lstrip", 0, "rstrip", 0, "normalized", 0, "special", 1);
        if (json_array_append_new(added, row) != 0) return fail(ERR_MEMORY, "no memory for JSON");
    }
    return OK;
}

// How a token of text is written: in GPT-2's alphabet, or with U+2581 for its spaces.
static const char *token_text(const struct tokenizer *t, uint32_t id, struct arena *scratch)
{
    struct span bytes = t->tokens[id].bytes;
    if (t->tokens[id].kind == TOKENIZER_SPECIAL)
        return arena_strndup(scratch, (const char *)bytes.data, bytes.n_bytes);
    if (t->tokens[id].kind == TOKENIZER_BYTE)
        return arena_printf(scratch, "<0x%02X>", bytes.data[0]);
    if (!t->pipeline.characters) return byte_alphabet_encode(bytes, scratch);
    char *text = ARENA_ARRAY(scratch, char, 3 * bytes.n_bytes + 1), *at = text;
    for (size_t i = 0; i < bytes.n_bytes; i++) {
        bool space = bytes.data[i] == ' ';
        memcpy(at, space ? "\xE2\x96\x81" : (const char *)&bytes.data[i], space ? 3 : 1);
        at += space ? 3 : 1;
    }
    return text;
}

static enum err vocabulary_build(const struct tokenizer *t, json_t *vocabulary,
                                 struct arena *scratch)
{
    for (uint32_t id = 0; id < t->n_ids; id++) {
        if (t->tokens[id].bytes.n_bytes == 0) continue;
        const char *key = token_text(t, id, scratch);
        if (json_object_set_new(vocabulary, key, json_integer(id)) != 0)
            return fail(ERR_MEMORY, "no memory for JSON");
    }
    return OK;
}

static enum err merges_build(const struct tokenizer *t, json_t *merges, struct arena *scratch)
{
    for (size_t i = 0; i < t->bpe.n_merges; i++) {
        const struct bpe_merge *merge = &t->bpe.merges[i];
        const char *line = arena_printf(scratch, "%s %s", token_text(t, merge->left, scratch),
                                        token_text(t, merge->right, scratch));
        if (json_array_append_new(merges, json_string(line)) != 0)
            return fail(ERR_MEMORY, "no memory for JSON");
    }
    return OK;
}

// How ids become text: bytes, or Llama 2's pieces without the space that encoding put before them.
static json_t *decoder_of(const struct tokenizer *t)
{
    if (!t->pipeline.characters)
        return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 1,
                         "trim_offsets", 1, "use_regex", 1);
    json_t *steps =
        json_pack("[{s:s, s:{s:s}, s:s}, {s:s}, {s:s}]", "type", "Replace", "pattern", "String",
                  "\xE2\x96\x81", "content", " ", "type", "ByteFallback", "type", "Fuse");
    if (t->pipeline.prefix != NORMALIZE_NO_PREFIX)
        json_array_append_new(steps, json_pack("{s:s, s:s, s:i, s:i}", "type", "Strip", "content",
                                               " ", "start", 1, "stop", 0));
    return json_pack("{s:s, s:o}", "type", "Sequence", "decoders", steps);
}

// The whole file around the three lists, which it takes.
static json_t *root_build(const struct tokenizer *t, json_t *added, json_t *vocabulary,
                          json_t *merges)
{
    json_t *normalizer, *pre_tokenizer;
    tokenizer_json_pipeline_save(&t->pipeline, &normalizer, &pre_tokenizer);
    json_t *model =
        json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout",
                  "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0,
                  "byte_fallback", (int)t->pipeline.characters, "ignore_merges",
                  (int)t->pipeline.whole_pieces, "vocab", vocabulary, "merges", merges);
    return json_pack("{s:s, s:n, s:n, s:o, s:o, s:o, s:n, s:o, s:o}", "version", "1.0",
                     "truncation", "padding", "added_tokens", added, "normalizer", normalizer,
                     "pre_tokenizer", pre_tokenizer, "post_processor", "decoder", decoder_of(t),
                     "model", model);
}

enum err tokenizer_save_json(const struct tokenizer *t, const char *path)
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
