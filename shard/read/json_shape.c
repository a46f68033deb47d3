#include "shard/read/json_shape.h"

#include <string.h>

#include "shard/read/image_file.h"

static bool caption_matches(const struct json_source *s)
{
    const char *path = s->record->file->path, *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    return (strcmp(name, "metadata.jsonl") == 0 || strcmp(name, "captions.jsonl") == 0) &&
           json_object_get(s->root, "file_name");
}

static enum err text_read(const struct json_source *s)
{
    const json_t *text = json_object_get(s->root, "text");
    if (!json_is_string(text)) return fail(ERR_DATA, "\"text\" is not a string");
    piece_list_add(s->pieces, DOCUMENT_TEXT, true, json_shape_string(s, text));
    return OK;
}

static enum err caption_read(const struct json_source *s)
{
    TRY(json_shape_image(s, json_object_get(s->root, "file_name")));
    const json_t *text = json_object_get(s->root, "text");
    if (text && !json_is_null(text)) return text_read(s);
    const json_t *caption = json_object_get(s->root, "caption");
    if (json_is_string(caption))
        piece_list_add(s->pieces, DOCUMENT_TEXT, true, json_shape_string(s, caption));
    return OK;
}

static bool text_matches(const struct json_source *s)
{
    return json_object_get(s->root, "text");
}

static const struct json_shape SHAPES[] = {
    {"captioned image", caption_matches, caption_read, true},
    {"chat", json_chat_matches, json_chat_read, true},
    {"interleaved page", json_interleaved_matches, json_interleaved_read, true},
    {"trajectory", json_trajectory_matches, json_trajectory_read, false},
    {"text", text_matches, text_read, false},
};

const struct json_shape *json_shape_find(const struct json_source *s)
{
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        if (SHAPES[i].matches(s)) return &SHAPES[i];
    }
    return NULL;
}

struct span json_shape_string(const struct json_source *s, const json_t *string)
{
    const size_t n = json_string_length(string);
    const char *copy = arena_strndup(s->pieces->arena, json_string_value(string), n);
    return (struct span){(const uint8_t *)copy, n};
}

struct span json_shape_literal(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

enum err json_shape_image(const struct json_source *s, const json_t *name)
{
    if (!json_is_string(name)) return fail(ERR_DATA, "an image's name is not a string");
    const struct span text = {(const uint8_t *)json_string_value(name), json_string_length(name)};
    struct span image;
    if (s->find_image)
        TRY(s->find_image(s->context, text, &image));
    else
        TRY(image_file_read(s->record->file->path, text, s->pieces->arena, &image));
    piece_list_add(s->pieces, DOCUMENT_IMAGE, false, image);
    if (s->pieces->image_bytes > READER_DOCUMENT_LIMIT)
        return fail(ERR_DATA, "images of more than %d MiB in a document",
                    READER_DOCUMENT_LIMIT >> 20);
    return OK;
}

static enum err read_part(const struct json_source *s, const json_t *part, bool loss)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    if (!type) return fail(ERR_DATA, "a part of \"content\" without a \"type\"");
    if (strcmp(type, "image") == 0) return json_shape_image(s, json_object_get(part, "path"));
    if (strcmp(type, "text") != 0) return fail(ERR_DATA, "a part of unknown type '%s'", type);
    const json_t *text = json_object_get(part, "text");
    if (!json_is_string(text)) return fail(ERR_DATA, "a part's \"text\" is not a string");
    piece_list_add(s->pieces, DOCUMENT_TEXT, loss, json_shape_string(s, text));
    return OK;
}

enum err json_shape_parts(const struct json_source *s, const json_t *parts, bool loss)
{
    for (size_t i = 0; i < json_array_size(parts); i++)
        TRY(read_part(s, json_array_get(parts, i), loss));
    return OK;
}
