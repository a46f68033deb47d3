#include "shard/read/reader_jsonl.h"

#include <math.h>
#include <string.h>

#include "shard/read/json_line.h"
#include "shard/read/json_shape.h"
#include "shard/read/reader_kind.h"

const char *reader_jsonl_separator(const struct reader_options *options)
{
    (void)options;
    return "\n";
}

// Lines that are not blank.
enum err reader_jsonl_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    for (;;) {
        struct span line;
        TRY(reader_piece(r, "\n", &line));
        if (r->ended) return OK;
        r->number++;
        if (r->number == 1) line = reader_without_mark(line);
        if (reader_blank(line)) continue;
        *out = reader_record_of(r, line, a);
        return OK;
    }
}

// Also a real that is one: so load reads all numbers of a line that has a very large one.
static bool is_integer(const json_t *value)
{
    const double real = json_real_value(value);
    return json_is_integer(value) ||
           (json_is_real(value) && fabs(real) <= (double)JSON_LINE_REAL_INTEGER &&
            real == trunc(real));
}

static struct span integer_text(const json_t *value, struct arena *a)
{
    const long long n =
        json_is_integer(value) ? json_integer_value(value) : (long long)json_real_value(value);
    return json_shape_literal(arena_printf(a, "%lld", n));
}

static enum err take_id(const struct json_source *s, struct document *out)
{
    const json_t *id = json_object_get(s->root, "id");
    if (json_is_string(id))
        out->id = json_shape_string(s, id);
    else if (is_integer(id))
        out->id = integer_text(id, s->pieces->arena);
    else if (id && !json_is_null(id))
        return fail(ERR_DATA, "\"id\" is neither a string nor an integer");
    const json_t *url = json_object_get(s->root, "url");
    if (json_is_string(url)) out->url = json_shape_string(s, url);
    return OK;
}

static enum err take_fields(const struct json_source *s, struct document *out)
{
    if (!json_is_object(s->root)) return fail(ERR_DATA, "not a JSON object");
    const struct json_shape *shape = json_shape_find(s);
    if (!shape) return fail(ERR_DATA, "no \"text\" in the object, nor another shape of document");
    TRY(take_id(s, out));
    TRY(shape->read(s));
    piece_list_end(s->pieces, out);
    return OK;
}

// jansson takes some 50 bytes for a value, so a line of nothing but values would take 25 times its
// size.
static bool too_many_values(struct span bytes)
{
    enum { VALUES_LIMIT = 4 << 20 };
    size_t n = 0;
    bool string = false;
    for (size_t i = 0; i < bytes.n_bytes; i++) {
        const uint8_t c = bytes.data[i];
        if (c == '"') string = !string;
        if (string && c == '\\') i++;
        n += !string && (c == ',' || c == '[' || c == '{');
    }
    return n > VALUES_LIMIT;
}

enum err reader_jsonl_load(struct span bytes, json_t **out)
{
    enum { FLAGS = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL };
    json_error_t error;
    const char *text = (const char *)bytes.data;
    if (too_many_values(bytes)) return fail(ERR_DATA, "more than 4 Mi values");
    json_t *root = json_loadb(text, bytes.n_bytes, FLAGS, &error);
    // Whole numbers beyond 63 bits, as hashes are, stand in fields that nobody reads.
    if (!root && json_error_code(&error) == json_error_numeric_overflow)
        root = json_loadb(text, bytes.n_bytes, FLAGS | JSON_DECODE_INT_AS_REAL, &error);
    if (!root) return fail(ERR_DATA, "column %d: %s", error.column, error.text);
    *out = root;
    return OK;
}

enum err reader_jsonl_parse(const struct reader_record *record, struct arena *a,
                            struct document *out)
{
    json_t *root;
    TRY(reader_jsonl_load(record->raw, &root));
    struct piece_list pieces = {.arena = a};
    const struct json_source source = {.record = record, .root = root, .pieces = &pieces};
    const enum err e = take_fields(&source, out);
    json_decref(root);
    return e;
}

static enum err take_sample(const struct json_source *s, struct document *out)
{
    if (!json_is_object(s->root)) return fail(ERR_DATA, "not a JSON object");
    const struct json_shape *shape = json_shape_find(s);
    const json_t *caption = json_object_get(s->root, "caption");
    TRY(take_id(s, out));
    const bool places = shape && shape->places_images, images = s->pieces->n_pieces > 0;
    if (places) s->pieces->n_pieces = s->pieces->image_bytes = 0;
    if (shape) TRY(shape->read(s));
    if (places && images && s->pieces->image_bytes == 0)
        return fail(ERR_DATA, "the sample's JSON has no place for its images");
    if (!shape && json_is_string(caption))
        piece_list_add(s->pieces, DOCUMENT_TEXT, true, json_shape_string(s, caption));
    piece_list_end(s->pieces, out);
    return OK;
}

enum err reader_jsonl_sample(struct span json, const struct json_source *sample,
                             struct document *out)
{
    json_t *root;
    TRY(reader_jsonl_load(json, &root));
    struct json_source source = *sample;
    source.root = root;
    const enum err e = take_sample(&source, out);
    json_decref(root);
    return e;
}

static bool read_plain(const struct reader_record *record, struct arena *a, struct document *out)
{
    struct json_line line;
    if (!json_line_read(record->raw, a, &line)) return false;
    struct piece_list pieces = {.arena = a};
    piece_list_add(&pieces, DOCUMENT_TEXT, true, line.text);
    piece_list_end(&pieces, out);
    out->id = line.id;
    out->url = line.url;
    return true;
}

enum err reader_json_document(const struct reader_record *record, struct arena *a,
                              struct document *out)
{
    if (read_plain(record, a, out)) return OK;
    const enum err e = reader_jsonl_parse(record, a, out);
    return e == OK ? OK : reader_fail_at(record, e);
}

enum err reader_json_trajectory(const struct reader_record *record, struct arena *a,
                                struct trajectory *out)
{
    json_t *root;
    TRY(reader_jsonl_load(record->raw, &root));
    struct piece_list pieces = {.arena = a};
    const struct json_source source = {.record = record, .root = root, .pieces = &pieces};
    enum err e;
    if (json_trajectory_matches(&source))
        e = json_trajectory_take(&source, out);
    else
        e = fail(ERR_DATA, "no list \"steps\" in the object");
    json_decref(root);
    return e;
}
