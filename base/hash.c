#include "base/hash.h"

#include <immintrin.h>
#include <pthread.h>
#include <string.h>
#include <xxhash.h>

#include "base/little.h"

// CRC-32C by slicing (Kounavis and Berry, 2005): lanes[k][b] is the remainder of byte b followed by
// k zero bytes, so eight bytes cost eight look-ups that do not depend on each other.
enum { LANES = 8 };
static const uint32_t POLYNOMIAL = 0x82f63b78; // reflected
static uint32_t lanes[LANES][256];
static pthread_once_t lanes_once = PTHREAD_ONCE_INIT;

static void lanes_build(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t crc = byte;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? POLYNOMIAL : 0);
        lanes[0][byte] = crc;
    }
    for (uint32_t byte = 0; byte < 256; byte++) {
        for (int k = 1; k < LANES; k++) {
            uint32_t previous = lanes[k - 1][byte];
            lanes[k][byte] = (previous >> 8) ^ lanes[0][previous & 255];
        }
    }
}

uint32_t hash_crc32c_portable(uint32_t crc, const void *data, size_t n_bytes)
{
    pthread_once(&lanes_once, lanes_build);
    const unsigned char *at = data;
    crc = ~crc;
    for (; n_bytes >= LANES; at += LANES, n_bytes -= LANES) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        word ^= crc;
        crc = 0;
        for (int k = 0; k < LANES; k++)
            crc ^= lanes[LANES - 1 - k][(word >> (8 * k)) & 255];
    }
    for (; n_bytes > 0; at++, n_bytes--)
        crc = (crc >> 8) ^ lanes[0][(crc ^ *at) & 255];
    return ~crc;
}

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse42(uint32_t crc, const void *data,
                                                               size_t n_bytes)
{
    const unsigned char *at = data;
    uint64_t wide = (uint32_t)~crc;
    for (; n_bytes >= 8; at += 8, n_bytes -= 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        wide = _mm_crc32_u64(wide, word);
    }
    uint32_t narrow = (uint32_t)wide;
    for (; n_bytes > 0; at++, n_bytes--)
        narrow = _mm_crc32_u8(narrow, *at);
    return ~narrow;
}

uint32_t hash_crc32c(uint32_t crc, const void *data, size_t n_bytes)
{
    if (__builtin_cpu_supports("sse4.2")) return crc32c_sse42(crc, data, n_bytes);
    return hash_crc32c_portable(crc, data, n_bytes);
}

uint64_t hash_xxh3(const void *data, size_t n_bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, n_bytes, seed);
}

struct hash128 hash_xxh3_128(const void *data, size_t n_bytes)
{
    XXH128_hash_t h = XXH3_128bits(data, n_bytes);
    return (struct hash128){.lo = h.low64, .hi = h.high64};
}

static void hex_put(uint64_t word, char out[16])
{
    for (int i = 0; i < 16; i++)
        out[i] = "0123456789abcdef"[(word >> (60 - 4 * i)) & 15];
}

struct hash128 hash_pair(struct hash128 a, struct hash128 b)
{
    uint8_t data[32];
    little_put_u64(data, a.lo);
    little_put_u64(data + 8, a.hi);
    little_put_u64(data + 16, b.lo);
    little_put_u64(data + 24, b.hi);
    return hash_xxh3_128(data, sizeof data);
}

void hash_hex(struct hash128 h, char out[33])
{
    hex_put(h.hi, out);
    hex_put(h.lo, out + 16);
    out[32] = '\0';
}
