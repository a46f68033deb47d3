#pragma once
// A part file: the pieces that one rank saved. Header, frames, table, footer; every byte is under a
// crc32c (docs/CHECKPOINT_FORMAT.md).
//
//   header 48 bytes | frames of piece 0 | frames of piece 1 | ... | table: 48 bytes a piece |
//   footer 32 bytes
//
// A frame is up to 65,536 f32 of one piece followed by the crc32c of (file id, the frame's offset,
// its bytes): a frame from elsewhere is found out.

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { PART_FRAME_ELEMS = 65536 };

// One component of a run of elements of one tensor, as saved.
struct part_piece {
    uint64_t tensor, first_elem, n_elems;
    uint32_t component;
    const float *data;     // writing: borrowed
    uint64_t offset_bytes; // of its first frame in the file
};

struct part {
    const char *path; // borrowed
    int fd;
    uint64_t id, n_bytes;
    struct part_piece *pieces;
    uint64_t n_pieces;
};

/// Writes, fsyncs and closes path, which must not exist. pieces' offsets are filled in. Errors:
/// ERR_IO; the file is removed then.
enum err part_write(const char *path, uint64_t id, struct part_piece *pieces, uint64_t n_pieces,
                    uint64_t *n_bytes) MUST_CHECK;
/// Opens a part that must have this id and length; reads and checks its header, table and footer.
/// Errors: ERR_IO, ERR_CORRUPT with file and offset.
enum err part_open(struct part *p, const char *path, uint64_t id, uint64_t n_bytes,
                   struct arena *a) MUST_CHECK;
void part_close(struct part *p);
/// Reads elements [first, first + n) of the tensor out of piece, checking every frame it touches.
/// Errors: ERR_IO, ERR_CORRUPT.
enum err part_read(const struct part *p, const struct part_piece *piece, uint64_t first, uint64_t n,
                   float *out) MUST_CHECK;
