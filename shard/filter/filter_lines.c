#include "shard/filter/filter_lines.h"

#include <string.h>

#include "shard/filter/filter_bytes.h"

static bool has_other_ends(struct span text, bool ascii)
{
    // Control bytes 0x0B..0x1E but not the tab; U+0085, U+2028 and U+2029 are looked for only where
    // there is more than ASCII.
    if (!ascii) return true;
    return filter_bytes_any_control(text) != 0;
}

struct filter_lines filter_lines_begin(const struct filter_characters *characters, struct span text,
                                       bool ascii)
{
    return (struct filter_lines){.characters = characters,
                                 .at = text.data,
                                 .end = text.data + text.n_bytes,
                                 .only_newlines = !has_other_ends(text, ascii)};
}

// The line end at or behind at; its bytes in *n_bytes (0 = the text ends).
static const uint8_t *find_end(const struct filter_lines *l, size_t *n_bytes)
{
    const uint16_t *ascii = l->characters->ascii;
    for (const uint8_t *d = l->at; d < l->end; d++) {
        const bool beyond = *d == 0xC2 || *d == 0xE2;
        if (!beyond && !(ascii[*d] & CHARACTER_LINE_END)) continue;
        const struct filter_character c = filter_character_at(l->characters, d);
        if (!(c.classes & CHARACTER_LINE_END)) continue;
        const bool both = *d == '\r' && d + 1 < l->end && d[1] == '\n';
        *n_bytes = c.n_bytes + both;
        return d;
    }
    *n_bytes = 0;
    return l->end;
}

bool filter_lines_next(struct filter_lines *l, struct span *line)
{
    if (l->at == l->end) return false;
    const uint8_t *start = l->at, *end;
    size_t n_bytes = 0;
    if (l->only_newlines) {
        end = memchr(start, '\n', (size_t)(l->end - start));
        n_bytes = end != NULL;
        if (!end) end = l->end;
    } else {
        end = find_end(l, &n_bytes);
    }
    *line = (struct span){start, (size_t)(end - start)};
    l->at = end + n_bytes;
    return true;
}
