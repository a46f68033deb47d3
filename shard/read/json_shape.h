#pragma once
// The shapes of documents as JSON objects: a row a shape, the first whose keys are there counts.
// For shard/read's readers of JSON alone.

#include <jansson.h>

#include "shard/read/piece_list.h"
#include "shard/read/reader.h"
#include "shard/read/trajectory.h"

// Finds an image by the name that the object gives it.
typedef enum err (*json_shape_image_fn)(void *context, struct span name, struct span *out);

struct json_source {
    const struct reader_record *record;
    const json_t *root;
    struct piece_list *pieces;
    json_shape_image_fn find_image; // NULL: files below the folder of the record's file
    void *context;
};

typedef bool (*json_shape_match_fn)(const struct json_source *s);
typedef enum err (*json_shape_read_fn)(const struct json_source *s);

struct json_shape {
    const char *name;
    json_shape_match_fn matches;
    json_shape_read_fn read; // appends the pieces
    bool places_images;      // says itself where images stand
};

/// The shape of an object; NULL if none. Can't fail.
const struct json_shape *json_shape_find(const struct json_source *s);
/// A copy of a string's bytes, in the pieces' arena. Can't fail.
struct span json_shape_string(const struct json_source *s, const json_t *string);
/// Text of a literal. Can't fail.
struct span json_shape_literal(const char *text);
/// Appends the image called name. Errors: ERR_DATA ERR_IO.
enum err json_shape_image(const struct json_source *s, const json_t *name) MUST_CHECK;
/// Appends the parts of {"type": "text", "text"} and {"type": "image", "path"}. Errors: ERR_DATA
/// ERR_IO.
enum err json_shape_parts(const struct json_source *s, const json_t *parts, bool loss) MUST_CHECK;

/// Whether the object has that shape's keys. Can't fail.
bool json_chat_matches(const struct json_source *s);
bool json_interleaved_matches(const struct json_source *s);
bool json_trajectory_matches(const struct json_source *s);
/// Appends the pieces of an object of that shape. Errors: ERR_DATA ERR_IO.
enum err json_chat_read(const struct json_source *s) MUST_CHECK;
enum err json_interleaved_read(const struct json_source *s) MUST_CHECK;
enum err json_trajectory_read(const struct json_source *s) MUST_CHECK;
/// The numbers of a trajectory. Errors: ERR_DATA.
enum err json_trajectory_take(const struct json_source *s, struct trajectory *out) MUST_CHECK;
