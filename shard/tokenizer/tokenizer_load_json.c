// Hugging Face's tokenizer.json, as far as it is byte-level BPE with GPT-2's rule. Whatever would
// give other tokens than ours (a normalizer, another pre-tokenizer, prefixes, dropout, ...) is
// refused. Added tokens become special: text never gives them. The post-processor, which adds
// special tokens around a text, is not applied.
#include <string.h>

#include "shard/tokenizer/tokenizer_json.h"

static bool absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static bool text_is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool is_gpt2_rule(const json_t *pre_tokenizer)
{
    if (text_is(json_object_get(pre_tokenizer, "type"), "Sequence")) {
        const json_t *list = json_object_get(pre_tokenizer, "pretokenizers");
        if (json_array_size(list) != 1) return false;
        pre_tokenizer = json_array_get(list, 0);
    }
    const json_t *regex = json_object_get(pre_tokenizer, "use_regex");
    return text_is(json_object_get(pre_tokenizer, "type"), "ByteLevel") &&
           !json_is_true(json_object_get(pre_tokenizer, "add_prefix_space")) &&
           (regex == NULL || json_is_true(regex));
}

static enum err check_pipeline(const json_t *root, const char *name)
{
    if (!absent(json_object_get(root, "normalizer")))
        return fail(ERR_DATA, "%s: has a normalizer; only tokenizers without one are read", name);
    if (!is_gpt2_rule(json_object_get(root, "pre_tokenizer")))
        return fail(ERR_DATA,
                    "%s: pre_tokenizer is not ByteLevel with GPT-2's regex and no prefix space",
                    name);
    return OK;
}

static enum err check_model(const json_t *model, const char *name)
{
    static const char *const texts[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const json_t *type = json_object_get(model, "type");
    if (!json_is_object(model) || (type != NULL && !text_is(type, "BPE")))
        return fail(ERR_DATA, "%s: model is not BPE", name);
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(model, texts[i]);
        if (!absent(value) && !text_is(value, ""))
            return fail(ERR_DATA, "%s: model.%s is not supported", name, texts[i]);
    }
    const json_t *dropout = json_object_get(model, "dropout");
    if (!absent(dropout) && json_number_value(dropout) != 0.0)
        return fail(ERR_DATA, "%s: model.dropout is not supported", name);
    if (json_is_true(json_object_get(model, "byte_fallback")))
        return fail(ERR_DATA, "%s: model.byte_fallback is not supported", name);
    if (!json_is_object(json_object_get(model, "vocab")) ||
        !json_is_array(json_object_get(model, "merges")))
        return fail(ERR_DATA, "%s: no model.vocab and model.merges", name);
    return OK;
}

static enum err load_added(struct tokenizer_draft *d, const json_t *added)
{
    for (size_t i = 0; i < json_array_size(added); i++) {
        const json_t *token = json_array_get(added, i);
        const json_t *id = json_object_get(token, "id"), *text = json_object_get(token, "content");
        if (!json_is_integer(id) || json_integer_value(id) < 0 || !json_is_string(text))
            return fail(ERR_DATA, "%s: added_tokens[%zu] has no id and content", d->name, i);
        const struct span bytes = {(const uint8_t *)json_string_value(text),
                                   json_string_length(text)};
        TRY(tokenizer_draft_token(d, (uint64_t)json_integer_value(id), bytes, true));
    }
    return OK;
}

static struct span span_of(const json_t *text)
{
    return (struct span){(const uint8_t *)json_string_value(text), json_string_length(text)};
}

static enum err load_merges(struct tokenizer_draft *d, const json_t *merges)
{
    for (size_t i = 0; i < json_array_size(merges); i++) {
        const json_t *merge = json_array_get(merges, i);
        const json_t *left = json_array_get(merge, 0), *right = json_array_get(merge, 1);
        if (json_is_string(merge))
            TRY(tokenizer_json_merge_line(d, span_of(merge)));
        else if (json_array_size(merge) == 2 && json_is_string(left) && json_is_string(right))
            TRY(tokenizer_json_merge(d, span_of(left), span_of(right)));
        else
            return fail(ERR_DATA, "%s: model.merges[%zu] is neither 'a b' nor ['a', 'b']", d->name,
                        i);
    }
    return OK;
}

static enum err load_root(json_t *root, const char *name, struct arena *a, struct tokenizer **out)
{
    TRY(check_pipeline(root, name));
    const json_t *model = json_object_get(root, "model");
    TRY(check_model(model, name));
    json_t *vocabulary = json_object_get(model, "vocab");
    const json_t *added = json_object_get(root, "added_tokens");
    struct tokenizer_draft d;
    TRY(tokenizer_draft_begin(&d, name, json_object_size(vocabulary) + json_array_size(added), a));
    d.whole_pieces = json_is_true(json_object_get(model, "ignore_merges"));
    enum err e = load_added(&d, added);
    if (e == OK) e = tokenizer_json_vocabulary(&d, vocabulary);
    if (e == OK) e = tokenizer_draft_merges_begin(&d);
    if (e == OK) e = load_merges(&d, json_object_get(model, "merges"));
    if (e == OK) tokenizer_draft_finish(&d, out);
    tokenizer_draft_end(&d);
    return e;
}

enum err tokenizer_load_json(struct span text, const char *name, struct arena *a,
                             struct tokenizer **out)
{
    json_t *root;
    TRY(tokenizer_json_parse(text, name, &root));
    enum err e = load_root(root, name, a, out);
    json_decref(root);
    return e;
}
