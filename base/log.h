#pragma once
// Log lines for people (stderr) and records for programs (JSON lines). Lower case, rank and step
// first, `name value`.

#include <stdbool.h>

#include "base/err.h"

/// One line to stderr, prefixed "weft: ". Thread-safe.
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// As log_line, but only when stdout is a terminal: rewrites the last line (\r); elsewhere nothing.
void log_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
