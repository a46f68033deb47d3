// Split files stream through a window: [first, end) is read and not yet taken, [first, searched)
// holds no separator. A piece is copied out, so the window may move under the next one.

#include "shard/read/reader.h"

#include <string.h>

#include "base/file.h"
#include "base/size.h"
#include "shard/read/reader_jsonl.h"

enum { WINDOW_READ_BYTES = 1 << 20 };

struct reader {
    const struct inputs *inputs;
    const struct reader_options *options;
    struct reader_loss loss;
    struct arena window_arena; // owns the window; renewed when it grows
    size_t next_file;
    const struct input_file *file; // open, or NULL
    int fd;
    uint64_t file_bytes, n_read, number;
    uint8_t *window;
    size_t capacity, first, searched, end;
};

struct reader *reader_open(const struct inputs *inputs, const struct reader_options *options,
                           struct arena *a)
{
    struct reader *r = ARENA_NEW(a, struct reader);
    *r = (struct reader){.inputs = inputs, .options = options, .fd = -1};
    arena_init(&r->window_arena, "reader window");
    return r;
}

struct reader_loss reader_loss(const struct reader *r)
{
    return r->loss;
}

static void close_file(struct reader *r)
{
    if (r->file) {
        const enum err e = file_close(r->fd, r->file->path);
        (void)e; // nothing was written
    }
    r->file = NULL;
}

void reader_close(struct reader *r)
{
    close_file(r);
    arena_fini(&r->window_arena);
}

// Room for n more bytes behind end: what was taken is dropped, then the window grows.
static void window_reserve(struct reader *r, size_t n)
{
    const size_t kept = r->end - r->first;
    if (kept) memmove(r->window, r->window + r->first, kept);
    r->searched -= r->first;
    r->first = 0;
    r->end = kept;
    if (r->capacity - kept >= n) return;
    struct arena larger;
    arena_init(&larger, "reader window");
    r->capacity = size_max(kept + n, 2 * r->capacity);
    uint8_t *window = arena_alloc(&larger, r->capacity, 8);
    if (kept) memcpy(window, r->window, kept);
    arena_fini(&r->window_arena);
    r->window_arena = larger;
    r->window = window;
}

static enum err open_file(struct reader *r, const struct input_file *file)
{
    TRY(file_open_read(file->path, &r->fd));
    r->file = file;
    r->n_read = r->number = 0;
    r->first = r->searched = r->end = 0;
    if (!r->window) window_reserve(r, WINDOW_READ_BYTES);
    return file_size(r->fd, file->path, &r->file_bytes);
}

static enum err window_fill(struct reader *r)
{
    if (r->end - r->first > READER_DOCUMENT_LIMIT)
        return fail(ERR_DATA, "%s: document %llu is longer than %d MiB; split the file (--split)",
                    r->file->path, (unsigned long long)r->number + 1, READER_DOCUMENT_LIMIT >> 20);
    const size_t n = size_min(WINDOW_READ_BYTES, r->file_bytes - r->n_read);
    window_reserve(r, n);
    TRY(file_pread(r->fd, r->file->path, r->window + r->end, n, r->n_read));
    r->end += n;
    r->n_read += n;
    return OK;
}

// There is no window before the first fill, and nothing may be added to NULL, not even 0.
static const uint8_t *window_at(const struct reader *r, size_t offset)
{
    return offset == 0 ? r->window : r->window + offset;
}

// The next piece of the open file, borrowed from the window; *more false at the end of the file.
static enum err next_piece(struct reader *r, const char *separator, struct span *out, bool *more)
{
    const size_t n = strlen(separator);
    for (;;) {
        const uint8_t *from = window_at(r, r->searched);
        const uint8_t *hit =
            r->end > r->searched ? memmem(from, r->end - r->searched, separator, n) : NULL;
        if (hit) {
            *out = (struct span){r->window + r->first, (size_t)(hit - r->window) - r->first};
            r->first = r->searched = (size_t)(hit - r->window) + n;
            *more = true;
            return OK;
        }
        if (r->n_read == r->file_bytes) break;
        const size_t overlap = size_min(n - 1, r->end - r->first);
        r->searched = r->end - overlap;
        TRY(window_fill(r));
    }
    *more = r->end > r->first;
    *out = (struct span){window_at(r, r->first), r->end - r->first};
    r->first = r->searched = r->end;
    return OK;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool blank(struct span s)
{
    for (size_t i = 0; i < s.n_bytes; i++) {
        if (!is_space(s.data[i])) return false;
    }
    return true;
}

static bool is_newline(uint8_t c)
{
    return c == '\n' || c == '\r';
}

static struct span without_newlines_around(struct span s)
{
    size_t first = 0, end = s.n_bytes;
    while (first < end && is_newline(s.data[first]))
        first++;
    while (end > first && is_newline(s.data[end - 1]))
        end--;
    return (struct span){s.data + first, end - first};
}

// The next piece that is not blank; *more false when the open file has no more.
static enum err next_record(struct reader *r, struct arena *a, struct reader_record *out,
                            bool *more)
{
    const bool lines = r->file->kind == INPUT_JSONL;
    for (;;) {
        struct span piece;
        TRY(next_piece(r, lines ? "\n" : r->options->separator, &piece, more));
        if (!*more) return OK;
        if (lines) r->number++;
        if (blank(piece)) continue;
        if (!lines) r->number++;
        if (!lines) piece = without_newlines_around(piece);
        const char *raw = arena_strndup(a, (const char *)piece.data, piece.n_bytes);
        *out = (struct reader_record){r->file, {(const uint8_t *)raw, piece.n_bytes}, r->number};
        return OK;
    }
}

static enum err read_whole(const struct input_file *file, struct arena *a,
                           struct reader_record *out)
{
    *out = (struct reader_record){.file = file};
    const size_t limit = file->kind == INPUT_HTML ? READER_HTML_LIMIT : READER_DOCUMENT_LIMIT;
    return file_read(file->path, limit, a, &out->raw);
}

enum err reader_next(struct reader *r, struct arena *a, struct reader_record *out, bool *more)
{
    for (;;) {
        if (r->file) {
            TRY(next_record(r, a, out, more));
            if (*more) return OK;
            close_file(r);
        }
        *more = r->next_file < r->inputs->n_files;
        if (!*more) return OK;
        const struct input_file *file = &r->inputs->files[r->next_file++];
        const bool streams =
            file->kind == INPUT_JSONL || (file->kind == INPUT_TEXT && r->options->separator);
        if (!streams) return read_whole(file, a, out);
        TRY(open_file(r, file));
    }
}

static struct span default_id(const struct reader_record *record, struct arena *a)
{
    const char *source = record->file->source;
    const char *id = source;
    if (record->number)
        id = arena_printf(a, "%s%c%llu", source, record->file->kind == INPUT_JSONL ? ':' : '#',
                          (unsigned long long)record->number);
    return (struct span){(const uint8_t *)id, strlen(id)};
}

static enum err parse_line(const struct reader_record *record, struct arena *a,
                           struct document *out, struct span *text)
{
    enum err e = reader_jsonl_parse(record->raw, a, &out->id, text);
    if (e == OK && out->id.n_bytes > READER_ID_LIMIT)
        e = fail(ERR_DATA, "\"id\" of %zu bytes, the limit is %d", out->id.n_bytes,
                 READER_ID_LIMIT);
    if (e == OK) return OK;
    return fail_at(e, "%s:%llu", record->file->path, (unsigned long long)record->number);
}

enum err reader_document(const struct reader_record *record, struct arena *a, struct document *out)
{
    struct document document = {.html = record->file->kind == INPUT_HTML};
    struct span text = record->raw;
    if (record->file->kind == INPUT_JSONL) TRY(parse_line(record, a, &document, &text));
    if (document.id.n_bytes == 0) document.id = default_id(record, a);
    struct document_piece *piece = ARENA_NEW(a, struct document_piece);
    *piece = (struct document_piece){DOCUMENT_TEXT, true, text};
    document.pieces = piece;
    document.n_pieces = 1;
    *out = document;
    return OK;
}
