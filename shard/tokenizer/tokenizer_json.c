#include "shard/tokenizer/tokenizer_json.h"

#include <inttypes.h>
#include <string.h>

#include "shard/tokenizer/byte_alphabet.h"

enum err tokenizer_json_parse(struct span text, const char *name, json_t **out)
{
    json_error_t error;
    json_t *json =
        json_loadb((const char *)text.data, text.n_bytes, JSON_REJECT_DUPLICATES, &error);
    if (json == NULL)
        return fail(ERR_DATA, "%s:%d:%d: %s", name, error.line, error.column, error.text);
    if (!json_is_object(json)) {
        json_decref(json);
        return fail(ERR_DATA, "%s: not a JSON object", name);
    }
    *out = json;
    return OK;
}

bool tokenizer_json_is(const json_t *value, const char *text)
{
    return json_is_string(value) && strcmp(json_string_value(value), text) == 0;
}

static bool span_is(struct span a, const char *text)
{
    return a.n_bytes == strlen(text) && memcmp(a.data, text, a.n_bytes) == 0;
}

// What a token of the file stands for: in GPT-2's alphabet, or with U+2581 for spaces.
static enum err token_decode(const struct tokenizer_draft *d, struct span text,
                             struct arena *scratch, struct span *out)
{
    if (!d->pipeline.characters) return byte_alphabet_decode(text, scratch, out);
    *out = tokenizer_spaces(text, scratch);
    return OK;
}

static enum err vocabulary_token(struct tokenizer_draft *d, const char *key, const json_t *value,
                                 struct arena *scratch)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return fail(ERR_DATA, "%s: the id of '%.40s' is not a number from 0", d->name, key);
    uint64_t id = (uint64_t)json_integer_value(value);
    struct span text = {(const uint8_t *)key, strlen(key)}, bytes;
    const struct span_entry *special = span_table_find(&d->specials, text);
    if (special != NULL && special->value == id) return OK;
    if (special != NULL)
        return fail(ERR_DATA, "%s: '%.40s' has the ids %" PRIu64 " and %" PRIu64, d->name, key,
                    special->value, id);
    if (span_is(text, TOKENIZER_END_OF_TEXT))
        return tokenizer_draft_token(d, id, text, TOKENIZER_SPECIAL);
    int number = d->pipeline.characters ? tokenizer_byte_of(text) : -1;
    uint8_t byte = (uint8_t)number;
    if (number >= 0) return tokenizer_draft_token(d, id, (struct span){&byte, 1}, TOKENIZER_BYTE);
    enum err e = token_decode(d, text, scratch, &bytes);
    if (e != OK) return fail_at(e, "%s: token '%.40s'", d->name, key);
    return tokenizer_draft_token(d, id, bytes, TOKENIZER_TEXT);
}

enum err tokenizer_json_vocabulary(struct tokenizer_draft *d, json_t *vocabulary)
{
    struct arena scratch;
    arena_init(&scratch, "vocabulary");
    enum err e = OK;
    const char *key;
    json_t *value;
    json_object_foreach(vocabulary, key, value)
    {
        e = vocabulary_token(d, key, value, &scratch);
        if (e != OK) break;
    }
    arena_fini(&scratch);
    return e;
}

enum err tokenizer_json_merge(struct tokenizer_draft *d, struct span left, struct span right)
{
    struct arena scratch;
    arena_init(&scratch, "merge");
    struct span left_bytes = {0}, right_bytes = {0};
    enum err e = token_decode(d, left, &scratch, &left_bytes);
    if (e == OK) e = token_decode(d, right, &scratch, &right_bytes);
    if (e != OK)
        e = fail_at(e, "%s: merge %zu", d->name, d->bpe.n_merges);
    else
        e = tokenizer_draft_merge(d, left_bytes, right_bytes);
    arena_fini(&scratch);
    return e;
}

enum err tokenizer_json_merge_line(struct tokenizer_draft *d, struct span line)
{
    const uint8_t *space = memchr(line.data, ' ', line.n_bytes);
    if (space == NULL || space == line.data || space + 1 == line.data + line.n_bytes)
        return fail(ERR_DATA, "%s: merge %zu is not two tokens with a space between", d->name,
                    d->bpe.n_merges);
    size_t n_left = (size_t)(space - line.data);
    return tokenizer_json_merge(d, (struct span){line.data, n_left},
                                (struct span){space + 1, line.n_bytes - n_left - 1});
}
