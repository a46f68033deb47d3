#pragma once
// The inside of an unpack (shard/read/unpack.h), for its codecs alone: the file's bytes in a
// buffer, and the window of decompressed bytes.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/span.h"

enum {
    UNPACK_SOURCE_BYTES = 1 << 20, // of the file at a time
    UNPACK_SOURCE_LIMIT = 4 << 20, // most bytes of the file in memory
    UNPACK_STEP_BYTES = 256 << 10  // decompressed at a time, where a codec can stop anywhere
};

struct unpack_source {
    const char *path;
    int fd;
    uint64_t file_bytes, n_read;
    uint8_t *buffer;
    size_t capacity, first, end; // [first, end) is read and not yet taken
};

struct unpack;

// A row a codec. A damaged stretch leaves the source where decoding stopped.
struct unpack_codec {
    const char *name;
    uint8_t magic[4];
    size_t n_magic;
    bool (*begins)(struct span bytes); // whether a file may begin so, too; NULL = with magic alone
    uint64_t largest_ratio;            // of decompressed to compressed bytes; 0 = unbounded
    enum err (*open)(struct unpack *s);
    // Appends at least a byte of at most one member to the window; nothing = the file is at its
    // end.
    enum err (*fill)(struct unpack *s);
    // Whether a member begins at these bytes; they begin with the magic.
    bool (*plausible)(struct unpack *s, struct span bytes);
    void (*close)(struct unpack *s);
};

struct unpack {
    struct unpack_source source;
    const struct unpack_codec *codec;
    void *state; // the codec's
    uint8_t *window;
    size_t capacity, first, end; // [first, end) is decompressed and not yet taken
    uint64_t taken_bytes;
    bool in_member, member_began, streamed;
    uint64_t n_resyncs;
    uint64_t member_offset; // in the file, of the member that is open or was last
};

extern const struct unpack_codec unpack_gzip, unpack_zstd;

/// At least n bytes (at most UNPACK_SOURCE_LIMIT) of the file in the buffer, or all that are left.
/// Errors: ERR_IO ERR_DATA ERR_MEMORY.
enum err unpack_source_want(struct unpack_source *source, size_t n) MUST_CHECK;
/// The bytes in the buffer. Can't fail.
struct span unpack_source_bytes(const struct unpack_source *source);
/// Where in the file they begin. Can't fail.
uint64_t unpack_source_offset(const struct unpack_source *source);
/// Room for n more bytes behind the window's end. Errors: ERR_MEMORY.
enum err unpack_reserve(struct unpack *s, size_t n) MUST_CHECK;
