#include "base/spell.h"

#include <stdint.h>
#include <string.h>

#include "base/size.h"

enum { WORD_LIMIT = 96 };
static const size_t FAR_AWAY = SIZE_MAX / 2;

static size_t min3(size_t a, size_t b, size_t c)
{
    return size_min(a, size_min(b, c));
}

// Edit distance with transposition of neighbours (optimal string alignment), by rows; FAR_AWAY
// when a word is too long to be a misspelling of anything.
static size_t distance(const char *a, const char *b)
{
    const size_t n_a = strlen(a), n_b = strlen(b);
    if (n_a >= WORD_LIMIT || n_b >= WORD_LIMIT) return FAR_AWAY;
    unsigned char rows[3][WORD_LIMIT + 1];
    for (size_t j = 0; j <= n_b; j++)
        rows[0][j] = (unsigned char)j;
    for (size_t i = 1; i <= n_a; i++) {
        unsigned char *row = rows[i % 3];
        const unsigned char *above = rows[(i + 2) % 3], *second_above = rows[(i + 1) % 3];
        row[0] = (unsigned char)i;
        for (size_t j = 1; j <= n_b; j++) {
            size_t change = above[j - 1] + (size_t)(a[i - 1] != b[j - 1]);
            size_t least = min3(above[j] + 1U, row[j - 1] + 1U, change);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                least = size_min(least, second_above[j - 2] + 1U);
            row[j] = (unsigned char)least;
        }
    }
    return rows[n_a % 3][n_b];
}

static const char *last_word(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot == NULL ? path : dot + 1;
}

size_t spell_nearest(const char *text, const char *const *words, size_t n_words)
{
    size_t nearest = n_words, least = 2 + strlen(text) / 3;
    for (size_t i = 0; i < n_words; i++) {
        size_t d = distance(text, words[i]);
        if (strchr(text, '.') != NULL || strchr(words[i], '.') != NULL)
            d = size_min(d, 1 + distance(last_word(text), last_word(words[i])));
        if (d >= least) continue;
        least = d;
        nearest = i;
    }
    return nearest;
}
