#pragma once
// SHA-1 (FIPS 180-4), only for keys that have to be those of datatrove and CCNet: the first 8 bytes
// of the digest as a little-endian number.

#include <stddef.h>
#include <stdint.h>

/// Of data. Uses the CPU's SHA instructions where it has them. Can't fail.
uint64_t sha1_low64(const void *data, size_t n_bytes);
/// The same value without them: the reference.
uint64_t sha1_low64_portable(const void *data, size_t n_bytes);
