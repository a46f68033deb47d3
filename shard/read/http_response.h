#pragma once
// An HTTP/1 response as crawlers store it: status, type and encoding from its head, and the body
// with chunks and compression undone. Crawlers often undo them and leave the header lines, so a
// body that does not look chunked or compressed is taken as it is.

#include <stdbool.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

struct http_response {
    unsigned status;
    struct span media_type, charset; // "text/html", "utf-8"; n_bytes 0 = not said
    struct span encoding;            // Content-Encoding
    bool chunked;
    struct span body; // as stored
};

/// Splits block, which may end anywhere in the body. Borrows block. Errors: ERR_DATA.
enum err http_response_parse(struct span block, struct http_response *out) MUST_CHECK;
/// The body's bytes, in a (or in the block). Errors: ERR_DATA: damaged, or more than
/// limit_bytes.
enum err http_response_body(const struct http_response *response, size_t limit_bytes,
                            struct arena *a, struct span *out) MUST_CHECK;
