#pragma once
// A spill file: bytes that do not fit in memory, appended and read back by this process alone. It
// loses its name as soon as it is open, so it is gone however the process ends.

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum { SPILL_PATH_BYTES = 1024 };

struct spill {
    int write_fd, read_fd; // -1 while there is no file
    uint64_t n_bytes;
    char path[SPILL_PATH_BYTES]; // for error lines
};

/// No file yet. Can't fail.
void spill_begin(struct spill *s);
/// Creates the file in folder, which exists; name is the front of its short-lived name. Local.
/// Errors: ERR_IO.
enum err spill_open(struct spill *s, const char *folder, const char *name) MUST_CHECK;
/// Appends data. Local. Errors: ERR_IO (disk full says so).
enum err spill_append(struct spill *s, const void *data, size_t n_bytes) MUST_CHECK;
/// Exactly n_bytes from offset. Local. Errors: ERR_IO, ERR_DATA (end of file).
enum err spill_read(const struct spill *s, void *out, size_t n_bytes, uint64_t offset) MUST_CHECK;
/// Gives the disk space back; may be opened again. Can't fail.
void spill_close(struct spill *s);
