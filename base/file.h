#pragma once
// Files: whole reads with a limit, whole writes, atomic replace, fsync of folders. Short reads and
// writes and EINTR are handled here and nowhere else. Every syscall that can fail passes a named
// fault site (base/fault.h) so that tests can make it fail.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

/// The whole file into arena a (NUL added after the end). Errors: ERR_IO (missing: says so),
/// ERR_DATA when larger than limit_bytes.
enum err file_read(const char *path, size_t limit_bytes, struct arena *a,
                   struct span *out) MUST_CHECK;
/// Opens for reading. Errors: ERR_IO naming path.
enum err file_open_read(const char *path, int *fd) MUST_CHECK;
/// Creates anew for writing (O_EXCL, 0644); fails if it exists.
enum err file_create(const char *path, int *fd) MUST_CHECK;
/// Exactly n_bytes at offset. Errors: ERR_IO; ERR_DATA at end of file. path is for the message.
enum err file_pread(int fd, const char *path, void *out, size_t n_bytes,
                    uint64_t offset) MUST_CHECK;
/// All of data at the file position. Errors: ERR_IO (disk full says so).
enum err file_write(int fd, const char *path, const void *data, size_t n_bytes) MUST_CHECK;
enum err file_fsync(int fd, const char *path) MUST_CHECK;
/// Closes and reports what close reports; fd is gone either way.
enum err file_close(int fd, const char *path) MUST_CHECK;
enum err file_size(int fd, const char *path, uint64_t *n_bytes) MUST_CHECK;
/// fsync of the folder itself, so that renames and creations in it survive a power cut.
enum err file_fsync_folder(const char *folder) MUST_CHECK;
enum err file_rename(const char *from, const char *to) MUST_CHECK;
/// Replaces path by data or leaves it as it was: temp file beside it, fsync, rename, folder fsync.
enum err file_replace(const char *path, const void *data, size_t n_bytes) MUST_CHECK;
/// mkdir -p; an existing folder is fine.
enum err file_make_folders(const char *path) MUST_CHECK;
/// rm -rf of path if there; never follows links out of it.
enum err file_remove_tree(const char *path) MUST_CHECK;
bool file_exists(const char *path);
bool file_is_folder(const char *path);
bool file_is_socket(const char *path);

struct file_list {
    char **names; // sorted bytewise, in the arena
    size_t n_names;
};
/// Names (not paths) in folder, without . and .., sorted. Errors: ERR_IO.
enum err file_list(const char *folder, struct arena *a, struct file_list *out) MUST_CHECK;
