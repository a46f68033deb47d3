#include "shard/filter/filter_character.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

#include "base/err.h"
#include "shard/filter/filter_bytes.h"

// Classes of code points in blocks of 256; equal blocks are kept once.
enum {
    N_CODES = FILTER_CHARACTER_CODES,
    BLOCK_CODES = FILTER_CHARACTER_BLOCK,
    N_BLOCKS = N_CODES / BLOCK_CODES
};

struct code_range {
    uint32_t first, last;
};

static const struct code_range space[] = {
    {0x09, 0x0D},     {0x1C, 0x20},     {0x85, 0x85},     {0xA0, 0xA0},     {0x1680, 0x1680},
    {0x2000, 0x200A}, {0x2028, 0x2029}, {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}};

static const struct code_range line_end[] = {
    {0x0A, 0x0D}, {0x1C, 0x1E}, {0x85, 0x85}, {0x2028, 0x2029}};

// datatrove's PUNCTUATION; its terminal punctuation counts as symbols too.
static const struct code_range symbol[] = {
    {0x00, 0x08},     {0x0B, 0x1F},     {0x21, 0x2F},     {0x3A, 0x40},     {0x5B, 0x60},
    {0x7B, 0x9F},     {0xAB, 0xAB},     {0xB4, 0xB4},     {0xBB, 0xBB},     {0x2013, 0x2014},
    {0x2019, 0x2019}, {0x201C, 0x201E}, {0x2026, 0x2026}, {0x2236, 0x2236}, {0x2501, 0x2501},
    {0x25BA, 0x25BA}, {0x3001, 0x3002}, {0x3008, 0x300D}, {0x3010, 0x3011}, {0xFF01, 0xFF01},
    {0xFF05, 0xFF05}, {0xFF08, 0xFF09}, {0xFF0C, 0xFF0C}, {0xFF0E, 0xFF0E}, {0xFF11, 0xFF11},
    {0xFF1A, 0xFF1B}, {0xFF1F, 0xFF1F}, {0xFF5E, 0xFF5E}};

// Unicode's Sentence_Terminal as datatrove lists it: 159 characters.
static const struct code_range terminal[] = {
    {0x21, 0x21},       {0x2E, 0x2E},       {0x3F, 0x3F},       {0x589, 0x589},
    {0x61D, 0x61F},     {0x6D4, 0x6D4},     {0x700, 0x702},     {0x7F9, 0x7F9},
    {0x837, 0x837},     {0x839, 0x839},     {0x83D, 0x83E},     {0x964, 0x965},
    {0x104A, 0x104B},   {0x1362, 0x1362},   {0x1367, 0x1368},   {0x166E, 0x166E},
    {0x1735, 0x1736},   {0x17D4, 0x17D6},   {0x17D9, 0x17DA},   {0x1803, 0x1803},
    {0x1809, 0x1809},   {0x1944, 0x1945},   {0x1AA8, 0x1AAB},   {0x1B5A, 0x1B5B},
    {0x1B5E, 0x1B5F},   {0x1B7D, 0x1B7E},   {0x1C3B, 0x1C3C},   {0x1C7E, 0x1C7F},
    {0x203C, 0x203D},   {0x2047, 0x2049},   {0x2E2E, 0x2E2E},   {0x2E3C, 0x2E3C},
    {0x2E53, 0x2E54},   {0x3002, 0x3002},   {0xA4FF, 0xA4FF},   {0xA60E, 0xA60F},
    {0xA6F3, 0xA6F3},   {0xA6F7, 0xA6F7},   {0xA876, 0xA877},   {0xA8CE, 0xA8CF},
    {0xA92F, 0xA92F},   {0xA9C8, 0xA9C9},   {0xAA5D, 0xAA5F},   {0xAAF0, 0xAAF1},
    {0xABEB, 0xABEB},   {0xFE52, 0xFE52},   {0xFE56, 0xFE57},   {0xFF01, 0xFF01},
    {0xFF0E, 0xFF0E},   {0xFF1F, 0xFF1F},   {0xFF61, 0xFF61},   {0x10A56, 0x10A57},
    {0x10F55, 0x10F59}, {0x10F86, 0x10F89}, {0x11047, 0x11048}, {0x110BE, 0x110C1},
    {0x11141, 0x11143}, {0x111C5, 0x111C6}, {0x111CD, 0x111CD}, {0x111DE, 0x111DF},
    {0x11238, 0x11239}, {0x1123B, 0x1123C}, {0x112A9, 0x112A9}, {0x1144B, 0x1144C},
    {0x115C2, 0x115C3}, {0x115C9, 0x115D7}, {0x11641, 0x11642}, {0x1173C, 0x1173E},
    {0x11944, 0x11944}, {0x11946, 0x11946}, {0x11A42, 0x11A43}, {0x11A9B, 0x11A9C},
    {0x11C41, 0x11C42}, {0x11EF7, 0x11EF8}, {0x11F43, 0x11F44}, {0x16A6E, 0x16A6F},
    {0x16AF5, 0x16AF5}, {0x16B37, 0x16B38}, {0x16B44, 0x16B44}, {0x16E98, 0x16E98},
    {0x1BC9F, 0x1BC9F}, {0x1DA88, 0x1DA88}};

// Of those, the ones that spaCy's sentencizer does not know.
static const struct code_range no_period[] = {
    {0x61D, 0x61E},     {0x837, 0x837},     {0x839, 0x839},     {0x83D, 0x83E},
    {0x17D4, 0x17D6},   {0x17D9, 0x17DA},   {0x1B7D, 0x1B7E},   {0x2E53, 0x2E54},
    {0x10F55, 0x10F59}, {0x10F86, 0x10F89}, {0x11944, 0x11944}, {0x11946, 0x11946},
    {0x11EF7, 0x11EF8}, {0x11F43, 0x11F44}, {0x16E98, 0x16E98}};

// , : ; ! ? ( ) [ ] { } < > _ # * & and their like in other scripts.
static const struct code_range cut[] = {
    {0x21, 0x21},     {0x23, 0x23},     {0x26, 0x26},     {0x28, 0x2A},     {0x2C, 0x2C},
    {0x3A, 0x3C},     {0x3E, 0x3F},     {0x5B, 0x5B},     {0x5D, 0x5D},     {0x5F, 0x5F},
    {0x7B, 0x7B},     {0x7D, 0x7D},     {0xA1, 0xA1},     {0xB7, 0xB7},     {0xBF, 0xBF},
    {0x60C, 0x60C},   {0x61B, 0x61B},   {0x61F, 0x61F},   {0x66A, 0x66A},   {0x6D4, 0x6D4},
    {0x964, 0x964},   {0x2026, 0x2026}, {0x3001, 0x3002}, {0xFF01, 0xFF01}, {0xFF0C, 0xFF0C},
    {0xFF1A, 0xFF1B}, {0xFF1F, 0xFF1F}, {0xFF5E, 0xFF5E}};

static const struct code_range quote[] = {
    {0x22, 0x22},     {0x27, 0x27},     {0x2C, 0x2C},     {0x60, 0x60},     {0xAB, 0xAB},
    {0xB4, 0xB4},     {0xBB, 0xBB},     {0x2018, 0x201A}, {0x201C, 0x201E}, {0x2329, 0x232A},
    {0x27E6, 0x27E7}, {0x3008, 0x3011}, {0x3014, 0x3015}, {0xFF08, 0xFF09}};

struct class_ranges {
    uint16_t class;
    const struct code_range *ranges;
    size_t n_ranges;
};
#define RANGES(class, name)                       \
    {                                             \
        class, name, sizeof name / sizeof name[0] \
    }
static const struct class_ranges range_classes[] = {RANGES(CHARACTER_SPACE, space),
                                                    RANGES(CHARACTER_LINE_END, line_end),
                                                    RANGES(CHARACTER_SYMBOL, symbol),
                                                    RANGES(CHARACTER_SYMBOL, terminal),
                                                    RANGES(CHARACTER_TERMINAL, terminal),
                                                    RANGES(CHARACTER_CUT, cut),
                                                    RANGES(CHARACTER_CUT | CHARACTER_QUOTE, quote)};

static uint16_t category_classes(utf8proc_category_t category)
{
    const uint16_t letter = CHARACTER_ALPHABETIC | CHARACTER_LETTER;
    if (category == UTF8PROC_CATEGORY_LL) return letter | CHARACTER_LOWER;
    if (category == UTF8PROC_CATEGORY_LU || category == UTF8PROC_CATEGORY_LT)
        return letter | CHARACTER_UPPER;
    if (category == UTF8PROC_CATEGORY_LO || category == UTF8PROC_CATEGORY_LM)
        return letter | CHARACTER_LOWER | CHARACTER_UPPER;
    if (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_MC)
        return CHARACTER_LETTER | CHARACTER_LOWER | CHARACTER_UPPER;
    if (category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO)
        return CHARACTER_PUNCTUATION;
    if (category == UTF8PROC_CATEGORY_ND) return CHARACTER_DECIMAL;
    if (category == UTF8PROC_CATEGORY_SC) return CHARACTER_CURRENCY;
    if (category == UTF8PROC_CATEGORY_SO) return CHARACTER_ICON;
    return 0;
}

// What spaCy's letters leave out although Unicode has them as letters or marks.
static uint16_t spacy_classes(uint32_t code, uint16_t classes)
{
    const uint16_t case_classes = CHARACTER_LETTER | CHARACTER_LOWER | CHARACTER_UPPER;
    bool combining = code >= 0x300 && code <= 0x36F;
    return combining ? (uint16_t)(classes & ~case_classes) : classes;
}

static void add_ranges(uint16_t *classes)
{
    for (size_t c = 0; c < sizeof range_classes / sizeof range_classes[0]; c++) {
        const struct class_ranges *r = &range_classes[c];
        for (size_t i = 0; i < r->n_ranges; i++)
            for (uint32_t code = r->ranges[i].first; code <= r->ranges[i].last; code++)
                classes[code] |= r->class;
    }
    for (uint32_t code = 0; code < N_CODES; code++)
        if (classes[code] & CHARACTER_TERMINAL) classes[code] |= CHARACTER_PERIOD;
    for (size_t i = 0; i < sizeof no_period / sizeof no_period[0]; i++)
        for (uint32_t code = no_period[i].first; code <= no_period[i].last; code++)
            classes[code] &= (uint16_t)~CHARACTER_PERIOD;
    for (uint32_t code = '0'; code <= '9'; code++)
        classes[code] |= CHARACTER_DIGIT;
}

const struct filter_characters *filter_characters_build(struct arena *a)
{
    struct arena scratch;
    arena_init(&scratch, "filter characters");
    uint16_t *classes = ARENA_ARRAY(&scratch, uint16_t, N_CODES);
    for (uint32_t code = 0; code < N_CODES; code++)
        classes[code] =
            spacy_classes(code, category_classes(utf8proc_category((utf8proc_int32_t)code)));
    add_ranges(classes);
    uint16_t *block_of = ARENA_ARRAY(&scratch, uint16_t, N_BLOCKS);
    struct filter_character_block *blocks =
        ARENA_ARRAY(&scratch, struct filter_character_block, N_BLOCKS);
    size_t n_blocks = 0;
    for (uint32_t b = 0; b < N_BLOCKS; b++) {
        memcpy(&blocks[n_blocks], classes + (size_t)b * BLOCK_CODES, sizeof *blocks);
        size_t same = 0;
        while (memcmp(&blocks[same], &blocks[n_blocks], sizeof *blocks) != 0)
            same++;
        block_of[b] = (uint16_t)same;
        n_blocks += same == n_blocks;
    }
    struct filter_characters *t =
        arena_alloc(a, sizeof *t + n_blocks * sizeof *blocks, alignof(struct filter_characters));
    memcpy(t->ascii, classes, 128 * sizeof *classes);
    memcpy(t->block_of, block_of, sizeof t->block_of);
    memcpy(t->blocks, blocks, n_blocks * sizeof *blocks);
    arena_fini(&scratch);
    return t;
}

uint32_t filter_character_classes(const struct filter_characters *t, uint32_t code)
{
    DASSERT(code < N_CODES);
    return t->blocks[t->block_of[code / BLOCK_CODES]].classes[code % BLOCK_CODES];
}

struct filter_character filter_character_beyond(const struct filter_characters *t, const uint8_t *d)
{
    struct filter_character c;
    if (d[0] < 0xE0) {
        c.code = (d[0] & 0x1Fu) << 6 | (d[1] & 0x3Fu);
        c.n_bytes = 2;
    } else if (d[0] < 0xF0) {
        c.code = (d[0] & 0x0Fu) << 12 | (d[1] & 0x3Fu) << 6 | (d[2] & 0x3Fu);
        c.n_bytes = 3;
    } else {
        c.code = (d[0] & 0x07u) << 18 | (d[1] & 0x3Fu) << 12 | (d[2] & 0x3Fu) << 6 | (d[3] & 0x3Fu);
        c.n_bytes = 4;
    }
    c.classes = filter_character_classes(t, c.code);
    return c;
}

struct filter_character filter_character_before(const struct filter_characters *t,
                                                const uint8_t *start, const uint8_t *end)
{
    DASSERT(start < end);
    const uint8_t *d = end - 1;
    while (d > start && (*d & 0xC0) == 0x80)
        d--;
    return filter_character_at(t, d);
}

struct span filter_character_strip(const struct filter_characters *t, struct span text)
{
    const uint8_t *start = text.data, *end = text.data + text.n_bytes;
    while (start < end) {
        struct filter_character c = filter_character_at(t, start);
        if (!(c.classes & CHARACTER_SPACE)) break;
        start += c.n_bytes;
    }
    while (end > start) {
        struct filter_character c = filter_character_before(t, start, end);
        if (!(c.classes & CHARACTER_SPACE)) break;
        end -= c.n_bytes;
    }
    return (struct span){start, (size_t)(end - start)};
}

size_t filter_character_count(struct span text)
{
    return text.n_bytes - filter_bytes_count_continuations(text);
}
