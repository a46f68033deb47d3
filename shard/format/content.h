#pragma once
// The content id of a shard: XXH3-128 over what its columns hold before compression. A shard is
// named by it (layout.file_id), so the same content has the same id under any codec.
//
// Hashed bytes: for each column its type, name length and name, counts of frames and elements as in
// the directory, and for each frame raw_bytes u32, n_elems u32 and XXH3-128 of its raw bytes.

#include <stdint.h>

#include "base/arena.h"
#include "base/hash.h"
#include "shard/format/layout.h"

/// frame_hashes[c][i] is XXH3-128 of the raw bytes of frame i of column c. a is scratch. Can't
/// fail.
struct hash128 content_id(const struct layout *l, struct hash128 *const *frame_hashes,
                          struct arena *a);
