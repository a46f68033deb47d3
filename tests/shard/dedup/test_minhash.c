// Signatures: golden ones of datatrove, the instruction sets against the reference, and how often
// planted near duplicates are found against theory.

#include <math.h>

#include "base/arena.h"
#include "base/rng.h"
#include "shard/dedup/duplicates.h"
#include "shard/dedup/minhash.h"
#include "shard/dedup/minhash_least.h"
#include "shard/dedup/mt19937.h"
#include "shard/dedup/sha1.h"
#include "shard/dedup/simplify.h"
#include "shard/dedup/word_grams.h"
#include "tests/check.h"

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

// hashlib.sha1(bytes(i * 7 & 255 for i in range(n))).digest()[:8]
static void check_sha1(uint64_t key)
{
    static const struct {
        size_t n;
        uint64_t low;
    } KNOWN[] = {{0, 0xd4b6b5eeea339da},   {1, 0x3ff9cfb09d3ca95b},   {55, 0x9b3b90c94316cdae},
                 {56, 0x8ecc021c625cd6f5}, {63, 0x644d7e09fef05249},  {64, 0xdae593c01fae171e},
                 {65, 0xd2b5e9e3dbf544ac}, {119, 0xe7b1d06090e6a4b4}, {120, 0x634096290c3951b6},
                 {200, 0xfbd8688c33e07160}};
    uint8_t data[1000];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        CHECK(sha1_low64(data, KNOWN[i].n) == KNOWN[i].low);
        CHECK(sha1_low64_portable(data, KNOWN[i].n) == KNOWN[i].low);
    }
    for (size_t n = 0; n < sizeof data; n++) {
        data[rng_u64(key, 1, n) % sizeof data] ^= (uint8_t)rng_u64(key, 2, n);
        CHECK(sha1_low64(data, n) == sha1_low64_portable(data, n));
    }
}

// numpy.random.RandomState(1).randint(1, 2**61 - 1, dtype=numpy.uint64, size=(1, 112)), and then 0
static void check_random(void)
{
    struct mt19937 m;
    mt19937_begin(&m, 1);
    uint64_t first = 0, last = 0;
    for (int i = 0; i < 112; i++) {
        last = 1 + mt19937_below(&m, MINHASH_PRIME - 1);
        if (i == 0) first = last;
    }
    CHECK_EQ(first, 775169054918279404);
    CHECK_EQ(last, 223865076026037746);
    CHECK_EQ(mt19937_below(&m, MINHASH_PRIME), 1062448801025099917);
}

static void check_least(uint64_t key)
{
    enum { VALUES = 61, HASHES = 97 };
    size_t n_sets;
    const struct minhash_least *sets = minhash_least_list(&n_sets);
    for (uint64_t round = 0; round < 200; round++) {
        uint64_t a[VALUES], b[VALUES], hashes[HASHES], expected[VALUES], actual[VALUES];
        const size_t n_values = rng_u64(key, 3, round) % (VALUES + 1);
        const size_t n_hashes = rng_u64(key, 4, round) % (HASHES + 1);
        const uint64_t mask = UINT64_MAX >> rng_u64(key, 5, round) % 60;
        for (size_t i = 0; i < VALUES; i++) {
            a[i] = rng_u64(key, 6 + round, i) & mask;
            b[i] = rng_u64(key, 7 + round, i) & (round % 5 ? UINT64_MAX : MINHASH_PRIME);
            expected[i] = i % 3 ? UINT64_MAX : b[i] % MINHASH_PRIME;
        }
        for (size_t i = 0; i < HASHES; i++)
            hashes[i] = rng_u64(key, 8 + round, i);
        for (size_t s = 1; s < n_sets; s++) {
            memcpy(actual, expected, sizeof actual);
            sets[s].run(a, b, n_values, hashes, n_hashes, actual);
            uint64_t reference[VALUES];
            memcpy(reference, expected, sizeof reference);
            sets[0].run(a, b, n_values, hashes, n_hashes, reference);
            CHECK(memcmp(actual, reference, sizeof actual) == 0);
        }
        for (size_t j = 0; j < n_values; j++)
            for (size_t i = 0; i < n_hashes; i++) {
                const uint64_t value = (a[j] * hashes[i] + b[j]) % MINHASH_PRIME;
                if (value < expected[j]) expected[j] = value;
            }
        sets[0].run(a, b, n_values, hashes, n_hashes, expected); // changes nothing
        memcpy(actual, expected, sizeof actual);
        for (size_t s = 0; s < n_sets; s++)
            sets[s].run(a, b, n_values, hashes, n_hashes, actual);
        CHECK(memcmp(actual, expected, sizeof actual) == 0);
    }
    printf("least: %s\n", sets[n_sets - 1].name);
}

static void check_golden(struct minhash_params params, const uint64_t first[8],
                         const uint64_t last[8])
{
    struct arena a;
    const struct minhash *m;
    uint64_t signature[MINHASH_VALUES_LIMIT], joined[MINHASH_VALUES_LIMIT];
    size_t n_words;
    arena_init(&a, "golden");
    CHECK_OK(minhash_open(&params, &a, &m));
    const struct span text =
        simplify_text(span_of("The quick brown fox jumps over the lazy dog, 1,234.5 times; "
                              "\xce\x9f\xce\x94\xce\x9f\xce\xa3 caf\xc3\xa9!"),
                      &a);
    CHECK_TEXT(arena_strndup(&a, (const char *)text.data, text.n_bytes),
               "the quick brown fox jumps over the lazy dog 0 0 times "
               "\xce\xbf\xce\xb4\xce\xbf\xcf\x82 cafe");
    const struct span *words = word_grams_split(NULL, text, &a, &n_words);
    CHECK_EQ(n_words, 14);
    CHECK(minhash_sign(m, text, words, n_words, &a, signature));
    CHECK(memcmp(signature, first, 8 * sizeof *first) == 0);
    CHECK(memcmp(signature + 13 * 8, last, 8 * sizeof *last) == 0);
    // Words that do not stand one space apart: the same n-grams.
    struct span *apart = ARENA_ARRAY(&a, struct span, n_words);
    for (size_t i = 0; i < n_words; i++)
        apart[i] = span_of(arena_strndup(&a, (const char *)words[i].data, words[i].n_bytes));
    CHECK(minhash_sign(m, text, apart, n_words, &a, joined));
    CHECK(memcmp(signature, joined, 14 * 8 * sizeof *joined) == 0);
    CHECK(!minhash_sign(m, text, words, params.n_units - 1, &a, joined));
    CHECK(minhash_sign(m, text, words, params.n_units, &a, joined));
    arena_fini(&a);
}

static void check_fineweb(void)
{
    static const uint64_t FIRST[] = {585594454516184072, 284080765670708113, 78707248969336376,
                                     136734825840811270, 42312182183823545,  295150809832830541,
                                     316606424307206655, 439255022718586444};
    static const uint64_t LAST[] = {164139703210280404, 29074511532028102,  126148420424728747,
                                    263178961652891334, 126167845672318228, 267802311179399272,
                                    66204159458720642,  621284120105902593};
    static const uint64_t XX_FIRST[] = {85330943174081874,  184339147761722157,  29758297070389213,
                                        34440879854629237,  1270900061947546662, 117899488208280896,
                                        385953403281944434, 204404170303891102};
    static const uint64_t XX_LAST[] = {138080280408424662, 130459305364154075, 333063281871745314,
                                       26770645435041981,  1765945916311590,   714816410343323786,
                                       112878133932602316, 3963570588256049};
    struct minhash_params params;
    CHECK_OK(minhash_preset("fineweb", &params));
    check_golden(params, FIRST, LAST);
    params.hash = MINHASH_XXH64;
    check_golden(params, XX_FIRST, XX_LAST);
}

// One character more or less than an n-gram, and characters of several bytes.
static void check_characters(void)
{
    struct arena a;
    struct minhash_params params;
    const struct minhash *m;
    uint64_t one[MINHASH_VALUES_LIMIT], two[MINHASH_VALUES_LIMIT];
    arena_init(&a, "characters");
    CHECK_OK(minhash_preset("20x13", &params));
    CHECK_OK(minhash_open(&params, &a, &m));
    const char *text = "caf\xc3\xa9 with some twenty two";
    CHECK(!minhash_sign(m, (struct span){(const uint8_t *)text, 23}, NULL, 0, &a, one));
    CHECK(!minhash_sign(m, (struct span){(const uint8_t *)text, 24}, NULL, 0, &a, one));
    CHECK(minhash_sign(m, (struct span){(const uint8_t *)text, 25}, NULL, 0, &a, one));
    CHECK(minhash_sign(m, (struct span){(const uint8_t *)text, 26}, NULL, 0, &a, two));
    for (size_t i = 0; i < 20 * 13; i++)
        CHECK(two[i] <= one[i] && one[i] < MINHASH_PRIME);
    CHECK(memcmp(one, two, 20 * 13 * sizeof *one) != 0);
    CHECK_ERR(minhash_preset("30x2", &params), ERR_USAGE);
    CHECK_LINE("no MinHash preset 30x2: fineweb or 20x13");
    params.n_rows = 0;
    CHECK_ERR(minhash_open(&params, &a, &m), ERR_USAGE);
    arena_fini(&a);
}

enum { PAIRS = 500, SET_WORDS = 120 };

// A text of SET_WORDS different words, n_shared of which a pair has in common.
static struct span pair_text(struct arena *a, uint64_t pair, bool second, size_t n_shared)
{
    struct text {
        char *data;
        size_t n_bytes;
    } t = {ARENA_ARRAY(a, char, SET_WORDS * 32), 0};
    for (size_t i = 0; i < SET_WORDS; i++)
        t.n_bytes += (size_t)snprintf(t.data + t.n_bytes, 32, "w%llux%zuy%d ",
                                      (unsigned long long)pair, i, i >= n_shared && second);
    return (struct span){(const uint8_t *)t.data, t.n_bytes - 1};
}

static double found_share(const struct minhash *m, size_t n_bands, size_t n_shared, uint64_t round)
{
    struct arena a, scratch;
    struct fabric *f;
    struct duplicates *d;
    uint64_t seq = 1, signature[MINHASH_VALUES_LIMIT], keys[MINHASH_VALUES_LIMIT];
    arena_init(&a, "recall");
    arena_init(&scratch, "text");
    CHECK_OK(fabric_open_alone(&a, &f));
    CHECK_OK(duplicates_open(&(struct duplicates_options){f, &seq, ".", 1 << 20}, &d));
    for (uint64_t i = 0; i < 2 * PAIRS; i++) {
        size_t n_words;
        arena_reset(&scratch);
        const struct span text = pair_text(&scratch, round * PAIRS + i / 2, i % 2, n_shared);
        const struct span *words = word_grams_split(NULL, text, &scratch, &n_words);
        CHECK(minhash_sign(m, text, words, n_words, &scratch, signature));
        minhash_keys(m, signature, keys);
        CHECK_OK(duplicates_add(d, i, keys, n_bands));
    }
    CHECK_OK(duplicates_resolve(d, OK));
    const struct duplicates_count count = duplicates_count(d);
    CHECK_EQ(count.n_clusters, count.n_dropped); // pairs only
    duplicates_close(d);
    fabric_close(f);
    arena_fini(&scratch);
    arena_fini(&a);
    return (double)count.n_dropped / PAIRS;
}

static void check_recall(void)
{
    struct arena a;
    const struct minhash *m;
    arena_init(&a, "recall");
    const struct minhash_params params = {14, 8, MINHASH_WORDS, 1, MINHASH_SHA1_64, 1};
    CHECK_OK(minhash_open(&params, &a, &m));
    static const size_t SHARED[] = {60, 80, 90, 98, 102, 108, 116};
    for (size_t i = 0; i < sizeof SHARED / sizeof *SHARED; i++) {
        const double s = (double)SHARED[i] / (double)(2 * SET_WORDS - SHARED[i]);
        const double expected = 1 - pow(1 - pow(s, 8), 14);
        const double deviation = sqrt(expected * (1 - expected) / PAIRS);
        const double actual = found_share(m, 14, SHARED[i], i);
        printf("s %.3f: found %.3f, 1 - (1 - s^8)^14 = %.3f\n", s, actual, expected);
        CHECK(fabs(actual - expected) <= 4.5 * deviation + 0.002);
    }
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "minhash");
    check_sha1(key);
    check_random();
    check_least(key);
    check_fineweb();
    check_characters();
    check_recall();
    return 0;
}
