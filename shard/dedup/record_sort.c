// Radix sort from the most significant byte down, in place ("American flag", McIlroy, Bostic and
// McIlroy, 1993). Each call first finds the highest byte in which its records differ at all, so
// keys that share a long front (documents of few parts) cost nothing for it. At most 8 calls a key
// word deep.

#include "shard/dedup/record_sort.h"

#include <stdbool.h>

#include "base/size.h"

enum { BUCKETS = 256, FEW = 24 };

struct sorting {
    size_t n_words, n_keys;
};

static inline void swap_records(uint64_t *a, uint64_t *b, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++) {
        const uint64_t word = a[i];
        a[i] = b[i];
        b[i] = word;
    }
}

static inline bool is_before(const uint64_t *a, const uint64_t *b, size_t n_keys)
{
    for (size_t i = 0; i < n_keys; i++)
        if (a[i] != b[i]) return a[i] < b[i];
    return false;
}

static void sort_few(struct sorting s, uint64_t *words, size_t n)
{
    for (size_t i = 1; i < n; i++)
        for (size_t j = i; j > 0; j--) {
            uint64_t *at = words + j * s.n_words;
            if (!is_before(at, at - s.n_words, s.n_keys)) break;
            swap_records(at, at - s.n_words, s.n_words);
        }
}

static uint64_t differing_bits(struct sorting s, const uint64_t *words, size_t n, size_t key)
{
    uint64_t bits = 0;
    for (size_t i = 1; i < n; i++)
        bits |= words[i * s.n_words + key] ^ words[key];
    return bits;
}

// ends[b] becomes the end of bucket b; records move to their buckets.
static void partition(struct sorting s, uint64_t *words, size_t n, size_t key, unsigned shift,
                      size_t ends[BUCKETS])
{
    size_t at[BUCKETS] = {0};
    for (size_t i = 0; i < n; i++)
        at[words[i * s.n_words + key] >> shift & 255]++;
    size_t end = 0;
    for (size_t b = 0; b < BUCKETS; b++) {
        const size_t count = at[b];
        at[b] = end;
        ends[b] = end += count;
    }
    for (size_t b = 0; b < BUCKETS; b++)
        while (at[b] < ends[b]) {
            uint64_t *record = words + at[b] * s.n_words;
            const size_t to = record[key] >> shift & 255;
            if (to != b) swap_records(record, words + at[to] * s.n_words, s.n_words);
            at[to]++;
        }
}

static void sort_from(struct sorting s, uint64_t *words, size_t n, size_t key)
{
    if (n <= FEW) {
        sort_few(s, words, n);
        return;
    }
    uint64_t bits = 0;
    while (key < s.n_keys && (bits = differing_bits(s, words, n, key)) == 0)
        key++;
    if (bits == 0) return;
    const unsigned shift = (63 - (unsigned)__builtin_clzll(bits)) & ~7U;
    size_t ends[BUCKETS];
    partition(s, words, n, key, shift, ends);
    size_t first = 0;
    for (size_t b = 0; b < BUCKETS; b++) {
        if (ends[b] - first > 1) sort_from(s, words + first * s.n_words, ends[b] - first, key);
        first = ends[b];
    }
}

void record_sort(uint64_t *words, size_t n_records, size_t n_words, size_t n_keys)
{
    sort_from((struct sorting){n_words, size_min(n_keys, n_words)}, words, n_records, 0);
}
