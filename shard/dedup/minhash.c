// Signature value j of a text is the least (a[j] * h + b[j]) mod (2^61 - 1) over the hashes h of
// its n-grams, where product and sum wrap at 2^64 first: what datatrove computes with numpy, whose
// signatures these are. a and b are what numpy's RandomState(seed).randint gives (mt19937.h).

#include "shard/dedup/minhash.h"

#include <string.h>
#include <xxhash.h>

#include "base/hash.h"
#include "shard/dedup/minhash_least.h"
#include "shard/dedup/mt19937.h"
#include "shard/dedup/sha1.h"
#include "shard/dedup/word_grams.h"

struct minhash {
    struct minhash_params params;
    size_t n_values;
    minhash_least_fn least;
    uint64_t a[MINHASH_VALUES_LIMIT], b[MINHASH_VALUES_LIMIT];
};

static const struct preset {
    const char *name;
    struct minhash_params params;
} PRESETS[] = {
    {"fineweb", {14, 8, MINHASH_WORDS, 5, MINHASH_SHA1_64, 1}},
    {"20x13", {20, 13, MINHASH_CHARACTERS, 24, MINHASH_XXH64_LOW32, 1}},
};
enum { N_PRESETS = sizeof PRESETS / sizeof *PRESETS };

enum err minhash_preset(const char *name, struct minhash_params *out)
{
    for (size_t i = 0; i < N_PRESETS; i++) {
        if (strcmp(PRESETS[i].name, name) != 0) continue;
        *out = PRESETS[i].params;
        return OK;
    }
    return fail(ERR_USAGE, "no MinHash preset %s: fineweb or 20x13", name);
}

static enum err check_params(const struct minhash_params *p)
{
    if (p->n_bands == 0 || p->n_rows == 0 || p->n_bands > MINHASH_VALUES_LIMIT ||
        p->n_rows > MINHASH_VALUES_LIMIT / p->n_bands)
        return fail(ERR_USAGE, "MinHash of %zu bands of %zu: 1 to %d values", p->n_bands, p->n_rows,
                    MINHASH_VALUES_LIMIT);
    if (p->n_units == 0 || p->n_units > MINHASH_UNITS_LIMIT)
        return fail(ERR_USAGE, "MinHash of n-grams of %zu: 1 to %d", p->n_units,
                    MINHASH_UNITS_LIMIT);
    return OK;
}

enum err minhash_open(const struct minhash_params *params, struct arena *a,
                      const struct minhash **out)
{
    TRY(check_params(params));
    struct minhash *m = ARENA_NEW(a, struct minhash);
    m->params = *params;
    m->n_values = params->n_bands * params->n_rows;
    m->least = minhash_least_best();
    struct mt19937 random;
    mt19937_begin(&random, params->seed);
    for (size_t i = 0; i < m->n_values; i++)
        m->a[i] = 1 + mt19937_below(&random, MINHASH_PRIME - 1);
    for (size_t i = 0; i < m->n_values; i++)
        m->b[i] = mt19937_below(&random, MINHASH_PRIME);
    *out = m;
    return OK;
}

struct minhash_params minhash_params(const struct minhash *m)
{
    return m->params;
}

static uint64_t hash_gram(enum minhash_hash hash, const uint8_t *data, size_t n_bytes)
{
    switch (hash) {
    case MINHASH_SHA1_64:
        return sha1_low64(data, n_bytes);
    case MINHASH_XXH64:
        return XXH64(data, n_bytes, 0);
    case MINHASH_XXH64_LOW32:
        return XXH64(data, n_bytes, 0) & UINT32_MAX;
    }
    return 0;
}

enum { BATCH = 64 };

struct signing {
    const struct minhash *m;
    uint64_t *signature;
    uint64_t hashes[BATCH];
    size_t n;
};

static void flush(struct signing *s)
{
    s->m->least(s->m->a, s->m->b, s->m->n_values, s->hashes, s->n, s->signature);
    s->n = 0;
}

static void add_gram(struct signing *s, const uint8_t *data, size_t n_bytes)
{
    s->hashes[s->n++] = hash_gram(s->m->params.hash, data, n_bytes);
    if (s->n == BATCH) flush(s);
}

static void add_word_grams(struct signing *s, const struct span *joined, size_t n_words)
{
    const size_t n = s->m->params.n_units;
    for (size_t i = 0; i + n <= n_words; i++) {
        const struct span gram = word_grams_at(joined, i, n);
        add_gram(s, gram.data, gram.n_bytes);
    }
}

static bool is_start(uint8_t byte)
{
    return (byte & 0xc0) != 0x80;
}

static bool has_characters(struct span text, size_t n_needed)
{
    size_t n = 0;
    for (size_t i = 0; i < text.n_bytes && n < n_needed; i++)
        n += is_start(text.data[i]);
    return n == n_needed;
}

static void add_character_grams(struct signing *s, struct span text)
{
    size_t starts[MINHASH_UNITS_LIMIT], n_starts = 0;
    const size_t n = s->m->params.n_units;
    for (size_t i = 0; i <= text.n_bytes; i++) {
        if (i < text.n_bytes && !is_start(text.data[i])) continue;
        if (n_starts >= n) {
            const size_t first = starts[n_starts % n];
            add_gram(s, text.data + first, i - first);
        }
        starts[n_starts++ % n] = i;
    }
}

bool minhash_sign(const struct minhash *m, struct span text, const struct span *words,
                  size_t n_words, struct arena *scratch, uint64_t *signature)
{
    const bool by_words = m->params.unit == MINHASH_WORDS;
    if (by_words ? n_words < m->params.n_units : !has_characters(text, m->params.n_units))
        return false;
    struct signing s = {.m = m, .signature = signature};
    for (size_t i = 0; i < m->n_values; i++)
        signature[i] = UINT64_MAX;
    if (!by_words)
        add_character_grams(&s, text);
    else
        add_word_grams(&s, word_grams_join(words, n_words, scratch), n_words);
    flush(&s);
    return true;
}

void minhash_keys(const struct minhash *m, const uint64_t *signature, uint64_t *keys)
{
    const size_t n_bytes = m->params.n_rows * sizeof *signature;
    for (size_t i = 0; i < m->params.n_bands; i++)
        keys[i] = hash_xxh3(signature + i * m->params.n_rows, n_bytes, i);
}
