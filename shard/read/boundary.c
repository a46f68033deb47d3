// Where records begin in a file that is split at a separator of n bytes: reading from the left
// takes the first separator, goes on behind it, and so on. An occurrence is certainly taken when no
// other one begins in the n - 1 bytes before it: nothing that is taken can then reach into it. So a
// search that begins 2n - 1 bytes before a place knows of each occurrence that ends behind that
// place whether it is certain.

#include "shard/read/boundary.h"

#include <string.h>

#include "base/size.h"
#include "shard/read/reader_kind.h"

enum {
    AT_ONCE_BYTES = 1 << 20, // of records, whose memory is then used again
    GUESSES_LIMIT = 64       // that turn out to be no records, in one search
};

struct boundary_rule boundary_rule(const struct input_file *file,
                                   const struct reader_options *options, bool packed)
{
    const struct reader_kind *kind = &READER_KINDS[file->kind];
    struct boundary_rule rule = {.members = packed && kind->members};
    if (!packed && kind->separator) rule.separator = kind->separator(options);
    return rule;
}

enum err boundary_packed(const struct input_file *file, bool *out)
{
    struct unpack *s;
    TRY(unpack_open(file->path, &s));
    *out = unpack_packed(s);
    unpack_close(s);
    return OK;
}

// The first certain begin in [from, end) behind a separator.
static enum err find_separator(struct unpack *s, struct span separator, uint64_t from, uint64_t end,
                               uint64_t *out)
{
    const size_t n = separator.n_bytes;
    uint64_t previous = BOUNDARY_NONE;
    size_t searched = 0;
    for (;;) {
        const struct span window = unpack_window(s);
        const uint8_t *hit = memmem(window.data + searched, window.n_bytes - searched,
                                    separator.data, separator.n_bytes);
        if (hit) {
            const uint64_t place = unpack_offset(s) + (uint64_t)(hit - window.data);
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

// The first member in [from, end) that can be read and begins with a record.
static enum err find_member(struct unpack *s, const struct reader_kind *kind, uint64_t end,
                            uint64_t *out)
{
    for (int i = 0; i < GUESSES_LIMIT; i++) {
        uint64_t n_skipped;
        TRY(unpack_resync(s, &n_skipped));
        const uint64_t place = unpack_place(s);
        if (place >= end) return OK;
        const enum err e = unpack_fill(s);
        if (e != OK && e != ERR_DATA) return e;
        if (e == ERR_DATA || !kind->sniff(unpack_window(s))) continue;
        *out = place;
        return OK;
    }
    return OK;
}

enum err boundary_find(const struct input_file *file, const struct boundary_rule *rule,
                       uint64_t from, uint64_t end, uint64_t *out)
{
    const size_t n = rule->separator ? strlen(rule->separator) : 0;
    const uint64_t back = rule->members ? 0 : 2 * n - 1;
    const struct input_piece piece = {.first_byte = from > back ? from - back : 0,
                                      .end_byte = rule->members ? file->n_bytes : end,
                                      .packed = rule->members};
    struct unpack *s;
    *out = BOUNDARY_NONE;
    ASSERT((n > 0) != rule->members && from > 0 && from < end);
    TRY(unpack_open_piece(file->path, &piece, &s));
    const struct span separator = {(const uint8_t *)rule->separator, n};
    const enum err e = rule->members ? find_member(s, &READER_KINDS[file->kind], end, out)
                                     : find_separator(s, separator, from, end, out);
    unpack_close(s);
    return e;
}

static enum err read_all(struct reader *r, struct arena *a)
{
    struct reader_record record;
    size_t n_bytes = 0;
    for (;;) {
        bool more;
        TRY(reader_next(r, a, &record, &more));
        if (!more) return OK;
        n_bytes += record.raw.n_bytes;
        if (n_bytes < AT_ONCE_BYTES) continue;
        arena_reset(a);
        n_bytes = 0;
    }
}

enum err boundary_count(const struct input_file *piece, const struct reader_options *options,
                        struct boundary_count *out)
{
    struct input_file file = *piece;
    struct reader_options o = *options;
    const struct inputs inputs = {.files = &file, .n_files = 1};
    struct arena a, records;
    file.piece.n_before = file.piece.n_bytes_before = 0;
    o.skip_bad = true; // what is bad is said when the piece is read
    arena_init(&a, "count");
    arena_init(&records, "counted records");
    struct reader *r = reader_open(&inputs, &o, &a);
    const enum err e = read_all(r, &records);
    const struct reader_loss loss = reader_loss(r);
    const bool sound = loss.n_documents == 0 && loss.n_bytes == 0 && !r->streamed;
    if (e == OK)
        *out = (struct boundary_count){r->number, r->end_offset, !file.piece.packed || sound};
    reader_close(r);
    arena_fini(&records);
    arena_fini(&a);
    return e;
}
