#include "shard/dedup/sha1.h"

#include <cpuid.h>
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

enum { BLOCK_BYTES = 64, LENGTH_BYTES = 8, STATE_WORDS = 5, ROUNDS = 80 };

typedef void (*blocks_fn)(uint32_t state[STATE_WORDS], const uint8_t *data, size_t n_blocks);

static uint32_t rotate(uint32_t x, int n)
{
    return x << n | x >> (32 - n);
}

static uint32_t get_big_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint32_t mix(int round, uint32_t b, uint32_t c, uint32_t d)
{
    if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999U;
    if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1U;
    if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdcU;
    return (b ^ c ^ d) + 0xca62c1d6U;
}

static void one_block(uint32_t state[STATE_WORDS], const uint8_t *data)
{
    uint32_t w[ROUNDS];
    for (int i = 0; i < 16; i++)
        w[i] = get_big_u32(data + 4 * i);
    for (int i = 16; i < ROUNDS; i++)
        w[i] = rotate(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (int i = 0; i < ROUNDS; i++) {
        const uint32_t next = rotate(a, 5) + mix(i, b, c, d) + e + w[i];
        e = d;
        d = c;
        c = rotate(b, 30);
        b = a;
        a = next;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
}

static void blocks_portable(uint32_t state[STATE_WORDS], const uint8_t *data, size_t n_blocks)
{
    for (size_t i = 0; i < n_blocks; i++)
        one_block(state, data + i * BLOCK_BYTES);
}

// Rounds come four at a time; the function of round / 20 is an immediate, hence the macro's switch.
__attribute__((target("sha,sse4.1"))) static inline __m128i four_rounds(__m128i abcd, __m128i e,
                                                                        int round)
{
    switch (round / 20) {
    case 0:
        return _mm_sha1rnds4_epu32(abcd, e, 0);
    case 1:
        return _mm_sha1rnds4_epu32(abcd, e, 1);
    case 2:
        return _mm_sha1rnds4_epu32(abcd, e, 2);
    default:
        return _mm_sha1rnds4_epu32(abcd, e, 3);
    }
}

__attribute__((target("sha,sse4.1"))) static void blocks_sha(uint32_t state[STATE_WORDS],
                                                             const uint8_t *data, size_t n_blocks)
{
    const __m128i big = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128((const void *)state), 0x1b);
    __m128i e = _mm_set_epi32((int)state[4], 0, 0, 0);
    for (size_t block = 0; block < n_blocks; block++, data += BLOCK_BYTES) {
        const __m128i abcd_before = abcd, e_before = e;
        __m128i w[4], previous = abcd;
        for (int i = 0; i < 4; i++)
            w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(data + 16 * i)), big);
#pragma GCC unroll 20
        for (int i = 0; i < ROUNDS / 4; i++) {
            if (i >= 4) {
                const __m128i sums = _mm_sha1msg1_epu32(w[i % 4], w[(i + 1) % 4]);
                w[i % 4] = _mm_sha1msg2_epu32(_mm_xor_si128(sums, w[(i + 2) % 4]), w[(i + 3) % 4]);
            }
            e = i == 0 ? _mm_add_epi32(e, w[0]) : _mm_sha1nexte_epu32(previous, w[i % 4]);
            previous = abcd;
            abcd = four_rounds(abcd, e, 4 * i);
        }
        e = _mm_sha1nexte_epu32(previous, e_before);
        abcd = _mm_add_epi32(abcd, abcd_before);
    }
    _mm_storeu_si128((void *)state, _mm_shuffle_epi32(abcd, 0x1b));
    state[4] = (uint32_t)_mm_extract_epi32(e, 3);
}

static uint64_t low64(blocks_fn blocks, const void *data, size_t n_bytes)
{
    uint32_t state[STATE_WORDS] = {0x67452301U, 0xefcdab89U, 0x98badcfeU, 0x10325476U, 0xc3d2e1f0U};
    const size_t n_whole = n_bytes / BLOCK_BYTES, n_rest = n_bytes % BLOCK_BYTES;
    if (n_whole > 0) blocks(state, data, n_whole);
    uint8_t end[2 * BLOCK_BYTES] = {0};
    if (n_rest > 0) memcpy(end, (const uint8_t *)data + n_whole * BLOCK_BYTES, n_rest);
    end[n_rest] = 0x80;
    const size_t n_end = n_rest < BLOCK_BYTES - LENGTH_BYTES ? 1 : 2;
    const uint64_t n_bits = (uint64_t)n_bytes * 8;
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        end[n_end * BLOCK_BYTES - 1 - i] = (uint8_t)(n_bits >> (8 * i));
    blocks(state, end, n_end);
    return (uint64_t)__builtin_bswap32(state[1]) << 32 | __builtin_bswap32(state[0]);
}

uint64_t sha1_low64_portable(const void *data, size_t n_bytes)
{
    return low64(blocks_portable, data, n_bytes);
}

// CPUID leaf 7, EBX bit 29; neither gcc 12 nor clang 14 names it in __builtin_cpu_supports.
static bool has_sha(void)
{
    static int known; // -1 no, 1 yes; every thread finds the same
    if (known == 0) {
        unsigned a = 0, b = 0, c = 0, d = 0;
        const bool leaf = __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0;
        known = leaf && (b >> 29 & 1) && __builtin_cpu_supports("sse4.1") ? 1 : -1;
    }
    return known > 0;
}

uint64_t sha1_low64(const void *data, size_t n_bytes)
{
    return low64(has_sha() ? blocks_sha : blocks_portable, data, n_bytes);
}
