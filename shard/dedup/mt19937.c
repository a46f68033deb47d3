#include "shard/dedup/mt19937.h"

#include "base/err.h"

enum { MIDDLE = 397 };

void mt19937_begin(struct mt19937 *m, uint32_t seed)
{
    for (uint32_t i = 0; i < MT19937_WORDS; i++) {
        m->words[i] = seed;
        seed = 1812433253U * (seed ^ seed >> 30) + i + 1;
    }
    m->at = MT19937_WORDS;
}

static void refill(struct mt19937 *m)
{
    for (size_t i = 0; i < MT19937_WORDS; i++) {
        const uint32_t next = m->words[(i + 1) % MT19937_WORDS];
        const uint32_t y = (m->words[i] & 0x80000000U) | (next & 0x7fffffffU);
        const uint32_t far = m->words[(i + MIDDLE) % MT19937_WORDS];
        m->words[i] = far ^ y >> 1 ^ (y & 1 ? 0x9908b0dfU : 0);
    }
    m->at = 0;
}

uint32_t mt19937_next(struct mt19937 *m)
{
    if (m->at == MT19937_WORDS) refill(m);
    uint32_t y = m->words[m->at++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680U;
    y ^= y << 15 & 0xefc60000U;
    return y ^ y >> 18;
}

uint64_t mt19937_below(struct mt19937 *m, uint64_t limit)
{
    ASSERT(limit > (uint64_t)1 << 32);
    const uint64_t mask = UINT64_MAX >> __builtin_clzll(limit - 1);
    for (;;) {
        const uint64_t high = mt19937_next(m);
        const uint64_t value = (high << 32 | mt19937_next(m)) & mask;
        if (value < limit) return value;
    }
}
