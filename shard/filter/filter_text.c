#include "shard/filter/filter_text.h"

#include <string.h>

#include "shard/filter/filter_bytes.h"
#include "shard/filter/filter_character.h"

struct sequence {
    uint32_t n_bytes;
    uint8_t second_min, second_max;
};

// What a first byte promises (Unicode's table 3-7); n_bytes 0 = nothing begins with it.
static struct sequence sequence_of(uint8_t first)
{
    if (first < 0x80) return (struct sequence){1, 0, 0};
    if (first < 0xC2 || first > 0xF4) return (struct sequence){0, 0, 0};
    if (first < 0xE0) return (struct sequence){2, 0x80, 0xBF};
    if (first < 0xF0)
        return (struct sequence){3, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF};
    return (struct sequence){4, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF};
}

// Bytes of the character at text[at] if *whole, else of the part of one that breaks off there.
static size_t character_bytes(struct span text, size_t at, bool *whole)
{
    const struct sequence s = sequence_of(text.data[at]);
    *whole = s.n_bytes == 1;
    if (s.n_bytes < 2) return 1;
    for (size_t i = 1; i < s.n_bytes; i++) {
        if (at + i == text.n_bytes) return i;
        uint8_t byte = text.data[at + i];
        uint8_t low = i == 1 ? s.second_min : 0x80, high = i == 1 ? s.second_max : 0xBF;
        if (byte < low || byte > high) return i;
    }
    *whole = true;
    return s.n_bytes;
}

static size_t count_broken(struct span text)
{
    size_t n_broken = 0;
    for (size_t at = 0; at < text.n_bytes;) {
        bool whole = true;
        at += text.data[at] < 0x80 ? 1 : character_bytes(text, at, &whole);
        n_broken += !whole;
    }
    return n_broken;
}

static struct span replace_broken(struct span text, size_t n_broken, struct arena *arena)
{
    static const uint8_t replacement[3] = {0xEF, 0xBF, 0xBD};
    const size_t growth = sizeof replacement - 1; // a part that breaks off has a byte or more
    uint8_t *out = ARENA_ARRAY(arena, uint8_t, text.n_bytes + n_broken * growth);
    size_t n = 0;
    for (size_t at = 0; at < text.n_bytes;) {
        bool whole;
        size_t n_bytes = character_bytes(text, at, &whole);
        memcpy(out + n, whole ? text.data + at : replacement, whole ? n_bytes : sizeof replacement);
        n += whole ? n_bytes : sizeof replacement;
        at += n_bytes;
    }
    return (struct span){out, n};
}

struct filter_text filter_text_look(struct span text, struct arena *arena)
{
    if (text.n_bytes == 0) text.data = (const uint8_t *)""; // never NULL from here on
    if (filter_bytes_or(text) < 0x80) return (struct filter_text){text, text.n_bytes, true, false};
    size_t n_broken = count_broken(text);
    if (n_broken > 0) text = replace_broken(text, n_broken, arena);
    return (struct filter_text){text, filter_character_count(text), false, n_broken > 0};
}
