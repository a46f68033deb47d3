#pragma once
// A frame: some consecutive elements of one column, compressed alone, so that any part of a column
// can be read without the rest. Its checksum is seeded with the file's id and the frame's position,
// so a frame in another place or from another file does not pass.

#include <stdint.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/span.h"

// One row a codec: name, code on disk.
#define FRAME_CODEC_TABLE(X) \
    X(FRAME_NONE, 0, "none") \
    X(FRAME_ZSTD, 1, "zstd") \
    X(FRAME_LZ4, 2, "lz4")

enum frame_codec {
#define X(name, code, text) name = code,
    FRAME_CODEC_TABLE(X)
#undef X
};

enum {
    FRAME_RAW_LIMIT = 80 << 20, // bytes of a frame before compression, checked before allocation
    FRAME_TARGET_BYTES = 256 << 10, // where the writer cuts
    FRAME_ZSTD_LEVEL = 3
};

struct frame {
    uint32_t stored_bytes; // == raw_bytes: stored plainly, whatever the codec
    uint32_t raw_bytes;
    uint32_t n_elems;
    uint32_t crc;
    uint64_t offset;     // in the file
    uint64_t first_elem; // in the column
};

/// Where a frame belongs.
struct frame_place {
    struct hash128 file_id;
    uint32_t column_idx, frame_idx;
};

/// "zstd"; "unknown" for codes of the future. Can't fail.
const char *frame_codec_name(uint8_t code);
/// Checksum of a frame's stored bytes at its place, its three sizes included. Can't fail.
uint32_t frame_crc(const struct frame_place *place, const struct frame *f, const void *stored);

// Compression state, one a thread; the libraries' contexts are made on first use.
struct frame_context {
    struct ZSTD_CCtx_s *compress;
    struct ZSTD_DCtx_s *decompress;
};
/// Can't fail.
void frame_context_init(struct frame_context *c);
void frame_context_fini(struct frame_context *c);

/// Compresses raw into stored[raw.n_bytes]; *n_stored == raw.n_bytes when it did not shrink (then a
/// plain copy). Errors: ERR_MEMORY.
enum err frame_compress(struct frame_context *c, enum frame_codec codec, struct span raw,
                        uint8_t *stored, uint32_t *n_stored) MUST_CHECK;
/// Decompresses into raw[n_raw], which must come out exactly full. Errors: ERR_CORRUPT (also for an
/// unknown codec code), ERR_MEMORY.
enum err frame_decompress(struct frame_context *c, uint8_t codec, struct span stored, uint8_t *raw,
                          uint32_t n_raw) MUST_CHECK;
