#include "shard/filter/filter_repeats.h"

#include <string.h>

#include "base/hash.h"
#include "base/size.h"
#include "shard/filter/filter_bytes.h"

enum { SHORT_LINE_CHARACTERS = 30 };

static size_t characters_of(struct span piece, bool ascii)
{
    return ascii ? piece.n_bytes : filter_character_count(piece);
}

static void add_piece(struct filter_set *set, struct span piece, bool ascii,
                      struct filter_repeats *r)
{
    if (r->n_pieces++ >= FILTER_REPEATS_LIMIT) return;
    if (!filter_set_add(set, hash_xxh3(piece.data, piece.n_bytes, 0))) return;
    r->n_duplicates++;
    r->n_duplicate_characters += characters_of(piece, ascii);
}

// The first run of at least n_min newlines at or behind at; its end in *run_end. NULL = none.
static const uint8_t *find_newlines(const uint8_t *at, const uint8_t *end, size_t n_min,
                                    const uint8_t **run_end)
{
    while (at < end) {
        const uint8_t *found = memchr(at, '\n', (size_t)(end - at));
        if (!found) return NULL;
        for (at = found; at < end && *at == '\n';)
            at++;
        *run_end = at;
        if ((size_t)(at - found) >= n_min) return found;
    }
    return NULL;
}

static enum err cut_at_newlines(struct filter_set *set, struct span text, size_t n_min, bool ascii,
                                struct filter_repeats *out)
{
    const size_t n_pieces = filter_bytes_count(text, '\n') + 1;
    TRY(filter_set_begin(set, size_min(n_pieces, FILTER_REPEATS_LIMIT), false));
    *out = (struct filter_repeats){0};
    const uint8_t *at = text.data, *end = text.data + text.n_bytes, *behind = at;
    for (;;) {
        const uint8_t *cut = find_newlines(at, end, n_min, &behind);
        const uint8_t *piece_end = cut ? cut : end;
        add_piece(set, (struct span){at, (size_t)(piece_end - at)}, ascii, out);
        if (!cut) return OK;
        at = behind;
    }
}

enum err filter_repeats_paragraphs(struct filter_set *set, const struct filter_characters *t,
                                   const struct filter_text *text, struct filter_repeats *out)
{
    return cut_at_newlines(set, filter_character_strip(t, text->bytes), 2, text->ascii, out);
}

enum err filter_repeats_lines(struct filter_set *set, const struct filter_text *text,
                              struct filter_repeats *out)
{
    return cut_at_newlines(set, text->bytes, 1, text->ascii, out);
}

static void add_left(struct filter_set *set, const struct filter_characters *t, struct span line,
                     bool ascii, struct filter_left *left)
{
    if (filter_character_strip(t, line).n_bytes == 0) return;
    add_piece(set, line, ascii, &left->repeats);
    const uint8_t *end = line.data + line.n_bytes;
    left->n_terminal +=
        (filter_character_before(t, line.data, end).classes & CHARACTER_TERMINAL) != 0;
    left->n_short += line.n_bytes <= SHORT_LINE_CHARACTERS ||
                     (line.n_bytes <= SHORT_LINE_CHARACTERS * 4 &&
                      characters_of(line, ascii) <= SHORT_LINE_CHARACTERS);
}

enum err filter_repeats_left(struct filter_set *set, const struct filter_characters *t,
                             const struct filter_text *text, struct filter_left *out)
{
    *out = (struct filter_left){.n_newlines = filter_bytes_count(text->bytes, '\n')};
    TRY(filter_set_begin(set, size_min(out->n_newlines + 1, FILTER_REPEATS_LIMIT), false));
    const uint8_t *at = text->bytes.data, *end = at + text->bytes.n_bytes;
    while (at < end) {
        const uint8_t *cut = memchr(at, '\n', (size_t)(end - at));
        if (!cut) cut = end;
        add_left(set, t, (struct span){at, (size_t)(cut - at)}, text->ascii, out);
        at = cut < end ? cut + 1 : end;
    }
    return OK;
}
