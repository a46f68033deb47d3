// Chats: {"messages": [{"role", "content"}]} or {"conversations": [{"from", "value"}]}. As text:
//
//     <|user|>
//     What is a weft?
//     <|end|>
//     <|assistant|>
//     The thread that goes across.
//     <|end|>
//
// A marker stands on a line of its own. Only what the assistant writes is a target: its content and
// the end of its turn, not the marker that begins it.

#include <string.h>

#include "shard/read/json_shape.h"

// Names of roles in the wild and the marker that stands for each.
static const struct {
    const char *name, *marker;
    bool loss;
} ROLES[] = {
    {"system", "<|system|>\n", false},
    {"developer", "<|system|>\n", false},
    {"user", "<|user|>\n", false},
    {"human", "<|user|>\n", false},
    {"assistant", "<|assistant|>\n", true},
    {"gpt", "<|assistant|>\n", true},
    {"model", "<|assistant|>\n", true},
    {"chatgpt", "<|assistant|>\n", true},
    {"tool", "<|tool|>\n", false},
    {"observation", "<|tool|>\n", false},
    {"function_response", "<|tool|>\n", false},
};
enum { N_ROLES = sizeof ROLES / sizeof ROLES[0] };

static const char END[] = "\n<|end|>\n";

static const json_t *turns_of(const struct json_source *s, const char **role, const char **content)
{
    const json_t *messages = json_object_get(s->root, "messages");
    *role = messages ? "role" : "from";
    *content = messages ? "content" : "value";
    return messages ? messages : json_object_get(s->root, "conversations");
}

bool json_chat_matches(const struct json_source *s)
{
    return json_object_get(s->root, "messages") || json_object_get(s->root, "conversations");
}

static enum err find_role(const json_t *name, size_t *out)
{
    const char *text = json_string_value(name);
    if (!text) return fail(ERR_DATA, "a message without a role");
    for (size_t i = 0; i < N_ROLES; i++) {
        *out = i;
        if (strcmp(text, ROLES[i].name) == 0) return OK;
    }
    return fail(ERR_DATA, "a message of unknown role '%s'", text);
}

static enum err read_turn(const struct json_source *s, const json_t *role_name,
                          const json_t *content)
{
    size_t role;
    TRY(find_role(role_name, &role));
    const bool loss = ROLES[role].loss;
    piece_list_add(s->pieces, DOCUMENT_TEXT, false, json_shape_literal(ROLES[role].marker));
    if (json_is_string(content))
        piece_list_add(s->pieces, DOCUMENT_TEXT, loss, json_shape_string(s, content));
    else if (json_is_array(content))
        TRY(json_shape_parts(s, content, loss));
    else
        return fail(ERR_DATA, "a message whose content is neither text nor parts");
    piece_list_add(s->pieces, DOCUMENT_TEXT, loss, json_shape_literal(END));
    return OK;
}

enum err json_chat_read(const struct json_source *s)
{
    const char *role, *content;
    const json_t *turns = turns_of(s, &role, &content);
    if (!json_is_array(turns)) return fail(ERR_DATA, "a chat that is not a list of messages");
    for (size_t i = 0; i < json_array_size(turns); i++) {
        const json_t *turn = json_array_get(turns, i);
        TRY(read_turn(s, json_object_get(turn, role), json_object_get(turn, content)));
    }
    return OK;
}
