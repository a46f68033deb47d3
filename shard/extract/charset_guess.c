// Encodings of two bytes a character are told by where their commonest characters lie; those of
// one byte by the eight commonest letters of a language, which make half of its text or more. Text
// in Latin letters has its bytes above 0x7f one by one, and is left to windows-1252.

#include "shard/extract/charset_guess.h"

#include <stdbool.h>
#include <string.h>

enum {
    SAMPLE_BYTES = 1 << 16,
    PAIRS_NEEDED = 4, // or letters: fewer say nothing
    LETTERS_PERCENT = 42
};

// Pairs of a lead byte in [first, last], and of these the ones that are common characters.
static const struct wide {
    const char *name;
    uint8_t lead_first, lead_last, trail_first; // of pairs
    uint8_t common_first, common_last, common_trail_first;
    unsigned common_percent, bad_percent; // at least, of pairs; at most, of what is above 0x7f
} wides[] = {
    {"EUC-JP-MS", 0xa1, 0xfe, 0xa1, 0xa4, 0xa5, 0xa1, 25, 1}, // kana
    {"CP932", 0x81, 0x9f, 0x40, 0x82, 0x83, 0x40, 25, 5},     // kana; half-width ones are bad here
    {"CP949", 0xa1, 0xfe, 0xa1, 0xb0, 0xc8, 0xa1, 85, 2},     // the common syllables
    {"GB18030", 0xa1, 0xfe, 0xa1, 0xb0, 0xd7, 0xa1, 65, 2},   // characters of the first level
    {"BIG5-HKSCS", 0xa1, 0xf9, 0x40, 0xa4, 0xc6, 0x40, 65, 2}};

static const struct narrow {
    const char *name, *letters;
} narrows[] = {{"CP1251", "\xee\xe5\xe0\xe8\xed\xf2\xf1\xf0"},     // Russian
               {"KOI8-R", "\xcf\xc5\xc1\xc9\xce\xd4\xd3\xd2"},     //
               {"ISO-8859-5", "\xde\xd5\xd0\xd8\xdd\xe2\xe1\xe0"}, //
               {"CP866", "\xae\xa5\xa0\xa8\xad\xe2\xe1\xe0"},      //
               {"CP1253", "\xe1\xef\xe9\xe5\xf4\xf3\xed\xe7"},     // Greek
               {"CP1255", "\xe9\xe5\xe4\xec\xe0\xf8\xee\xfa"},     // Hebrew
               {"CP1256", "\xc7\xe1\xed\xe3\xe6\xe4\xd1\xca"}};    // Arabic

static bool is_wide(const struct wide *w, struct span s)
{
    size_t n_pairs = 0, n_common = 0, n_bad = 0;
    for (size_t i = 0; i < s.n_bytes; i++) {
        const uint8_t lead = s.data[i];
        if (lead < 0x80) continue;
        const uint8_t trail = i + 1 < s.n_bytes ? s.data[i + 1] : 0;
        if (lead < w->lead_first || lead > w->lead_last || trail < w->trail_first) {
            n_bad++;
            continue;
        }
        n_pairs++;
        n_common +=
            lead >= w->common_first && lead <= w->common_last && trail >= w->common_trail_first;
        i++;
    }
    return n_pairs >= PAIRS_NEEDED && n_common * 100 >= n_pairs * w->common_percent &&
           n_bad * 100 <= n_pairs * w->bad_percent;
}

static size_t count_letters(const size_t *counts, const char *letters)
{
    size_t n = 0;
    for (; *letters; letters++)
        n += counts[(uint8_t)*letters];
    return n;
}

static const char *find_narrow(struct span s)
{
    size_t counts[256] = {0}, n_high = 0, n_runs = 0;
    for (size_t i = 0; i < s.n_bytes; i++) {
        counts[s.data[i]]++;
        n_high += s.data[i] >= 0x80;
        n_runs += s.data[i] >= 0x80 && (i == 0 || s.data[i - 1] < 0x80);
    }
    const char *best = "CP1252";
    if (n_high < PAIRS_NEEDED || n_high < 2 * n_runs) return best;
    size_t most = n_high * LETTERS_PERCENT / 100;
    for (size_t i = 0; i < sizeof narrows / sizeof narrows[0]; i++) {
        const size_t n = count_letters(counts, narrows[i].letters);
        if (n <= most) continue;
        most = n;
        best = narrows[i].name;
    }
    return best;
}

const char *charset_guess(struct span text)
{
    if (text.n_bytes > SAMPLE_BYTES) text.n_bytes = SAMPLE_BYTES;
    for (size_t i = 0; i < sizeof wides / sizeof wides[0]; i++)
        if (is_wide(&wides[i], text)) return wides[i].name;
    return find_narrow(text);
}
