// Text files, whole or split at a separator, and HTML files, which are whole.

#include "base/file.h"
#include "shard/read/piece_list.h"
#include "shard/read/reader_kind.h"

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

static enum err read_piece(struct reader *r, struct arena *a, struct reader_record *out)
{
    for (;;) {
        struct span piece;
        TRY(reader_piece(r, r->options->separator, &piece));
        if (r->ended) return OK;
        if (reader_blank(piece)) continue;
        r->number++;
        *out = reader_record_of(r, without_newlines_around(piece), a);
        return OK;
    }
}

const char *reader_text_separator(const struct reader_options *options)
{
    return options->separator;
}

// A compressed file, whole.
static enum err read_unpacked(struct reader *r, size_t limit, struct arena *a,
                              struct reader_record *out)
{
    TRY(reader_unpack(r));
    while (!unpack_ended(r->unpack)) {
        TRY(reader_fill(r));
        if (unpack_window(r->unpack).n_bytes <= limit) continue;
        r->loss.n_bytes += r->file->n_bytes;
        return fail(ERR_DATA, "%s: longer than %zu MiB when unpacked%s", r->file->path, limit >> 20,
                    r->file->kind == INPUT_TEXT ? "; split the file (--split)" : "");
    }
    *out = reader_record_of(r, unpack_window(r->unpack), a);
    return OK;
}

// The whole file is the record: the second call finds nothing more.
static enum err read_once(struct reader *r, size_t limit, struct arena *a,
                          struct reader_record *out)
{
    r->ended = r->state;
    if (r->ended) return OK;
    r->state = r;
    if (r->file->compressed) return read_unpacked(r, limit, a, out);
    *out = (struct reader_record){.file = r->file, .options = r->options};
    const enum err e = file_read(r->file->path, limit, a, &out->raw);
    if (e == ERR_DATA) r->loss.n_bytes += r->file->n_bytes;
    return e;
}

enum err reader_text_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    if (r->options->separator) return read_piece(r, a, out);
    return read_once(r, READER_DOCUMENT_LIMIT, a, out);
}

enum err reader_text_document(const struct reader_record *record, struct arena *a,
                              struct document *out)
{
    struct piece_list list = {.arena = a};
    piece_list_add(&list, DOCUMENT_TEXT, true, record->raw);
    piece_list_end(&list, out);
    return OK;
}

enum err reader_file_next(struct reader *r, struct arena *a, struct reader_record *out)
{
    return read_once(r, READER_HTML_LIMIT, a, out);
}

enum err reader_html_document(const struct reader_record *record, struct arena *a,
                              struct document *out)
{
    out->html = true;
    return reader_text_document(record, a, out);
}
