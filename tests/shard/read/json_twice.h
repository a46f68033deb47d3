#pragma once
// A line of JSONL through both readers: what simdjson takes as a plain line, jansson takes, and
// finds the same in it.

#include <string.h>

#include "shard/read/json_line.h"
#include "shard/read/reader_jsonl.h"

static inline bool json_twice_same(struct span x, struct span y)
{
    return x.n_bytes == y.n_bytes && (x.n_bytes == 0 || memcmp(x.data, y.data, x.n_bytes) == 0);
}

/// False when they differ; *plain says whether the line was plain.
static inline bool json_twice_agree(struct span bytes, struct arena *a, bool *plain)
{
    static const struct input_file file = {.path = "twice/lines.jsonl", .source = "lines.jsonl"};
    const struct reader_record record = {.file = &file, .raw = bytes, .number = 1};
    struct json_line line;
    struct document document = {0};
    *plain = json_line_read(bytes, a, &line);
    const enum err e = reader_jsonl_parse(&record, a, &document);
    if (!*plain) return true;
    const struct span text = document.n_pieces ? document.pieces[0].bytes : (struct span){0};
    return e == OK && document.n_pieces <= 1 && json_twice_same(text, line.text) &&
           json_twice_same(document.id, line.id) && json_twice_same(document.url, line.url);
}
