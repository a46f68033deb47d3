// Chats: {"messages": [{"role", "content"}]} or {"conversations": [{"from", "value"}]}, or either
// list with the other's words; a text "system" beside the list is its first turn. As text:
//
//     <|user|>
//     What is a weft?
//     <|end|>
//     <|assistant|>
//     The thread that goes across.
//     <|end|>
//
// A marker stands on a line of its own. Only what the assistant writes is a target: its content and
// the end of its turn, not the marker that begins it, and not a turn of "weight" 0. A turn that
// calls tools is refused: how a call is written is the model's own. Beside the list may stand an
// "image" or "images", each of which has its place where the text says <image>.

#include <string.h>

#include "shard/read/json_shape.h"

// Names of roles in the wild and the marker that stands for each.
static const struct {
    const char *name, *marker;
    bool loss;
} ROLES[] = {
    {"system", "<|system|>\n", false},      {"developer", "<|system|>\n", false},
    {"user", "<|user|>\n", false},          {"human", "<|user|>\n", false},
    {"assistant", "<|assistant|>\n", true}, {"gpt", "<|assistant|>\n", true},
    {"model", "<|assistant|>\n", true},     {"chatgpt", "<|assistant|>\n", true},
    {"tool", "<|tool|>\n", false},          {"function", "<|tool|>\n", false},
    {"observation", "<|tool|>\n", false},   {"function_response", "<|tool|>\n", false},
};
enum { N_ROLES = sizeof ROLES / sizeof ROLES[0] };

static const char END[] = "\n<|end|>\n", PLACE[] = "<image>";
enum { PLACE_BYTES = sizeof PLACE - 1 };

struct chat {
    const struct json_source *source;
    const json_t *images; // a list, or one, or NULL
    size_t n_images, n_placed;
};

bool json_chat_matches(const struct json_source *s)
{
    return json_object_get(s->root, "messages") || json_object_get(s->root, "conversations");
}

static enum err find_role(const char *name, size_t *out)
{
    if (!name) return fail(ERR_DATA, "a message without a role");
    for (size_t i = 0; i < N_ROLES; i++) {
        *out = i;
        if (strcmp(name, ROLES[i].name) == 0) return OK;
    }
    return fail(ERR_DATA, "a message of unknown role '%s'", name);
}

// What stands under one of two names, or NULL.
static const json_t *either(const json_t *object, const char *name, const char *other)
{
    const json_t *value = json_object_get(object, name);
    return value ? value : json_object_get(object, other);
}

static struct chat chat_of(const struct json_source *s)
{
    struct chat c = {.source = s, .images = either(s->root, "images", "image")};
    c.n_images = json_is_string(c.images) ? 1 : json_array_size(c.images);
    return c;
}

static enum err add_image(struct chat *c)
{
    if (c->n_placed == c->n_images)
        return fail(ERR_DATA, "more %s than the %zu images of the chat", PLACE, c->n_images);
    const bool one = json_is_string(c->images);
    return json_shape_image(c->source, one ? c->images : json_array_get(c->images, c->n_placed));
}

// Text, and images in the places that it has for them.
static enum err add_text(struct chat *c, const json_t *content, bool loss)
{
    struct piece_list *pieces = c->source->pieces;
    struct span rest = json_shape_string(c->source, content);
    for (const uint8_t *place; c->n_images && rest.n_bytes; c->n_placed++) {
        place = memmem(rest.data, rest.n_bytes, PLACE, PLACE_BYTES);
        if (!place) break;
        const size_t n = (size_t)(place - rest.data);
        piece_list_add(pieces, DOCUMENT_TEXT, loss, (struct span){rest.data, n});
        TRY(add_image(c));
        rest = (struct span){place + PLACE_BYTES, rest.n_bytes - n - PLACE_BYTES};
    }
    piece_list_add(pieces, DOCUMENT_TEXT, loss, rest);
    return OK;
}

static enum err read_turn(struct chat *c, const char *role_name, const json_t *content,
                          bool trained)
{
    const struct json_source *s = c->source;
    size_t role;
    TRY(find_role(role_name, &role));
    const bool loss = trained && ROLES[role].loss;
    piece_list_add(s->pieces, DOCUMENT_TEXT, false, json_shape_literal(ROLES[role].marker));
    if (json_is_string(content))
        TRY(add_text(c, content, loss));
    else if (json_is_array(content))
        TRY(json_shape_parts(s, content, loss));
    else
        return fail(ERR_DATA, "a message whose content is neither text nor parts");
    piece_list_add(s->pieces, DOCUMENT_TEXT, loss, json_shape_literal(END));
    return OK;
}

static enum err read_message(struct chat *c, const json_t *message)
{
    const json_t *calls = either(message, "tool_calls", "function_call");
    if (json_array_size(calls) || json_is_object(calls))
        return fail(ERR_DATA, "a message that calls tools, which is not read");
    const json_t *weight = json_object_get(message, "weight");
    const bool trained = !json_is_number(weight) || json_number_value(weight) > 0;
    return read_turn(c, json_string_value(either(message, "role", "from")),
                     either(message, "content", "value"), trained);
}

enum err json_chat_read(const struct json_source *s)
{
    const json_t *messages = either(s->root, "messages", "conversations");
    const json_t *system = json_object_get(s->root, "system");
    if (!json_is_array(messages)) return fail(ERR_DATA, "a chat that is not a list of messages");
    struct chat c = chat_of(s);
    if (json_string_length(system)) TRY(read_turn(&c, "system", system, true));
    for (size_t i = 0; i < json_array_size(messages); i++)
        TRY(read_message(&c, json_array_get(messages, i)));
    if (c.n_placed < c.n_images)
        return fail(ERR_DATA, "%zu images of the chat and %zu %s in its text", c.n_images,
                    c.n_placed, PLACE);
    return OK;
}
