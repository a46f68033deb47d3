// Where records begin in a file that is split at a separator of n bytes: reading from the left
// takes the first separator, goes on behind it, and so on. An occurrence is certainly taken when no
// other one begins in the n - 1 bytes before it: nothing that is taken can then reach into it. So a
// search that begins 2n - 1 bytes before a place knows of each occurrence that ends behind that
// place whether it is certain.

#include "shard/read/boundary.h"

#include <string.h>

#include "base/size.h"
#include "shard/read/reader_kind.h"

enum { RECORDS_AT_ONCE = 64 }; // whose memory is given back together

enum err boundary_separator(const struct input_file *file, const struct reader_options *options,
                            const char **out)
{
    const reader_separator_fn separator = READER_KINDS[file->kind].separator;
    struct unpack *s;
    *out = NULL;
    if (!separator || file->compressed) return OK;
    TRY(unpack_open(file->path, &s));
    if (!unpack_packed(s)) *out = separator(options);
    unpack_close(s);
    return OK;
}

// The first certain begin in [from, end) behind a separator in the stream, which begins at "at".
static enum err search(struct unpack *s, uint64_t at, struct span separator, uint64_t from,
                       uint64_t end, uint64_t *out)
{
    const size_t n = separator.n_bytes;
    uint64_t previous = BOUNDARY_NONE;
    size_t searched = 0;
    for (;;) {
        const struct span window = unpack_window(s);
        const uint8_t *hit = memmem(window.data + searched, window.n_bytes - searched,
                                    separator.data, separator.n_bytes);
        if (hit) {
            const uint64_t place = at + unpack_offset(s) + (uint64_t)(hit - window.data);
            const bool certain = previous == BOUNDARY_NONE || place - previous >= n;
            previous = place;
            searched = (size_t)(hit - window.data) + 1;
            if (place + n >= end) return OK;
            if (!certain || place + n < from) continue;
            *out = place + n;
            return OK;
        }
        if (unpack_ended(s)) return OK;
        unpack_take(s, window.n_bytes - size_min(n - 1, window.n_bytes));
        searched = 0;
        TRY(unpack_fill(s));
    }
}

enum err boundary_find(const struct input_file *file, const char *separator, uint64_t from,
                       uint64_t end, uint64_t *out)
{
    const size_t n = strlen(separator);
    const uint64_t first = from > 2 * n - 1 ? from - (2 * n - 1) : 0;
    const struct input_piece piece = {.first_byte = first, .end_byte = end};
    struct unpack *s;
    *out = BOUNDARY_NONE;
    ASSERT(n > 0 && from > 0 && from < end);
    TRY(unpack_open_piece(file->path, &piece, &s));
    const struct span bytes = {(const uint8_t *)separator, n};
    const enum err e = search(s, first, bytes, from, end, out);
    unpack_close(s);
    return e;
}

static enum err count(struct reader *r, struct arena *a)
{
    struct reader_record record;
    bool more = true;
    for (size_t i = 1; more; i++) {
        TRY(reader_next(r, a, &record, &more));
        if (i % RECORDS_AT_ONCE == 0) arena_reset(a);
    }
    return OK;
}

enum err boundary_count(const struct input_file *piece, const struct reader_options *options,
                        uint64_t *out)
{
    struct input_file file = *piece;
    struct reader_options o = *options;
    const struct inputs inputs = {.files = &file, .n_files = 1};
    struct arena a, records;
    file.piece.n_before = 0;
    o.skip_bad = true; // what is bad is said when the piece is read
    arena_init(&a, "count");
    arena_init(&records, "counted records");
    struct reader *r = reader_open(&inputs, &o, &a);
    const enum err e = count(r, &records);
    if (e == OK) *out = r->number;
    reader_close(r);
    arena_fini(&records);
    arena_fini(&a);
    return e;
}
