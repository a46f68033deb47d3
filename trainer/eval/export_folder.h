#pragma once
// A folder that is written whole or not at all: everything goes to OUT.partial, which is renamed to
// OUT when all of it is on disk.

#include "base/arena.h"
#include "base/err.h"

struct export_folder {
    const char *out, *partial; // paths
};

/// Makes OUT.partial, empty: what a killed export left there goes. Paths live in a. Local. Errors:
/// ERR_USAGE (OUT exists), ERR_IO.
enum err export_folder_begin(struct export_folder *f, const char *out, struct arena *a) MUST_CHECK;
/// A file of it, fsynced.
enum err export_folder_put(const struct export_folder *f, const char *name, const void *data,
                           size_t n_bytes) MUST_CHECK;
/// OUT.partial becomes OUT. Errors: ERR_IO.
enum err export_folder_commit(const struct export_folder *f) MUST_CHECK;
/// Removes OUT.partial if it is there; keeps the error line. Can't fail.
void export_folder_end(const struct export_folder *f);
