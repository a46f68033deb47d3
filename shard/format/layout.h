#pragma once
// The parts of a shard file around its frames (docs/SHARD_FORMAT.md): header, directory, footer, as
// bytes and as structs. Pure: no file is touched here.
//
//     | header 64 | frames of column 0 | frames of column 1 | ... | directory | footer 64 |

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"
#include "shard/format/column.h"
#include "shard/format/frame.h"

enum {
    LAYOUT_VERSION = 1,
    LAYOUT_HEADER_BYTES = 64,
    LAYOUT_FOOTER_BYTES = 64,
    LAYOUT_DIRECTORY_LIMIT = 64 << 20, // bytes, checked before allocation
};

struct layout_column {
    char name[COLUMN_NAME_LIMIT];
    uint8_t type;  // enum column_type, or a code of the future
    uint8_t codec; // enum frame_codec, or a code of the future
    uint64_t n_elems;
    uint64_t raw_bytes, stored_bytes; // sums over frames
    uint32_t n_frames;
    struct frame *frames;
};

struct layout {
    struct hash128 file_id;
    uint64_t file_bytes;
    uint64_t directory_offset;
    uint32_t directory_bytes, directory_crc;
    uint32_t n_columns;
    struct layout_column *columns;
};

/// Writes the header of l. Can't fail.
void layout_encode_header(const struct layout *l, uint8_t out[LAYOUT_HEADER_BYTES]);
/// Reads file_id and file_bytes and checks everything else. Errors: ERR_DATA (not a shard, or a
/// version from the future), ERR_CORRUPT.
enum err layout_decode_header(const uint8_t in[LAYOUT_HEADER_BYTES], struct layout *l) MUST_CHECK;

/// Bytes of l's directory. Can't fail.
uint64_t layout_directory_bytes(const struct layout *l);
/// Writes the directory (layout_directory_bytes). Can't fail.
void layout_encode_directory(const struct layout *l, uint8_t *out);
/// Reads columns and frames into a, with offsets; l holds what header and footer said. Checks
/// checksum, names, sizes and that the frames fill the file exactly. Errors: ERR_CORRUPT.
enum err layout_decode_directory(struct span in, struct arena *a, struct layout *l) MUST_CHECK;

/// Checksum of the directory under its file's id. Can't fail.
uint32_t layout_directory_crc(struct hash128 file_id, struct span directory);

/// Writes the footer of l. Can't fail.
void layout_encode_footer(const struct layout *l, uint8_t out[LAYOUT_FOOTER_BYTES]);
/// Reads the directory's place; l holds what the header said. Errors: ERR_CORRUPT.
enum err layout_decode_footer(const uint8_t in[LAYOUT_FOOTER_BYTES], struct layout *l) MUST_CHECK;

/// The index of the column of that name, or n_columns. Can't fail.
uint32_t layout_find(const struct layout *l, const char *name);
