#pragma once
// The Mersenne Twister (Matsumoto and Nishimura, 1998) as numpy's RandomState uses it: for values
// that have to be the ones numpy draws. Anything else takes base/rng.h.

#include <stddef.h>
#include <stdint.h>

enum { MT19937_WORDS = 624 };
struct mt19937 {
    uint32_t words[MT19937_WORDS];
    size_t at;
};

/// The state of numpy.random.RandomState(seed). Can't fail.
void mt19937_begin(struct mt19937 *m, uint32_t seed);
/// The next 32 bits. Can't fail.
uint32_t mt19937_next(struct mt19937 *m);
/// What randint(0, limit, dtype=uint64) draws for limit > 2^32: 64 bits, high word first, masked to
/// the bits of limit - 1 and drawn again while too large. Can't fail.
uint64_t mt19937_below(struct mt19937 *m, uint64_t limit);
