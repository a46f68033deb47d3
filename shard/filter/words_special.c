#include "shard/filter/words_special.h"

#include <string.h>

#include "base/err.h"

enum { N_SLOTS = 8192, SPECIALS_LIMIT = 2400 };

struct words_specials {
    uint32_t endings[256];   // of the last byte: bits of the last but one, mod 32, that are there
    uint16_t slots[N_SLOTS]; // row + 1; 0 = empty
    size_t n_rows;
    struct words_special rows[SPECIALS_LIMIT];
};

static uint32_t hash_of(struct span text)
{
    uint64_t hash = text.n_bytes;
    for (size_t i = 0; i < text.n_bytes; i++)
        hash = (hash ^ text.data[i]) * 0x9E3779B97F4A7C15u;
    return (uint32_t)(hash >> 40);
}

// Most words end in no way that a special does.
static uint32_t ending_bit(struct span text)
{
    return text.n_bytes > 1 ? 1u << text.data[text.n_bytes - 2] % 32 : 1u;
}

const struct words_special *words_special_find(const struct words_specials *s, struct span text)
{
    if (text.n_bytes > WORDS_SPECIAL_LIMIT || text.n_bytes == 0) return NULL;
    if (!(s->endings[text.data[text.n_bytes - 1]] & ending_bit(text))) return NULL;
    const uint32_t hash = hash_of(text);
    for (uint32_t at = hash % N_SLOTS; s->slots[at] != 0; at = (at + 1) % N_SLOTS) {
        const struct words_special *row = &s->rows[s->slots[at] - 1];
        if (row->n_bytes == text.n_bytes && memcmp(row->text, text.data, text.n_bytes) == 0)
            return row;
    }
    return NULL;
}

// A later row of the same text is the one that counts.
static void add_row(struct words_specials *s, const struct words_special *row)
{
    const struct span text = {row->text, row->n_bytes};
    const struct words_special *old = words_special_find(s, text);
    if (old) {
        s->rows[old - s->rows] = *row;
        return;
    }
    ASSERT(s->n_rows < SPECIALS_LIMIT);
    s->endings[text.data[text.n_bytes - 1]] |= ending_bit(text);
    uint32_t at = hash_of(text) % N_SLOTS;
    while (s->slots[at] != 0)
        at = (at + 1) % N_SLOTS;
    s->rows[s->n_rows++] = *row;
    s->slots[at] = (uint16_t)s->n_rows;
}

static void append(struct words_special *row, const char *part, const char *apostrophe)
{
    for (; *part; part++) {
        const char one[2] = {*part, '\0'}, *text = *part == '\'' ? apostrophe : one;
        const size_t n_bytes = strlen(text);
        ASSERT(row->n_bytes + n_bytes <= WORDS_SPECIAL_LIMIT);
        memcpy(row->text + row->n_bytes, text, n_bytes);
        row->joins |= !((*part >= 'a' && *part <= 'z') || (*part >= 'A' && *part <= 'Z'));
        row->n_bytes = (uint8_t)(row->n_bytes + n_bytes);
    }
}

static void add_with(struct words_specials *s, const char *const parts[3], const char *apostrophe)
{
    struct words_special row = {.n_bytes = 0};
    for (size_t i = 0; i < 3; i++) {
        if (i > 0 && *parts[i]) row.cuts[row.n_cuts++] = row.n_bytes;
        append(&row, parts[i], apostrophe);
    }
    add_row(s, &row);
}

// Adds the parts joined, with typewriter's and with typographic apostrophes; part 2 or 3 may be "".
static void add(struct words_specials *s, const char *part1, const char *part2, const char *part3)
{
    const char *const parts[3] = {part1, part2, part3};
    add_with(s, parts, "'");
    if (strchr(part1, '\'') || strchr(part2, '\'') || strchr(part3, '\''))
        add_with(s, parts, "\u2019");
}

// part1 as it is and with a capital.
static void add_both(struct words_specials *s, const char *part1, const char *part2,
                     const char *part3)
{
    char title[WORDS_SPECIAL_LIMIT + 1] = {0};
    strncpy(title, part1, WORDS_SPECIAL_LIMIT);
    if (title[0] >= 'a' && title[0] <= 'z') title[0] = (char)(title[0] - 'a' + 'A');
    add(s, part1, part2, part3);
    add(s, title, part2, part3);
}

// Of "'ll" both "'ll" and "ll", of "'d've" also "dve": people leave apostrophes out.
static void add_ending(struct words_specials *s, const char *stem, const char *part2,
                       const char *part3)
{
    add_both(s, stem, part2, part3);
    add_both(s, stem, part2[0] == '\'' ? part2 + 1 : part2, part3[0] == '\'' ? part3 + 1 : part3);
}

static void add_pronoun(struct words_specials *s, const char *stem)
{
    add_ending(s, stem, "'ll", "");
    add_ending(s, stem, "'ll", "'ve");
    add_ending(s, stem, "'d", "");
    add_ending(s, stem, "'d", "'ve");
}

#define EACH(i, list)                 \
    size_t i = 0;                     \
    i < sizeof list / sizeof list[0]; \
    i++

static void add_pronouns(struct words_specials *s)
{
    static const char *const all[] = {"i", "you", "he", "she", "it", "we", "they"};
    static const char *const have[] = {"i", "you", "we", "they"};
    static const char *const are[] = {"you", "we", "they"};
    static const char *const is[] = {"he", "she", "it"};
    add_ending(s, "i", "'m", "");
    add_ending(s, "i", "'m", "a");
    for (EACH(i, all))
        add_pronoun(s, all[i]);
    for (EACH(i, have))
        add_ending(s, have[i], "'ve", "");
    for (EACH(i, are))
        add_ending(s, are[i], "'re", "");
    for (EACH(i, is))
        add_ending(s, is[i], "'s", "");
}

static void add_question_words(struct words_specials *s)
{
    static const char *const all[] = {"who",   "what",  "when",  "where", "why", "how",
                                      "there", "these", "those", "that",  "this"};
    const size_t n_not_plural = 6;
    for (EACH(i, all)) {
        const bool plural = i == n_not_plural + 1 || i == n_not_plural + 2;
        const bool this_or_that = i > n_not_plural + 2;
        add_pronoun(s, all[i]);
        if (!plural) add_ending(s, all[i], "'s", "");
        if (this_or_that) continue;
        add_ending(s, all[i], "'re", "");
        add_ending(s, all[i], "'ve", "");
    }
}

static void add_verbs(struct words_specials *s)
{
    static const char *const not_have[] = {"ca",    "could", "do",     "does", "did",
                                           "had",   "may",   "might",  "must", "need",
                                           "ought", "sha",   "should", "wo",   "would"};
    static const char *const not [] = {"ai", "are", "is", "was", "were", "have", "has", "dare"};
    static const char *const have[] = {"could", "might", "must", "should", "would"};
    for (EACH(i, not_have)) {
        add_both(s, not_have[i], "n't", "");
        add_both(s, not_have[i], "nt", "");
        add_both(s, not_have[i], "n't", "'ve");
        add_both(s, not_have[i], "nt", "ve");
    }
    for (EACH(i, not )) {
        add_both(s, not [i], "n't", "");
        add_both(s, not [i], "nt", "");
    }
    for (EACH(i, have))
        add_ending(s, have[i], "'ve", "");
}

// Words with parts between bars, and with and without a capital.
static void add_other_contractions(struct words_specials *s)
{
    static const char *const rows[][3] = {
        {"y'", "all", ""},  {"y", "all", ""},   {"how", "'d", "'y"}, {"How", "'d", "'y"},
        {"not", "'ve", ""}, {"not", "ve", ""},  {"Not", "'ve", ""},  {"Not", "ve", ""},
        {"can", "not", ""}, {"Can", "not", ""}, {"gon", "na", ""},   {"Gon", "na", ""},
        {"got", "ta", ""},  {"Got", "ta", ""},  {"let", "'s", ""},   {"Let", "'s", ""},
        {"c'm", "on", ""},  {"C'm", "on", ""}};
    for (EACH(i, rows))
        add(s, rows[i][0], rows[i][1], rows[i][2]);
    static const char *const hours[] = {"1", "2", "3", "4",  "5",  "6",
                                        "7", "8", "9", "10", "11", "12"};
    static const char *const halves[] = {"a.m.", "am", "p.m.", "pm"};
    for (EACH(h, hours))
        for (EACH(k, halves))
            add(s, hours[h], halves[k], "");
}

static void add_whole(struct words_specials *s)
{
    static const char *const both[] = {"doin",      "doin'",  "goin",    "goin'",  "nothin",
                                       "nothin'",   "nuthin", "nuthin'", "ol",     "ol'",
                                       "havin",     "havin'", "lovin",   "lovin'", "somethin",
                                       "somethin'", "ma'am",  "o'clock"};
    static const char *const once[] = {
        "em",      "'em",     "ll",      "'ll",     "nuff",  "'nuff",   "'S",      "'s",
        "\u2018S", "\u2018s", "and/or",  "w/o",     "'re",   "'Cause",  "'cause",  "'cos",
        "'Cos",    "'coz",    "'Coz",    "'cuz",    "'Cuz",  "'bout",   "'d",      "a.m.",
        "Adm.",    "Bros.",   "co.",     "Co.",     "Corp.", "D.C.",    "Dr.",     "e.g.",
        "E.g.",    "E.G.",    "Gen.",    "Gov.",    "i.e.",  "I.e.",    "I.E.",    "Inc.",
        "Jr.",     "Ltd.",    "Md.",     "Messrs.", "Mo.",   "Mont.",   "Mr.",     "Mrs.",
        "Ms.",     "p.m.",    "Ph.D.",   "Prof.",   "Rep.",  "Rev.",    "Sen.",    "St.",
        "vs.",     "v.s.",    "Mt.",     "Ak.",     "Ala.",  "Apr.",    "Ariz.",   "Ark.",
        "Aug.",    "Calif.",  "Colo.",   "Conn.",   "Dec.",  "Del.",    "Feb.",    "Fla.",
        "Ga.",     "Ia.",     "Id.",     "Ill.",    "Ind.",  "Jan.",    "Jul.",    "Jun.",
        "Kan.",    "Kans.",   "Ky.",     "La.",     "Mar.",  "Mass.",   "Mich.",   "Minn.",
        "Miss.",   "N.C.",    "N.D.",    "N.H.",    "N.J.",  "N.M.",    "N.Y.",    "Neb.",
        "Nebr.",   "Nev.",    "Nov.",    "Oct.",    "Okla.", "Ore.",    "Pa.",     "S.C.",
        "Sep.",    "Sept.",   "Tenn.",   "Va.",     "Wash.", "Wis.",    "\\t",     "\\n",
        "'",       "\\\")",   "<space>", "''",      "C++",   "\u00e4.", "\u00f6.", "\u00fc.",
        "\u2014"};
    for (EACH(i, both))
        add_both(s, both[i], "", "");
    for (EACH(i, once))
        add(s, once[i], "", "");
    static const char *const degrees[] = {"c", "f", "k", "C", "F", "K"};
    for (EACH(i, degrees))
        add(s, "\u00b0", degrees[i], ".");
    for (char letter = 'a'; letter <= 'z'; letter++)
        add(s, (const char[]){letter, '.', '\0'}, "", "");
}

static void add_emoticons(struct words_specials *s)
{
    static const char *const rows[] = {
        ":)",   ":-)", ":))", ":-))", ":)))", ":-)))", "(:",  "(-:",   "=)",    "(=",    ":]",
        ":-]",  "[:",  "[-:", "[=",   "=]",   ":o)",   "(o:", ":}",    ":-}",   "8)",    "8-)",
        "(-8",  ";)",  ";-)", "(;",   "(-;",  ":(",    ":-(", ":((",   ":-((",  ":(((",  ":-(((",
        "):",   ")-:", "=(",  ">:(",  ":')",  ":'-)",  ":'(", ":'-(",  ":/",    ":-/",   "=/",
        "=|",   ":|",  ":-|", "]=",   "=[",   ":1",    ":P",  ":-P",   ":p",    ":-p",   ":O",
        ":-O",  ":o",  ":-o", ":0",   ":-0",  ":()",   ">:o", ":*",    ":-*",   ":3",    ":-3",
        "=3",   ":>",  ":->", ":X",   ":-X",  ":x",    ":-x", ":D",    ":-D",   ";D",    ";-D",
        "=D",   "xD",  "XD",  "xDD",  "XDD",  "8D",    "8-D", "^_^",   "^__^",  "^___^", ">.<",
        ">.>",  "<.<", "._.", ";_;",  "-_-",  "-__-",  "v.v", "V.V",   "v_v",   "V_V",   "o_o",
        "o_O",  "O_o", "O_O", "0_o",  "o_0",  "0_0",   "o.O", "O.o",   "O.O",   "o.o",   "0.0",
        "o.0",  "0.o", "@_@", "<3",   "<33",  "<333",  "</3", "(^_^)", "(-_-)", "(._.)", "(>_<)",
        "(*_*)"};
    for (EACH(i, rows))
        add(s, rows[i], "", "");
}

// Contractions without their apostrophe that are words of their own.
static void remove_words(struct words_specials *s)
{
    static const char *const rows[] = {"ill", "its", "hell", "shell", "shed", "were", "well"};
    for (EACH(i, rows))
        add_both(s, rows[i], "", "");
}

const struct words_specials *words_specials_build(struct arena *a)
{
    struct words_specials *s = ARENA_NEW(a, struct words_specials);
    add_pronouns(s);
    add_question_words(s);
    add_verbs(s);
    add_other_contractions(s);
    add_whole(s);
    add_emoticons(s);
    remove_words(s);
    return s;
}
