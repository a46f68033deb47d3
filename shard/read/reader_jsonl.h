#pragma once
// A JSON object as a document. What it holds tells its shape (shard/read/json_shape.c): text, a
// chat, an interleaved page, a captioned image, a trajectory.

#include "shard/read/json_shape.h"

/// What a line says, to be given up by json_decref. Whole numbers are reals in a line that has one
/// beyond 63 bits. Errors: ERR_DATA: not JSON, a key twice, too many values.
enum err reader_jsonl_load(struct span bytes, json_t **out) MUST_CHECK;

/// The document in the object that record holds, in a. Errors: ERR_DATA: not JSON (which is UTF-8
/// without lone surrogates), a key twice, no known shape, a wrong type.
enum err reader_jsonl_parse(const struct reader_record *record, struct arena *a,
                            struct document *out) MUST_CHECK;

/// The document in a sample's JSON member. Pieces hold the sample's images: text or "caption" goes
/// behind them; an object that places images itself replaces them, and find_image finds those.
/// Errors: as above.
enum err reader_jsonl_sample(struct span json, const struct json_source *sample,
                             struct document *out) MUST_CHECK;
