#pragma once
// The head of a WARC record or of an HTTP message: a first line, then "Name: value" lines up to an
// empty one. Lines end with \r\n or \n. Continued lines are left out.

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/// Bytes of the head with its empty line; 0 if bytes hold no empty line. Can't fail.
size_t header_fields_end(struct span bytes);
/// Takes the first line off rest, without its end. False when nothing is left. Can't fail.
bool header_fields_line(struct span *rest, struct span *line);
/// The value of the first field called name (in any case), without blanks around; n_bytes 0 if
/// there is none. head begins behind the first line. Can't fail.
struct span header_fields_get(struct span head, const char *name);
/// The same letters, in any case. Can't fail.
bool header_fields_equal(struct span value, const char *text);
/// The word up to ; or , in lower or upper case as it stands. Can't fail.
struct span header_fields_word(struct span value);
/// The parameter of a value like "text/html; charset=utf-8", without quotes. Can't fail.
struct span header_fields_parameter(struct span value, const char *name);
/// A decimal number. False if it is anything else, or larger than UINT64_MAX. Can't fail.
bool header_fields_number(struct span value, uint64_t *out);
