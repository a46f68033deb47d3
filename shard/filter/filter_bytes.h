#pragma once
// Counts in bytes, eight at a time: plain C, because compilers at -O2 leave such loops as they are.

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/span.h"

#define FILTER_BYTES_LOW 0x0101010101010101u
#define FILTER_BYTES_HIGH 0x8080808080808080u

static inline uint64_t filter_bytes_load(const uint8_t *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
    return word;
}

// How many of the eight bytes of flags, each 0 or 1, summed over up to 255 such words, are set.
static inline size_t filter_bytes_sum(uint64_t sums)
{
    const uint64_t pairs = (sums & 0x00FF00FF00FF00FFu) + (sums >> 8 & 0x00FF00FF00FF00FFu);
    return (size_t)(pairs * 0x0001000100010001u >> 48);
}

/// How often byte is in text. Can't fail.
static inline size_t filter_bytes_count(struct span text, uint8_t byte)
{
    enum { ROUND = 255 };
    const uint64_t pattern = byte * FILTER_BYTES_LOW;
    size_t n = 0, i = 0;
    while (text.n_bytes - i >= sizeof pattern) {
        uint64_t sums = 0;
        for (int k = 0; k < ROUND && text.n_bytes - i >= sizeof pattern; k++, i += sizeof pattern) {
            const uint64_t x = filter_bytes_load(text.data + i) ^ pattern;
            const uint64_t not_equal = ((x & ~FILTER_BYTES_HIGH) + ~FILTER_BYTES_HIGH) | x;
            sums += ~not_equal >> 7 & FILTER_BYTES_LOW;
        }
        n += filter_bytes_sum(sums);
    }
    for (; i < text.n_bytes; i++)
        n += text.data[i] == byte;
    return n;
}

/// How many bytes of text continue a character (0x80..0xBF). Can't fail.
static inline size_t filter_bytes_count_continuations(struct span text)
{
    enum { ROUND = 255 };
    size_t n = 0, i = 0;
    while (text.n_bytes - i >= sizeof(uint64_t)) {
        uint64_t sums = 0;
        for (int k = 0; k < ROUND && text.n_bytes - i >= sizeof sums; k++, i += sizeof sums) {
            const uint64_t x = filter_bytes_load(text.data + i);
            sums += (x >> 7 & ~(x >> 6)) & FILTER_BYTES_LOW;
        }
        n += filter_bytes_sum(sums);
    }
    for (; i < text.n_bytes; i++)
        n += (text.data[i] & 0xC0) == 0x80;
    return n;
}

/// All bytes of text or'ed: below 0x80 if it is ASCII. Can't fail.
static inline uint8_t filter_bytes_or(struct span text)
{
    uint64_t all = 0;
    size_t i = 0;
    for (; text.n_bytes - i >= sizeof all; i += sizeof all)
        all |= filter_bytes_load(text.data + i);
    for (; i < text.n_bytes; i++)
        all |= text.data[i];
    all |= all >> 32;
    all |= all >> 16;
    return (uint8_t)(all | all >> 8);
}

/// How many bytes of text are ASCII's controls (below 0x20), the newline and tab not counted, as 0
/// or not 0: a byte between 0x0B and 0x1F. text is ASCII. Can't fail.
static inline uint64_t filter_bytes_any_control(struct span text)
{
    uint64_t any = 0;
    size_t i = 0;
    for (; text.n_bytes - i >= sizeof any; i += sizeof any) {
        const uint64_t x = filter_bytes_load(text.data + i);
        const uint64_t below_space = ~(x + 0x60 * FILTER_BYTES_LOW);
        const uint64_t above_newline = x + 0x75 * FILTER_BYTES_LOW;
        any |= below_space & above_newline & FILTER_BYTES_HIGH;
    }
    for (; i < text.n_bytes; i++)
        any |= text.data[i] > 0x0A && text.data[i] < 0x20;
    return any;
}
