#pragma once
// A line of JSONL: an object with the string "text" and maybe an "id" (string or integer).

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/// Text and id (n_bytes 0 if none), in a. Errors: ERR_DATA: not JSON (which is UTF-8 without lone
/// surrogates), a key twice, no text, or a wrong type.
enum err reader_jsonl_parse(struct span line, struct arena *a, struct span *id,
                            struct span *text) MUST_CHECK;
