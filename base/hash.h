#pragma once
// Checksums and hashes. crc32c guards bytes at rest and on the wire; XXH3 names things.

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of data, continuing from crc (0 to begin).
uint32_t hash_crc32c(uint32_t crc, const void *data, size_t n_bytes);
/// The same value without help from the CPU: the reference.
uint32_t hash_crc32c_portable(uint32_t crc, const void *data, size_t n_bytes);
/// XXH3 64 of data with seed.
uint64_t hash_xxh3(const void *data, size_t n_bytes, uint64_t seed);

struct hash128 {
    uint64_t lo, hi;
};
/// XXH3 128 of data.
struct hash128 hash_xxh3_128(const void *data, size_t n_bytes);
/// Of a and b together: XXH3 128 of their halves, low before high, little-endian. Can't fail.
struct hash128 hash_pair(struct hash128 a, struct hash128 b);
/// 32 lower-case hex digits, hi first, and a NUL.
void hash_hex(struct hash128 h, char out[33]);
