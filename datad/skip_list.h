#pragma once
// A file of documents to leave out, as `weft data blame` writes it; one a line, # begins a comment:
//
//     # dataset                         document  from token (of the run; 0 when missing)
//     0123456789abcdef0123456789abcdef      1234  5242880

#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "datad/edits.h"

enum { SKIP_LIST_LIMIT = 1 << 20, SKIP_LIST_LINE_BYTES = 80 };

/// Reads path; *out[*n] lives in a. Errors: ERR_IO; ERR_CONFIG with the line.
enum err skip_list_read(const char *path, struct arena *a, struct edits_document **out,
                        size_t *n) MUST_CHECK;
/// As skip_list_read, of text (with a NUL behind its end); name stands for the file in messages.
enum err skip_list_parse(struct span text, const char *name, struct arena *a,
                         struct edits_document **out, size_t *n) MUST_CHECK;
/// The line of d, with its newline. Can't fail.
void skip_list_line(const struct edits_document *d, char out[SKIP_LIST_LINE_BYTES]);
