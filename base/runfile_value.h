#pragma once
// One value of a run file: text to field and back, by the key's row.

#include "base/arena.h"
#include "base/err.h"
#include "base/runfile.h"
#include "base/runfile_entry.h"

/// Stores text into field (of the row's type). Texts are borrowed.
/// Errors: ERR_CONFIG "'path' must be ...", to be prefixed by the place.
enum err runfile_value_parse(const struct runfile_key *key, const char *path, const char *text,
                             enum runfile_style style, struct arena *a, void *field) MUST_CHECK;
/// The field as text (for texts: without quotes), in a.
const char *runfile_value_text(const struct runfile_key *key, const void *field, struct arena *a);
/// As runfile_value_text, as it stands in YAML.
const char *runfile_value_yaml(const struct runfile_key *key, const void *field, struct arena *a);
/// What the key takes: "a whole number from 1 to 1000".
const char *runfile_value_expected(const struct runfile_key *key, struct arena *a);
