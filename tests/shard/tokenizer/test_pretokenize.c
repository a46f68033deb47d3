#include "shard/tokenizer/pretokenize.h"

#include <stdbool.h>

#include "base/rng.h"
#include "tests/check.h"

// Pieces are shown with | between them.
struct sample {
    const char *text, *pieces;
};

static const struct sample gpt2[] = {
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

static const struct sample cl100k[] = {
    {"Hello world", "Hello| world"},
    {"it's IT'S we'LL 'Tis 'SABC '", "it|'s| IT|'S| we|'LL| '|Tis| '|SABC| '"},
    {"x'\xC5\xBFy", "x|'\xC5\xBF|y"}, // long s is an s
    {"(don't) -x", "(don|'t|)| -|x"},
    {"1234567 12", "123|456|7| |12"},
    {"a\tb\xC2\xA0"
     "c\xE2\x80\x94"
     "d",
     "a|\tb|\xC2\xA0"
     "c|\xE2\x80\x94"
     "d"},
    {"a  b   c", "a| | b|  | c"},
    {"a;\n\n\n b", "a|;\n\n\n| b"},
    {"a \n \n  b", "a| \n \n| | b"},
    {"a\r\n\r\nb", "a|\r\n\r\n|b"},
    {"\nb", "\n|b"},
    {"a  \n  ", "a|  \n|  "},
    {"a  ", "a|  "},
    {"\xCC\x81"
     "abc \xCC\x81",
     "\xCC\x81"
     "abc| \xCC\x81"}, // a mark may stand before letters
    {"\xFFz \xFF\n", "\xFFz| \xFF\n"},
};

static const struct sample o200k[] = {
    {"Hello WORLD HelloWorld HELLOWorld", "Hello| WORLD| Hello|World| HELLOWorld"},
    {"it's IT'S we'LL 'tis", "it's| IT'S| we'LL| '|tis"},
    {"1234 a/\n/b //x", "123|4| a|/\n/|b| //|x"},
    {"\xE4\xBD\xA0"
     "A\xE4\xBD\xA0"
     "Ab",
     "\xE4\xBD\xA0"
     "A\xE4\xBD\xA0"
     "Ab"},
    {"\xE4\xBD\xA0"
     "AB c",
     "\xE4\xBD\xA0|AB| c"}, // back to the last that is both
    {"\xCC\x81"
     "AB",
     "\xCC\x81|AB"}, // a mark is a word rather than a first
    {"\xCC\x81"
     "Ab",
     "\xCC\x81"
     "Ab"},
    {" \xCC\x81!", " \xCC\x81|!"},
    {"a \n \n  b", "a| \n \n| | b"},
};

static const struct sample deepseek[] = {
    {"don't (abc) x_y", "don|'t| (|abc|)| x|_y"},
    {"a\x01\x02"
     "b \x01",
     "a|\x01|\x02"
     "b| |\x01"}, // what no alternative takes is between
    {"a!?\n\nb", "a|!?\n\n|b"},
};

static const struct sample digits3[] = {{"ab1234 \xD9\xA1", "ab|123|4| |\xD9\xA1"}};
static const struct sample han[] = {{"ab\xE4\xBD\xA0\xE3\x81\x82"
                                     "c\xE9\xBE\xA6",
                                     "ab|\xE4\xBD\xA0\xE3\x81\x82|c\xE9\xBE\xA6"}};
static const struct sample words[] = {{"  a bc  d ", "  a| bc|  d| "}};
static const struct sample metaspace[] = {{"  a bc  d ", " | a| bc| | d| "}};

static void check_sample(const struct pretokenize *p, enum pretokenize_rule rule,
                         const struct sample *sample)
{
    char shown[256];
    size_t n = 0;
    struct span text = {(const uint8_t *)sample->text, strlen(sample->text)};
    while (text.n_bytes > 0) {
        size_t n_piece = pretokenize_next(p, rule, text);
        CHECK(n_piece > 0 && n_piece <= text.n_bytes);
        if (n > 0) shown[n++] = '|';
        memcpy(shown + n, text.data, n_piece);
        n += n_piece;
        text = (struct span){text.data + n_piece, text.n_bytes - n_piece};
    }
    shown[n] = 0;
    CHECK_TEXT(shown, sample->pieces);
}

static void check_tables(const struct pretokenize *p)
{
#define TABLE(RULE, samples)                                          \
    {                                                                 \
        PRETOKENIZE_##RULE, samples, sizeof samples / sizeof *samples \
    }
    static const struct {
        enum pretokenize_rule rule;
        const struct sample *samples;
        size_t n;
    } tables[] = {TABLE(GPT2, gpt2),         TABLE(CL100K, cl100k),      TABLE(O200K, o200k),
                  TABLE(DEEPSEEK, deepseek), TABLE(DIGITS3, digits3),    TABLE(DEEPSEEK_HAN, han),
                  TABLE(WORDS, words),       TABLE(METASPACE, metaspace)};
#undef TABLE
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        for (size_t k = 0; k < tables[i].n; k++)
            check_sample(p, tables[i].rule, &tables[i].samples[k]);
}

// The rules once more, as their expressions are written: alternatives in order, each a sequence of
// sets that repeat, greedy, going back where the rest does not match.
struct decoded {
    uint32_t codes[256];
    size_t at[257];     // byte where each begins
    uint32_t bits[256]; // sets of one class
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

enum { ANY = 255, CONTRACTION = 1 << 16, CONTRACTION_LOWER, NO_MORE, SPACE_ONLY, SLASH = 1 << 17 };
enum {
    L = 1 << PRETOKENIZE_UPPER | 1 << PRETOKENIZE_LOWER | 1 << PRETOKENIZE_LETTER,
    N = 1 << PRETOKENIZE_NUMBER,
    R = 1 << PRETOKENIZE_NEWLINE,
    S = 1 << PRETOKENIZE_SPACE | R,
    M = 1 << PRETOKENIZE_MARK,
    PUNCT = 1 << PRETOKENIZE_PUNCTUATION,
    OTHER = M | PUNCT | 1 << PRETOKENIZE_OTHER,
    ALL = L | N | S | OTHER,
    UP = 1 << PRETOKENIZE_UPPER | 1 << PRETOKENIZE_LETTER | M,
    LOW = 1 << PRETOKENIZE_LOWER | 1 << PRETOKENIZE_LETTER | M,
};

struct item { // set{least,most}, or one of the special ones
    uint32_t set, least, most;
};
struct alternative {
    struct item items[4];
};

#define TAIL                                                        \
    {{{S, 0, ANY}, {R, 1, ANY}}}, {{{S, 1, ANY}, {NO_MORE, 1, 1}}}, \
    {                                                               \
        {                                                           \
            {                                                       \
                S, 1, ANY                                           \
            }                                                       \
        }                                                           \
    }
#define SYMBOLS(tail)                            \
    {                                            \
        {                                        \
            {SPACE_ONLY, 0, 1}, {OTHER, 1, ANY}, \
            {                                    \
                tail, 0, ANY                     \
            }                                    \
        }                                        \
    }
#define CASED(end)                                                            \
    {{{ALL & ~(R | L | N), 0, 1}, {UP, 0, ANY}, {LOW, 1, ANY}, {end, 0, 1}}}, \
    {                                                                         \
        {                                                                     \
            {ALL & ~(R | L | N), 0, 1}, {UP, 1, ANY}, {LOW, 0, ANY},          \
            {                                                                 \
                end, 0, 1                                                     \
            }                                                                 \
        }                                                                     \
    }
#define FAMILY(most_digits)                                                                        \
    {{{CONTRACTION, 1, 1}}}, {{{ALL & ~(R | L | N), 0, 1}, {L, 1, ANY}}}, {{{N, 1, most_digits}}}, \
        SYMBOLS(R), TAIL

static const struct {
    enum pretokenize_rule rule;
    struct alternative alternatives[9];
} references[] = {
    {PRETOKENIZE_GPT2,
     {{{{CONTRACTION_LOWER, 1, 1}}},
      {{{SPACE_ONLY, 0, 1}, {L, 1, ANY}}},
      {{{SPACE_ONLY, 0, 1}, {N, 1, ANY}}},
      {{{SPACE_ONLY, 0, 1}, {OTHER, 1, ANY}}},
      {{{S, 1, ANY}, {NO_MORE, 1, 1}}},
      {{{S, 1, ANY}}}}},
    {PRETOKENIZE_CL100K, {FAMILY(3)}},
    {PRETOKENIZE_QWEN2, {FAMILY(1)}},
    {PRETOKENIZE_O200K, {CASED(CONTRACTION), {{{N, 1, 3}}}, SYMBOLS(R | SLASH), TAIL}},
    {PRETOKENIZE_TEKKEN,
     {{{{ALL & ~(R | L | N), 0, 1}, {UP, 0, ANY}, {LOW, 1, ANY}}},
      {{{ALL & ~(R | L | N), 0, 1}, {UP, 1, ANY}, {LOW, 0, ANY}}},
      {{{N, 1, 1}}},
      SYMBOLS(R | SLASH),
      TAIL}},
    {PRETOKENIZE_DIGITS, {{{{N, 1, 1}}}, {{{ALL & ~N, 1, ANY}}}}},
    {PRETOKENIZE_DIGITS3, {{{{N, 1, 3}}}, {{{ALL & ~N, 1, ANY}}}}},
};

static bool one_of(const struct decoded *d, size_t at, const struct item *item)
{
    if (at == d->n) return false;
    if (item->set == SPACE_ONLY) return d->codes[at] == ' ';
    if ((item->set & SLASH) != 0 && d->codes[at] == '/') return true;
    return (d->bits[at] & item->set) != 0;
}

// Characters of a contraction at `at`, 0 if none.
static size_t contraction(const struct decoded *d, size_t at, bool any_case)
{
    static const char *const texts[] = {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
    for (size_t i = 0; i < 7; i++) {
        size_t n = strlen(texts[i]);
        bool same = at + n <= d->n;
        for (size_t k = 0; k < n && same; k++) {
            uint32_t code = d->codes[at + k];
            if (any_case && code == 0x17F) code = 's';
            if (any_case && code >= 'A' && code <= 'Z') code += 'a' - 'A';
            same = code == (uint32_t)texts[i][k];
        }
        if (same) return n;
    }
    return 0;
}

// End of a match of items at `at`, SIZE_MAX if there is none.
static size_t match_items(const struct decoded *d, size_t at, const struct item *items,
                          size_t n_items)
{
    if (n_items == 0 || items->most == 0) return at;
    if (items->set == NO_MORE) return at == d->n || (d->bits[at] & S) != 0 ? at : SIZE_MAX;
    if (items->set == CONTRACTION || items->set == CONTRACTION_LOWER) {
        size_t n = contraction(d, at, items->set == CONTRACTION);
        return n > 0 || items->least == 0 ? at + n : SIZE_MAX;
    }
    size_t end = at;
    while (end - at < items->most && one_of(d, end, items))
        end++;
    for (; end + 1 > at + items->least; end--) {
        size_t rest = match_items(d, end, items + 1, n_items - 1);
        if (rest != SIZE_MAX) return rest;
        if (end == at) break;
    }
    return SIZE_MAX;
}

static size_t reference_match(const struct decoded *d, size_t from,
                              const struct alternative *alternatives)
{
    for (size_t i = 0; i < 9; i++) {
        if (alternatives[i].items[0].most == 0) continue;
        size_t end = match_items(d, from, alternatives[i].items, 4);
        if (end != SIZE_MAX && end > from) return end;
    }
    check_failed(__FILE__, __LINE__, "no alternative matches");
}

static void decode(const struct pretokenize *p, struct span text, struct decoded *d)
{
    d->n = 0;
    for (size_t at = 0; at < text.n_bytes; d->n++) {
        d->at[d->n] = at;
        at +=
            reference_character((struct span){text.data + at, text.n_bytes - at}, &d->codes[d->n]);
        d->bits[d->n] = 1u << pretokenize_class(p, d->codes[d->n]);
    }
    d->at[d->n] = text.n_bytes;
}

static void check_random(const struct pretokenize *p, uint64_t seed)
{
    static const char *const bits[] = {" ",
                                       " ",
                                       " ",
                                       "\n",
                                       "\r\n",
                                       "\t",
                                       "'",
                                       "'",
                                       "s",
                                       "S",
                                       "re",
                                       "LL",
                                       "a",
                                       "Z",
                                       "7",
                                       "12",
                                       ".",
                                       "(",
                                       "/",
                                       "\xC2\xA0",
                                       "\xC3\xA9",
                                       "\xC3\x89",
                                       "\xC5\xBF",
                                       "\xC7\x85",
                                       "\xE4\xBD\xA0",
                                       "\xCA\xB0",
                                       "\xFF",
                                       "\xC3",
                                       "\xE2\x82",
                                       "\xD9\xA1",
                                       "\xCC\x81",
                                       "\xED\xA0\x80",
                                       "\xE3\x80\x80",
                                       "\xF0",
                                       "\x80",
                                       "\xF0\x9F\x98\x80"};
    uint64_t key = rng_key(seed, "pretokenize");
    for (uint64_t round = 0; round < 10000; round++) {
        uint8_t data[256];
        size_t n = 0;
        uint64_t n_bits = 1 + rng_u64(key, round, 0) % 24;
        for (uint64_t i = 1; i <= n_bits; i++) {
            const char *bit = bits[rng_u64(key, round, i) % (sizeof bits / sizeof *bits)];
            memcpy(data + n, bit, strlen(bit));
            n += strlen(bit);
        }
        struct decoded d;
        decode(p, (struct span){data, n}, &d);
        for (size_t r = 0; r < sizeof references / sizeof *references; r++)
            for (size_t from = 0; from < d.n;) {
                size_t end = reference_match(&d, from, references[r].alternatives);
                struct span rest = {data + d.at[from], n - d.at[from]};
                CHECK_EQ(pretokenize_next(p, references[r].rule, rest), d.at[end] - d.at[from]);
                from = end;
            }
    }
}

// Names and expressions lead back to their rules.
static void check_names(void)
{
    for (unsigned i = 0; i < PRETOKENIZE_N_RULES; i++) {
        enum pretokenize_rule rule = (enum pretokenize_rule)i;
        const char *name = pretokenize_name(rule), *regex = pretokenize_regex(rule);
        CHECK_EQ(pretokenize_rule_named(name, strlen(name)), i);
        if (regex != NULL) CHECK_EQ(pretokenize_rule_of_regex(regex), i);
    }
    CHECK_EQ(pretokenize_rule_named("gpt", 3), PRETOKENIZE_N_RULES);
    CHECK_EQ(pretokenize_rule_of_regex("\\s+"), PRETOKENIZE_N_RULES);
}

static void check_classes(const struct pretokenize *p)
{
    size_t n[PRETOKENIZE_N_CLASSES] = {0};
    for (uint32_t code = 0; code < 0x110000; code++)
        n[pretokenize_class(p, code)]++;
    CHECK_EQ(n[PRETOKENIZE_SPACE], 23); // characters with White_Space
    CHECK_EQ(n[PRETOKENIZE_NEWLINE], 2);
    CHECK_EQ(pretokenize_class(p, 0x10FFFF), PRETOKENIZE_OTHER);
    CHECK_EQ(pretokenize_class(p, 0x3400), PRETOKENIZE_LETTER);
    CHECK_EQ(pretokenize_class(p, 0x4DBF), PRETOKENIZE_LETTER);
    CHECK_EQ(pretokenize_class(p, 0x2FA1D), PRETOKENIZE_LETTER);
    CHECK_EQ(pretokenize_class(p, 0xFFFD), PRETOKENIZE_PUNCTUATION);
    CHECK_EQ(pretokenize_class(p, 0xE000), PRETOKENIZE_OTHER);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    const struct pretokenize *p = pretokenize_build(&a);
    check_names();
    check_tables(p);
    check_classes(p);
    check_random(p, seed);
    arena_fini(&a);
    return 0;
}
