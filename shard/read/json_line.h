#pragma once
// The plain line of JSONL, read by simdjson: an object with a string "text" and maybe "id" and
// "url", of no other shape. What it takes, jansson takes too and gives the same; everything else is
// left to jansson, which says what is wrong. It is a tenth of jansson's instructions.

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/span.h"

enum { JSON_LINE_LIMIT = 1 << 20 }; // a thread's parser takes 14 times this
/// A whole number of at most this size is the same as a real; only such ids are plain.
static const int64_t JSON_LINE_REAL_INTEGER = INT64_C(1) << 53;

struct json_line {
    struct span text, id, url; // n_bytes 0 = none
};

/// False when the line is not plain, or not valid; then nothing is written. Results live in a.
/// Thread-safe. Can't fail.
bool json_line_read(struct span line, struct arena *a, struct json_line *out);
