#pragma once
// A file that is written piece by piece and appears under its name when it is complete.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct export_file {
    const char *path, *partial;
    int fd; // -1 = not open
    uint8_t *buffer;
    size_t n_buffered;
    uint64_t n_bytes; // written, buffered ones included
};

/// Creates path.partial; names and buffer live in a. Errors: ERR_USAGE (path exists), ERR_IO.
enum err export_file_open(struct export_file *f, const char *path, struct arena *a) MUST_CHECK;
/// Appends. Errors: ERR_IO.
enum err export_file_put(struct export_file *f, const void *data, size_t n) MUST_CHECK;
/// Appends little-endian numbers. Errors: ERR_IO.
enum err export_file_put_u8(struct export_file *f, uint8_t value) MUST_CHECK;
enum err export_file_put_u16(struct export_file *f, uint16_t value) MUST_CHECK;
enum err export_file_put_u32(struct export_file *f, uint32_t value) MUST_CHECK;
enum err export_file_put_u64(struct export_file *f, uint64_t value) MUST_CHECK;
/// Overwrites n bytes at offset, which were appended before. Errors: ERR_IO.
enum err export_file_patch(struct export_file *f, uint64_t offset, const void *data,
                           size_t n) MUST_CHECK;
/// Flushes, syncs and renames. Errors: ERR_IO.
enum err export_file_commit(struct export_file *f) MUST_CHECK;
/// Removes what was not committed; of a zeroed or committed one nothing. Can't fail.
void export_file_drop(struct export_file *f);
