#pragma once
// MinHash signatures (Broder, 1997) and their bands: two texts whose sets of n-grams have Jaccard
// similarity s agree in a band of r rows with probability s^r, in one of b bands with
// 1 - (1 - s^r)^b. Preset "fineweb" gives datatrove's signatures bit for bit.
//
//     TRY(minhash_open("fineweb", a, &m));
//     simple = simplify_text(text, scratch);
//     words = word_grams_split(splitter, simple, scratch, &n_words);
//     if (minhash_sign(m, simple, words, n_words, scratch, signature)) {
//         minhash_keys(m, signature, keys);                       // m->n_bands of them
//         TRY(duplicates_add(d, number, keys, m->n_bands));
//     }

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"

enum minhash_unit { MINHASH_WORDS, MINHASH_CHARACTERS };
enum minhash_hash { MINHASH_SHA1_64, MINHASH_XXH64, MINHASH_XXH64_LOW32 };

struct minhash_params {
    size_t n_bands, n_rows; // n_bands * n_rows <= MINHASH_VALUES_LIMIT
    enum minhash_unit unit; // of an n-gram
    size_t n_units;         // words or characters of an n-gram
    enum minhash_hash hash; // of an n-gram
    uint32_t seed;          // of the permutations
};
enum { MINHASH_VALUES_LIMIT = 512, MINHASH_UNITS_LIMIT = 256 };

struct minhash;

/// The parameters of a preset: "fineweb" (14 bands of 8, 5 words, SHA-1) or "20x13" (20 bands of
/// 13, 24 characters, 32-bit hashes). Errors: ERR_USAGE naming the presets.
enum err minhash_preset(const char *name, struct minhash_params *out) MUST_CHECK;
/// Borrows nothing; lives in a; may be shared by threads. Local. Errors: ERR_USAGE (params).
enum err minhash_open(const struct minhash_params *params, struct arena *a,
                      const struct minhash **out) MUST_CHECK;
/// The parameters that m was opened with. Can't fail.
struct minhash_params minhash_params(const struct minhash *m);
/// signature[n_bands * n_rows] of text, which is simplified (shard/dedup/simplify.h). words are its
/// words, spans in order; not looked at when the unit is characters. scratch is used when words do
/// not stand one space apart. false when text has not one n-gram: it has no signature and is
/// nobody's duplicate. Local. Can't fail.
bool minhash_sign(const struct minhash *m, struct span text, const struct span *words,
                  size_t n_words, struct arena *scratch, uint64_t *signature);
/// keys[n_bands]: a hash of each band's number and rows. Can't fail.
void minhash_keys(const struct minhash *m, const uint64_t *signature, uint64_t *keys);
