#include <simdjson.h>

#define _Noreturn [[noreturn]] // err.h is C
extern "C" {
#include "shard/read/json_line.h"
}

using namespace simdjson;

static constexpr size_t KEYS_LIMIT = 64; // of an object; they are compared in pairs
static constexpr int DEPTH_LIMIT = 16;

// Keys of the other shapes (json_shape.c).
static constexpr std::string_view SHAPE_KEYS[] = {"messages", "conversations", "content",  "texts",
                                                  "images",   "steps",         "file_name"};

static bool alike(dom::element value, int depth);

// No key twice, or with a NUL, which jansson refuses.
static bool alike_object(dom::object object, int depth)
{
    std::string_view keys[KEYS_LIMIT];
    size_t n = 0;
    for (const dom::key_value_pair pair : object) {
        if (n == KEYS_LIMIT || pair.key.find('\0') != std::string_view::npos) return false;
        for (size_t i = 0; i < n; i++) {
            if (keys[i] == pair.key) return false;
        }
        keys[n++] = pair.key;
        if (!alike(pair.value, depth + 1)) return false;
    }
    return true;
}

// Whether jansson takes the value, too.
static bool alike(dom::element value, int depth)
{
    if (depth > DEPTH_LIMIT) return false;
    dom::object object;
    dom::array items;
    if (value.get(object) == SUCCESS) return alike_object(object, depth);
    if (value.get(items) != SUCCESS) return true;
    for (const dom::element item : items) {
        if (!alike(item, depth + 1)) return false;
    }
    return true;
}

static span copy(struct arena *a, std::string_view text)
{
    return {reinterpret_cast<const uint8_t *>(arena_strndup(a, text.data(), text.size())),
            text.size()};
}

static bool take_id(dom::element id, struct arena *a, span *out)
{
    std::string_view text;
    int64_t number;
    if (id.is_null()) return true;
    if (id.get(text) == SUCCESS) {
        *out = copy(a, text);
        return true;
    }
    if (id.get(number) != SUCCESS) return false;
    if (number > JSON_LINE_REAL_INTEGER || number < -JSON_LINE_REAL_INTEGER) return false;
    *out = copy(a, std::to_string(number));
    return true;
}

extern "C" bool json_line_read(struct span line, struct arena *a, struct json_line *out)
{
    static thread_local dom::parser parser(JSON_LINE_LIMIT + 1);
    const char *bytes = reinterpret_cast<const char *>(line.data);
    dom::object root;
    dom::element id;
    std::string_view text, url;
    if (line.n_bytes > JSON_LINE_LIMIT || line.n_bytes == 0 || line.data[0] == 0xef) return false;
    if (parser.parse(bytes, line.n_bytes, true).get(root) != SUCCESS) return false;
    for (const std::string_view key : SHAPE_KEYS) {
        if (root.at_key(key).error() == SUCCESS) return false;
    }
    if (root["text"].get(text) != SUCCESS || !alike_object(root, 0)) return false;
    struct json_line found = {};
    if (root["id"].get(id) == SUCCESS && !take_id(id, a, &found.id)) return false;
    if (root["url"].get(url) == SUCCESS) found.url = copy(a, url);
    found.text = copy(a, text);
    *out = found;
    return true;
}
