#include "shard/dedup/word_grams.h"

#include <stdbool.h>
#include <string.h>

#include "base/size.h"
#include "shard/filter/words.h"

struct splitting {
    const struct words *splitter;
    struct arena *arena;
    struct span *list;
    size_t n, capacity;
};

static void add(struct splitting *s, const uint8_t *data, size_t n_bytes)
{
    if (s->n == s->capacity)
        s->list = ARENA_GROW(s->arena, struct span, s->list, s->n + 1, &s->capacity);
    s->list[s->n++] = (struct span){data, n_bytes};
}

// The most bytes, up to the splitter's limit, that do not break a character.
static size_t piece_bytes(struct span chunk)
{
    if (chunk.n_bytes <= WORDS_CHUNK_LIMIT) return chunk.n_bytes;
    size_t n = WORDS_CHUNK_LIMIT;
    while (n > 1 && (chunk.data[n] & 0xc0) == 0x80)
        n--;
    return n;
}

static void add_chunk(struct splitting *s, struct span chunk, bool letters)
{
    uint16_t ends[WORDS_CHUNK_LIMIT];
    while (chunk.n_bytes > 0) {
        const struct span piece = {chunk.data, piece_bytes(chunk)};
        const size_t n = letters ? words_split_letters(s->splitter, piece, ends)
                                 : words_split(s->splitter, piece, ends);
        for (size_t i = 0, first = 0; i < n; first = ends[i++])
            add(s, piece.data + first, ends[i] - first);
        chunk.data += piece.n_bytes;
        chunk.n_bytes -= piece.n_bytes;
    }
}

struct chunk {
    size_t end;
    bool letters; // nothing but a to z
};

static struct chunk chunk_at(struct span text, size_t at)
{
    struct chunk c = {at, true};
    for (; c.end < text.n_bytes && text.data[c.end] != ' '; c.end++)
        c.letters &= (uint8_t)(text.data[c.end] - 'a') < 26;
    return c;
}

const struct span *word_grams_split(const struct words *splitter, struct span text, struct arena *a,
                                    size_t *n_words)
{
    struct splitting s = {.splitter = splitter, .arena = a};
    for (size_t at = 0; at < text.n_bytes; at++) {
        const struct chunk c = chunk_at(text, at);
        if (c.end > at && splitter != NULL)
            add_chunk(&s, (struct span){text.data + at, c.end - at}, c.letters);
        else if (c.end > at)
            add(&s, text.data + at, c.end - at);
        at = c.end;
    }
    *n_words = s.n;
    return s.list;
}

static bool are_joined(const struct span *words, size_t n_words)
{
    for (size_t i = 1; i < n_words; i++) {
        const uint8_t *end = words[i - 1].data + words[i - 1].n_bytes;
        if (words[i].data != end + 1 || *end != ' ') return false;
    }
    return true;
}

const struct span *word_grams_join(const struct span *words, size_t n_words, struct arena *a)
{
    if (are_joined(words, n_words)) return words;
    size_t n_bytes = n_words;
    for (size_t i = 0; i < n_words; i++)
        n_bytes += words[i].n_bytes;
    uint8_t *text = ARENA_ARRAY(a, uint8_t, n_bytes);
    struct span *joined = ARENA_ARRAY(a, struct span, n_words);
    for (size_t i = 0; i < n_words; i++) {
        memcpy(text, words[i].data, words[i].n_bytes);
        joined[i] = (struct span){text, words[i].n_bytes};
        text += words[i].n_bytes;
        *text++ = ' ';
    }
    return joined;
}
