#include "shard/tokenizer/pretokenize.h"

#include <stdbool.h>

#include "base/rng.h"
#include "tests/check.h"

// Pieces are shown with | between them.
static const struct {
    const char *text, *pieces;
} cases[] = {
    {"Hello world", "Hello| world"},
    {"it's we're I'll you've I'm he'd don't", "it|'s| we|'re| I|'ll| you|'ve| I|'m| he|'d| don|'t"},
    {"'sabc 'tis 'S", "'s|abc| '|tis| '|S"},
    {"'l 'r 'v '", "'|l| '|r| '|v| '"},
    {"''s", "''|s"},
    {"'", "'"},
    {"'re", "'re"},
    {"'r", "'|r"},
    {"x'", "x|'"},
    {"a  b", "a| | b"},
    {"a   b", "a|  | b"},
    {"a \n b", "a| \n| b"},
    {"a\n\nb", "a|\n|\n|b"},
    {"a\nb", "a|\n|b"},
    {"a\t b", "a|\t| b"},
    {"a \tb", "a| |\t|b"},
    {"  ", "  "},
    {" ", " "},
    {"a ", "a| "},
    {"a  ", "a|  "},
    {"\n\n\n", "\n\n\n"},
    {" \n", " \n"},
    {"abc123def", "abc|123|def"},
    {" 12.5%", " 12|.|5|%"},
    {"f(x)=x^2;", "f|(|x|)=|x|^|2|;"},
    {"...?!", "...?!"},
    {" ...a", " ...|a"},
    {"_a_b", "_|a|_|b"},
    {"\xC3\xA9t\xC3\xA9 \xC3\xA9t\xC3\xA9", "\xC3\xA9t\xC3\xA9| \xC3\xA9t\xC3\xA9"},
    {"na\xC3\xAFve's", "na\xC3\xAFve|'s"},
    {"\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96",
     "\xE4\xBD\xA0\xE5\xA5\xBD|\xEF\xBC\x8C|\xE4\xB8\x96"},
    {"a\xC2\xA0 b", "a|\xC2\xA0| b"}, // no-break space is \s, but not the space that joins
    {"a\xC2\xA0.", "a|\xC2\xA0|."},
    {"a\xE3\x80\x80\xE3\x80\x80.", "a|\xE3\x80\x80|\xE3\x80\x80|."}, // ideographic space
    {"a\xC2\x85.", "a|\xC2\x85|."},                                  // next line is \s
    {"a\xE2\x80\x8Bz", "a|\xE2\x80\x8B|z"},                          // zero width space is not
    {"\x1C\x1Dz", "\x1C\x1D|z"}, // Python's str.isspace says yes, White_Space no
    {"\xD9\xA1\xD9\xA2 \xE2\x85\xA7\xC2\xBD", "\xD9\xA1\xD9\xA2| \xE2\x85\xA7\xC2\xBD"}, // Nd Nl No
    {"e\xCC\x81", "e|\xCC\x81"}, // a combining mark is not \p{L}
    {"\xE0\xA4\xB9\xE0\xA4\xBF\xE0\xA4\xA8", "\xE0\xA4\xB9|\xE0\xA4\xBF|\xE0\xA4\xA8"},
    {" \xF0\x9F\x98\x80\xF0\x9F\x98\x80!", " \xF0\x9F\x98\x80\xF0\x9F\x98\x80!"},
    {"\xF0\x9D\x94\xB8z", "\xF0\x9D\x94\xB8z"}, // a letter beyond U+FFFF
    {"a\xFF\xFEz", "a|\xFF\xFE|z"},
    {" \xFF", " \xFF"},
    {"\xC3", "\xC3"},
    {"\xE2\x82", "\xE2\x82"},
    {"\xE2\x82z", "\xE2\x82|z"},
    {"\xC0\xAF.", "\xC0\xAF."},                  // overlong /
    {"\xED\xA0\x80z", "\xED\xA0\x80|z"},         // a surrogate
    {"\xF4\x90\x80\x80z", "\xF4\x90\x80\x80|z"}, // beyond U+10FFFF
    {"\xF0\x82\x82\xAC", "\xF0\x82\x82\xAC"},    // overlong
    {"\xEF\xBF\xBD\xFF", "\xEF\xBF\xBD\xFF"},    // U+FFFD itself
};

static void check_table(const struct pretokenize *p)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char shown[256];
        size_t n = 0;
        struct span text = {(const uint8_t *)cases[i].text, strlen(cases[i].text)};
        while (text.n_bytes > 0) {
            size_t n_piece = pretokenize_next(p, text);
            CHECK(n_piece > 0 && n_piece <= text.n_bytes);
            if (n > 0) shown[n++] = '|';
            memcpy(shown + n, text.data, n_piece);
            n += n_piece;
            text = (struct span){text.data + n_piece, text.n_bytes - n_piece};
        }
        shown[n] = 0;
        CHECK_TEXT(shown, cases[i].pieces);
    }
}

// The rule once more, as the regex is written: alternatives in order over decoded characters,
// greedy, going back for (?!\S).
struct decoded {
    uint32_t codes[256];
    size_t at[257]; // byte where each begins
    enum pretokenize_class classes[256];
    size_t n;
};

static size_t reference_character(struct span text, uint32_t *code)
{
    static const struct {
        uint8_t lead_mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xE0, 0xC0, 0x80}, {0xF0, 0xE0, 0x800}, {0xF8, 0xF0, 0x10000}};
    for (size_t n = 1; n <= 4 && n <= text.n_bytes; n++) {
        if ((text.data[0] & forms[n - 1].lead_mask) != forms[n - 1].lead) continue;
        uint32_t value = text.data[0] & (uint8_t)~forms[n - 1].lead_mask;
        bool good = true;
        for (size_t i = 1; i < n; i++) {
            good = good && (text.data[i] & 0xC0) == 0x80;
            value = value << 6 | (text.data[i] & 0x3F);
        }
        if (good && value >= forms[n - 1].least && value < 0x110000 &&
            (value < 0xD800 || value > 0xDFFF)) {
            *code = value;
            return n;
        }
    }
    *code = 0xFFFD;
    return 1;
}

static size_t reference_run(const struct decoded *d, size_t from, enum pretokenize_class class)
{
    size_t end = from;
    while (end < d->n && d->classes[end] == class)
        end++;
    return end;
}

// Index of the character after the first match at `from`.
static size_t reference_match(const struct decoded *d, size_t from)
{
    static const char *const contractions[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < 7; i++) {
        size_t n = strlen(contractions[i]);
        bool same = from + n <= d->n;
        for (size_t k = 0; k < n && same; k++)
            same = d->codes[from + k] == (uint32_t)contractions[i][k];
        if (same) return from + n;
    }
    static const enum pretokenize_class order[] = {PRETOKENIZE_LETTER, PRETOKENIZE_NUMBER,
                                                   PRETOKENIZE_OTHER};
    for (size_t i = 0; i < 3; i++) {
        size_t start = from + (d->codes[from] == ' ');
        size_t end = reference_run(d, start, order[i]);
        if (end > start) return end;
    }
    size_t end = reference_run(d, from, PRETOKENIZE_SPACE);
    for (size_t e = end; e > from; e--) // \s+(?!\S)
        if (e == d->n || d->classes[e] == PRETOKENIZE_SPACE) return e;
    return end;
}

static void check_random(const struct pretokenize *p, uint64_t seed)
{
    static const char *const bits[] = {" ",
                                       " ",
                                       " ",
                                       "\n",
                                       "\t",
                                       "'",
                                       "s",
                                       "re",
                                       "ll",
                                       "a",
                                       "Z",
                                       "7",
                                       ".",
                                       "(",
                                       "\xC2\xA0",
                                       "\xC3\xA9",
                                       "\xE4\xBD\xA0",
                                       "\xF0\x9F\x98\x80",
                                       "\xFF",
                                       "\xC3",
                                       "\xE2\x82",
                                       "\xED\xA0\x80",
                                       "\xD9\xA1",
                                       "\xE3\x80\x80",
                                       "\xCC\x81",
                                       "\xF0",
                                       "\x80"};
    uint64_t key = rng_key(seed, "pretokenize");
    for (uint64_t round = 0; round < 20000; round++) {
        uint8_t data[256];
        size_t n = 0;
        uint64_t n_bits = 1 + rng_u64(key, round, 0) % 24;
        for (uint64_t i = 1; i <= n_bits; i++) {
            const char *bit = bits[rng_u64(key, round, i) % (sizeof bits / sizeof *bits)];
            memcpy(data + n, bit, strlen(bit));
            n += strlen(bit);
        }
        struct decoded d = {.n = 0};
        for (size_t at = 0; at < n; d.n++) {
            d.at[d.n] = at;
            at += reference_character((struct span){data + at, n - at}, &d.codes[d.n]);
            d.classes[d.n] = pretokenize_class(p, d.codes[d.n]);
        }
        d.at[d.n] = n;
        for (size_t from = 0; from < d.n;) {
            size_t end = reference_match(&d, from);
            struct span rest = {data + d.at[from], n - d.at[from]};
            CHECK_EQ(pretokenize_next(p, rest), d.at[end] - d.at[from]);
            from = end;
        }
    }
}

static void check_classes(const struct pretokenize *p)
{
    size_t n[4] = {0};
    for (uint32_t code = 0; code < 0x110000; code++)
        n[pretokenize_class(p, code)]++;
    CHECK_EQ(n[PRETOKENIZE_SPACE], 25); // characters with White_Space
    CHECK_EQ(pretokenize_class(p, 0x10FFFF), PRETOKENIZE_OTHER);
    CHECK_EQ(pretokenize_class(p, 0x3400), PRETOKENIZE_LETTER);
    CHECK_EQ(pretokenize_class(p, 0x4DBF), PRETOKENIZE_LETTER);
    CHECK_EQ(pretokenize_class(p, 0x2FA1D), PRETOKENIZE_LETTER);
    CHECK_EQ(pretokenize_class(p, 0xFFFD), PRETOKENIZE_OTHER);
    CHECK_EQ(pretokenize_class(p, 0xE000), PRETOKENIZE_OTHER);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    const struct pretokenize *p = pretokenize_build(&a);
    check_table(p);
    check_classes(p);
    check_random(p, seed);
    arena_fini(&a);
    return 0;
}
