#include "shard/read/reader_jsonl.h"

#include <jansson.h>
#include <string.h>

static struct span copy(struct arena *a, const char *data, size_t n_bytes)
{
    return (struct span){(const uint8_t *)arena_strndup(a, data, n_bytes), n_bytes};
}

// arena_strndup stops at no NUL: it copies n bytes.
static enum err take_fields(const json_t *root, struct arena *a, struct span *id, struct span *text)
{
    if (!json_is_object(root)) return fail(ERR_DATA, "not a JSON object");
    const json_t *text_value = json_object_get(root, "text");
    const json_t *id_value = json_object_get(root, "id");
    if (!text_value) return fail(ERR_DATA, "no \"text\" in the object");
    if (!json_is_string(text_value)) return fail(ERR_DATA, "\"text\" is not a string");
    if (id_value && !json_is_string(id_value) && !json_is_integer(id_value) &&
        !json_is_null(id_value))
        return fail(ERR_DATA, "\"id\" is neither a string nor an integer");
    *id = (struct span){0};
    if (json_is_string(id_value))
        *id = copy(a, json_string_value(id_value), json_string_length(id_value));
    if (json_is_integer(id_value)) {
        const char *digits = arena_printf(a, "%lld", (long long)json_integer_value(id_value));
        *id = (struct span){(const uint8_t *)digits, strlen(digits)};
    }
    *text = copy(a, json_string_value(text_value), json_string_length(text_value));
    return OK;
}

enum err reader_jsonl_parse(struct span line, struct arena *a, struct span *id, struct span *text)
{
    json_error_t error;
    json_t *root = json_loadb((const char *)line.data, line.n_bytes,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (!root) return fail(ERR_DATA, "column %d: %s", error.column, error.text);
    const enum err e = take_fields(root, a, id, text);
    json_decref(root);
    return e;
}
