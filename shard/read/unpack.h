#pragma once
// The bytes of a file, as they stand or decompressed (gzip of any number of members, zstd of any
// number of frames; told by the first bytes, not by the name), seen through a window that its
// reader moves. Memory is what the reader leaves in the window, plus a few MiB (zstd: its own
// window, at most 128 MiB).
//
//     TRY(unpack_open(path, &s));
//     while (!unpack_ended(s)) {
//         TRY(unpack_fill(s));
//         struct span window = unpack_window(s);
//         ... unpack_take(s, n);
//     }
//     unpack_close(s);

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

struct unpack;
struct input_piece;

/// Borrows path. Errors: ERR_IO ERR_MEMORY.
enum err unpack_open(const char *path, struct unpack **out) MUST_CHECK;
/// That piece of the file, or all of it; a packed piece need not begin with a member when
/// unpack_resync comes first. Offsets go on over pieces. Errors: as above; ERR_IO too when the file
/// is shorter than the piece.
enum err unpack_open_piece(const char *path, const struct input_piece *piece,
                           struct unpack **out) MUST_CHECK;
/// NULL is fine. Can't fail.
void unpack_close(struct unpack *s);
/// What is read and not yet taken; valid until the next fill. Can't fail.
struct span unpack_window(const struct unpack *s);
/// The first n bytes of the window are done with. Can't fail.
void unpack_take(struct unpack *s, size_t n);
/// Takes the whole window. Can't fail.
void unpack_take_all(struct unpack *s);
/// Appends bytes to the window; none when the file is at its end. Errors: ERR_IO ERR_MEMORY;
/// ERR_DATA where compressed data are damaged: then unpack_resync.
enum err unpack_fill(struct unpack *s) MUST_CHECK;
/// True when nothing follows the window. Can't fail.
bool unpack_ended(const struct unpack *s);
/// True when what the last fill appended is the beginning of a member or frame. Can't fail.
bool unpack_member_began(const struct unpack *s);
/// Drops the window and the damaged member, and goes on at the next; *lost_bytes of the file are
/// skipped. Errors: ERR_IO ERR_MEMORY.
enum err unpack_resync(struct unpack *s, uint64_t *lost_bytes) MUST_CHECK;
/// Bytes taken so far, decompressed. Can't fail.
uint64_t unpack_offset(const struct unpack *s);
/// Where in the file stands what is not yet decompressed. Can't fail.
uint64_t unpack_place(const struct unpack *s);
/// Most bytes that may follow the window's begin: exact for a plain file, by deflate's largest
/// ratio for gzip, UINT64_MAX for zstd. Can't fail.
uint64_t unpack_rest(const struct unpack *s);
/// Whether a member was too large to be decompressed at once: then it depends on where reading
/// began how the window grew. Can't fail.
bool unpack_streamed(const struct unpack *s);
/// Whether the file is compressed. Can't fail.
bool unpack_packed(const struct unpack *s);
