#pragma once
// JSON values as text in an arena; the rest of JSON is jansson's own interface.

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"

/// j, indented, with a newline at the end. Borrows j. Errors: ERR_MEMORY, also for j == NULL (what
/// json_pack gives when it fails).
enum err json_text(const json_t *j, struct arena *a, char **out) MUST_CHECK;
