#pragma once
// The codings of HTTP bodies, undone in memory. A row of http_coding.c is a coding.

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum http_coding { HTTP_GZIP, HTTP_ZLIB, HTTP_DEFLATE, HTTP_BROTLI, HTTP_ZSTD, HTTP_CODINGS };

/// What body unpacks to, in a; as far as it goes if it is cut short. *whole: the stream came to its
/// end, and body with it. Memory beside a is the coding's window: 32 KiB, of brotli 16 MiB, of zstd
/// 8 MiB. Local. Thread-safe. Errors: ERR_DATA (damaged, more than limit_bytes), ERR_MEMORY.
enum err http_coding_undo(enum http_coding coding, struct span body, size_t limit_bytes,
                          struct arena *a, struct span *out, bool *whole) MUST_CHECK;
