// Hugging Face's tokenizer.json, as far as it is BPE and its steps are known here
// (tokenizer_json_pipeline.c). Added tokens become special: text never gives them. The
// post-processor, which adds special tokens around a text, is not applied.
#include <string.h>

#include "shard/tokenizer/tokenizer_json.h"

static bool absent(const json_t *value)
{
    return value == NULL || json_is_null(value);
}

static enum err check_model(const json_t *model, const char *name)
{
    static const char *const texts[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    const json_t *type = json_object_get(model, "type");
    if (!json_is_object(model) || (type != NULL && !tokenizer_json_is(type, "BPE")))
        return fail(ERR_DATA, "%s: model is not BPE", name);
    for (size_t i = 0; i < 2; i++) {
        const json_t *value = json_object_get(model, texts[i]);
        if (!absent(value) && !tokenizer_json_is(value, ""))
            return fail(ERR_DATA, "%s: model.%s is not supported", name, texts[i]);
    }
    const json_t *dropout = json_object_get(model, "dropout");
    if (!absent(dropout) && json_number_value(dropout) != 0.0)
        return fail(ERR_DATA, "%s: model.dropout is not supported", name);
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
        TRY(tokenizer_draft_token(d, (uint64_t)json_integer_value(id), bytes, TOKENIZER_SPECIAL));
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

static enum err load_parts(struct tokenizer_draft *d, const json_t *root)
{
    const json_t *model = json_object_get(root, "model");
    TRY(tokenizer_json_pipeline(root, d->name, &d->pipeline));
    d->pipeline.whole_pieces = json_is_true(json_object_get(model, "ignore_merges"));
    TRY(load_added(d, json_object_get(root, "added_tokens")));
    TRY(tokenizer_json_vocabulary(d, json_object_get(model, "vocab")));
    TRY(tokenizer_draft_merges_begin(d));
    TRY(load_merges(d, json_object_get(model, "merges")));
    tokenizer_json_settle_rules(d);
    return OK;
}

static enum err load_root(const json_t *root, const char *name, struct arena *a,
                          struct tokenizer **out)
{
    const json_t *model = json_object_get(root, "model");
    TRY(check_model(model, name));
    struct tokenizer_draft d;
    size_t n_tokens = json_object_size(json_object_get(model, "vocab")) +
                      json_array_size(json_object_get(root, "added_tokens"));
    enum err e = tokenizer_draft_begin(&d, name, n_tokens, a);
    if (e == OK) e = load_parts(&d, root);
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
