// Pages of text and images in turn: {"content": [{"type": "text", "text"}, {"type": "image",
// "path"}, ...]}, or two lists of one length, "texts" and "images", of which at each place one is
// null. Images are files named relative to the folder of the JSON file.

#include "shard/read/json_shape.h"

bool json_interleaved_matches(const struct json_source *s)
{
    return json_is_array(json_object_get(s->root, "content")) ||
           (json_is_array(json_object_get(s->root, "texts")) &&
            json_is_array(json_object_get(s->root, "images")));
}

enum err json_interleaved_read(const struct json_source *s)
{
    const json_t *content = json_object_get(s->root, "content");
    if (content) return json_shape_parts(s, content, true);
    const json_t *texts = json_object_get(s->root, "texts");
    const json_t *images = json_object_get(s->root, "images");
    if (json_array_size(texts) != json_array_size(images))
        return fail(ERR_DATA, "%zu \"texts\" and %zu \"images\"", json_array_size(texts),
                    json_array_size(images));
    for (size_t i = 0; i < json_array_size(texts); i++) {
        const json_t *text = json_array_get(texts, i), *image = json_array_get(images, i);
        if (json_is_string(image)) TRY(json_shape_image(s, image));
        if (json_is_string(text))
            piece_list_add(s->pieces, DOCUMENT_TEXT, true, json_shape_string(s, text));
        if (!json_is_string(text) && !json_is_string(image))
            return fail(ERR_DATA, "place %zu has neither text nor image", i);
    }
    return OK;
}
