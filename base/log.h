#pragma once
// Lines for people. Lower case, rank and step first, `name value`. Results go to stdout through
// printf; what happens meanwhile goes here.

#include <stdbool.h>

/// One line to stderr, prefixed "weft: ", in one write. Thread-safe. Can't fail.
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// When stdout and stderr are terminals: shows the line in place of the last progress line.
/// Elsewhere (in a file, under mpirun) it is a log_line every 30 s (WEFT_PROGRESS_S; 0 is each).
/// Thread-safe. Can't fail.
void log_progress(const char *format, ...) __attribute__((format(printf, 1, 2)));
/// Clears the progress line, before something is printed to stdout. Thread-safe. Can't fail.
void log_progress_end(void);
