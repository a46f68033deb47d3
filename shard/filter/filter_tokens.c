#include "shard/filter/filter_tokens.h"

#include <string.h>

#include "base/grow.h"
#include "base/size.h"

// 5 mod 8, so that its powers run through a quarter of all 64-bit numbers.
#define TOKEN_BASE 0xD1342543DE82EF95u

void filter_tokens_use(struct filter_tokens *t, const struct filter_characters *characters,
                       const struct words *words)
{
    t->characters = characters;
    t->words = words;
    t->powers[0] = 1;
    for (size_t i = 1; i < FILTER_TOKENS_POWERS; i++)
        t->powers[i] = t->powers[i - 1] * TOKEN_BASE;
}

void filter_tokens_fini(struct filter_tokens *t)
{
    grow_free(t->n_characters);
    grow_free(t->tokens);
    t->n_characters = NULL;
    t->tokens = NULL;
}

void filter_tokens_begin(struct filter_tokens *t)
{
    t->n_tokens = 0;
    t->tokens_end = NULL;
    t->n_words = t->n_solid = t->n_solid_characters = t->n_alphabetic = 0;
    t->stop_words = 0;
}

// What the bytes of a word tell.
struct look {
    uint64_t hash;
    uint32_t any, all; // classes of any and of all characters
    uint32_t n_characters;
};

static struct look look_at(const struct filter_characters *characters, struct span word)
{
    struct look l = {0, 0, UINT32_MAX, 0};
    const uint16_t *ascii = characters->ascii;
    const uint8_t *end = word.data + word.n_bytes;
    for (const uint8_t *d = word.data; d < end; l.n_characters++) {
        uint32_t classes, n_bytes = 1;
        if (*d < 0x80) {
            classes = ascii[*d];
        } else {
            const struct filter_character c = filter_character_at(characters, d);
            classes = c.classes;
            n_bytes = c.n_bytes;
        }
        l.any |= classes;
        l.all &= classes;
        for (; n_bytes > 0; n_bytes--)
            l.hash = l.hash * TOKEN_BASE + *d++ + 1;
    }
    return l;
}

static uint64_t power_of(const struct filter_tokens *t, size_t n_bytes)
{
    if (n_bytes < FILTER_TOKENS_POWERS) return t->powers[n_bytes];
    uint64_t power = 1, square = TOKEN_BASE;
    for (; n_bytes > 0; n_bytes >>= 1, square *= square)
        if (n_bytes & 1) power *= square;
    return power;
}

// The bit of a stop word, 0 for others.
static uint32_t stop_word_bit(struct span word)
{
#define WORD(a, b, c, d) \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)
    if (word.n_bytes < 2 || word.n_bytes > 4) return 0;
    uint32_t bytes = 0;
    for (size_t i = 0; i < word.n_bytes; i++)
        bytes |= (uint32_t)word.data[i] << i * 8;
    switch (bytes) {
    case WORD('t', 'h', 'e', 0):
        return 1;
    case WORD('b', 'e', 0, 0):
        return 2;
    case WORD('t', 'o', 0, 0):
        return 4;
    case WORD('o', 'f', 0, 0):
        return 8;
    case WORD('a', 'n', 'd', 0):
        return 16;
    case WORD('t', 'h', 'a', 't'):
        return 32;
    case WORD('h', 'a', 'v', 'e'):
        return 64;
    case WORD('w', 'i', 't', 'h'):
        return 128;
    }
    return 0;
#undef WORD
}

static void keep_hash(struct filter_tokens *t, struct span word, const struct look *l)
{
    t->tokens[t->n_tokens] = (struct filter_token){l->hash, power_of(t, word.n_bytes)};
    t->n_characters[t->n_tokens++] = l->n_characters;
    t->tokens_end = word.data + word.n_bytes;
}

static void add(struct filter_tokens *t, struct span word, const struct look *l)
{
    const bool solid = !(l->all & CHARACTER_SYMBOL);
    t->n_words++;
    t->n_solid += solid;
    t->n_solid_characters += solid ? l->n_characters : 0;
    t->n_alphabetic += (l->any & CHARACTER_ALPHABETIC) != 0;
    t->stop_words |= stop_word_bit(word);
    if (t->n_tokens < FILTER_TOKENS_LIMIT) keep_hash(t, word, l);
}

// Room for n words more, as far as they are kept.
static enum err make_room(struct filter_tokens *t, size_t n)
{
    const size_t need = size_min(t->n_tokens + n, FILTER_TOKENS_LIMIT);
    if (need <= t->tokens_capacity && need <= t->characters_capacity) return OK;
    TRY(grow_array(&t->tokens, &t->tokens_capacity, need, sizeof *t->tokens));
    return grow_array(&t->n_characters, &t->characters_capacity, need, sizeof *t->n_characters);
}

enum err filter_tokens_take(struct filter_tokens *t, struct span word)
{
    TRY(make_room(t, 1));
    const struct look l = look_at(t->characters, word);
    add(t, word, &l);
    return OK;
}

// A line on its way: where the reader stands and what it has counted.
struct line_reader {
    const struct filter_characters *characters;
    const uint8_t *at, *end;
    struct sentences sentences;
    uint32_t n_words;
    bool spaced; // more than one space stands before the next word
};

// Skips space; false at the end of the line.
static bool skip_space(struct line_reader *r)
{
    const uint8_t *start = r->at;
    while (r->at < r->end) {
        const struct filter_character c = filter_character_at(r->characters, r->at);
        if (!(c.classes & CHARACTER_SPACE)) break;
        r->at += c.n_bytes;
    }
    const size_t n = (size_t)(r->at - start);
    r->spaced = n > 1 || (n == 1 && *start != ' ');
    return r->at < r->end;
}

// The next run without space, at most WORDS_CHUNK_LIMIT bytes of it; what its ASCII bytes are goes
// into *l, whose n_characters is 0 if there are others.
static struct span next_chunk(struct line_reader *r, struct look *l)
{
    const uint16_t *ascii = r->characters->ascii;
    const uint8_t *start = r->at, *d = start;
    const uint8_t *limit =
        (size_t)(r->end - start) > WORDS_CHUNK_LIMIT ? start + WORDS_CHUNK_LIMIT : r->end;
    uint64_t hash = 0;
    uint32_t any = 0, all = UINT32_MAX;
    bool beyond = false;
    while (d < limit) {
        uint32_t n_bytes = 1, classes = ascii[*d];
        if (*d >= 0x80) {
            const struct filter_character c = filter_character_at(r->characters, d);
            if (d + c.n_bytes > limit) break;
            classes = c.classes;
            n_bytes = c.n_bytes;
            beyond = true;
        }
        if (classes & CHARACTER_SPACE) break;
        any |= classes;
        all &= classes;
        hash = hash * TOKEN_BASE + *d + 1;
        d += n_bytes;
    }
    r->at = d;
    *l = (struct look){hash, any, all, beyond ? 0 : (uint32_t)(d - start)};
    return (struct span){start, (size_t)(d - start)};
}

static void count_word(struct line_reader *r, const struct look *l)
{
    const bool period = l->n_characters == 1 && l->any & CHARACTER_PERIOD;
    sentences_add(&r->sentences, period, (l->all & CHARACTER_PUNCTUATION) != 0, r->spaced);
    r->spaced = false;
    r->n_words++;
}

// Reads a chunk's words; keep is t to keep them, or NULL.
static enum err read_chunk(const struct filter_tokens *t, struct line_reader *r,
                           struct filter_tokens *keep)
{
    struct look l;
    const struct span chunk = next_chunk(r, &l);
    uint16_t ends[WORDS_CHUNK_LIMIT];
    const bool plain = l.n_characters > 0 && l.all & CHARACTER_LETTER;
    const size_t n =
        plain ? words_split_letters(t->words, chunk, ends) : words_split(t->words, chunk, ends);
    if (keep) TRY(make_room(keep, n));
    if (n == 1 && l.n_characters > 0) {
        count_word(r, &l);
        if (keep) add(keep, chunk, &l);
        return OK;
    }
    for (size_t i = 0, start = 0; i < n; start = ends[i++]) {
        const struct span word = {chunk.data + start, ends[i] - start};
        l = look_at(t->characters, word);
        count_word(r, &l);
        if (keep) add(keep, word, &l);
    }
    return OK;
}

static struct line_reader begin_line(const struct filter_tokens *t, struct span line)
{
    return (struct line_reader){
        .characters = t->characters, .at = line.data, .end = line.data + line.n_bytes};
}

enum err filter_tokens_read(struct filter_tokens *t, struct span line, struct filter_line_sums *out)
{
    struct line_reader r = begin_line(t, line);
    while (skip_space(&r))
        TRY(read_chunk(t, &r, t));
    *out = (struct filter_line_sums){r.n_words, sentences_count(&r.sentences)};
    return OK;
}

enum err filter_tokens_count(const struct filter_tokens *t, struct span line,
                             struct filter_line_sums *out)
{
    struct line_reader r = begin_line(t, line);
    while (skip_space(&r))
        TRY(read_chunk(t, &r, NULL));
    *out = (struct filter_line_sums){r.n_words, sentences_count(&r.sentences)};
    return OK;
}
