#pragma once
// What a reader makes of files, as text: a line a document, "id [text hello][image 12]", with +
// where the piece counts for the loss; then a line of what was lost. For tests of readers.

#include "base/hash.h"
#include "base/text.h"
#include "shard/read/bin_edges.h"
#include "shard/read/reader.h"
#include "tests/shard/format/corpus.h"

enum { READ_DUMP_TEXT = 80 }; // of longer ones only size and hash are shown

static inline void read_dump_piece(struct text *t, const struct document_piece *p)
{
    static const char *const kinds[] = {"text", "tokens", "bins", "image"};
    text_printf(t, "[%s%s ", kinds[p->kind], p->loss ? "+" : "");
    if (p->kind == DOCUMENT_IMAGE)
        text_printf(t, "%zu", p->bytes.n_bytes);
    else if (p->kind == DOCUMENT_TEXT && p->bytes.n_bytes > READ_DUMP_TEXT)
        text_printf(t, "%zu %016llx", p->bytes.n_bytes,
                    (unsigned long long)hash_xxh3(p->bytes.data, p->bytes.n_bytes, 0));
    else if (p->kind == DOCUMENT_TEXT)
        text_put(t, (const char *)p->bytes.data, p->bytes.n_bytes);
    for (size_t i = 0; p->kind == DOCUMENT_BINS && i < p->bytes.n_bytes; i += 2)
        text_printf(t, "%s%d", i ? " " : "", p->bytes.data[i] | p->bytes.data[i + 1] << 8);
    for (size_t i = 0; p->kind == DOCUMENT_TOKENS && i < p->bytes.n_bytes; i += 4)
        text_printf(t, "%s%d", i ? " " : "", p->bytes.data[i] | p->bytes.data[i + 1] << 8);
    text_put(t, "]", 1);
}

static inline void read_dump_document(struct text *t, const struct reader_record *record,
                                      struct arena *a)
{
    struct document d;
    if (reader_document(record, a, &d) != OK) {
        text_printf(t, "bad: %s\n",
                    strrchr(err_line(), '/') ? strrchr(err_line(), '/') + 1 : err_line());
        return;
    }
    text_printf(t, "%.*s ", (int)d.id.n_bytes, (const char *)d.id.data);
    if (d.html)
        text_printf(t, "(html %.*s) ", (int)d.charset.n_bytes, (const char *)d.charset.data);
    for (size_t i = 0; i < d.n_pieces; i++)
        read_dump_piece(t, &d.pieces[i]);
    text_put(t, "\n", 1);
}

/// All documents of the files, in a.
static inline const char *read_dump(char *const *paths, size_t n_paths,
                                    const struct reader_options *options, struct arena *a,
                                    struct reader_loss *loss)
{
    struct inputs inputs;
    struct text t;
    CHECK_OK(inputs_list(paths, n_paths, a, &inputs));
    struct reader *r = reader_open(&inputs, options, a);
    text_begin(&t, a);
    for (;;) {
        struct reader_record record;
        bool more;
        CHECK_OK(reader_next(r, a, &record, &more));
        if (!more) break;
        read_dump_document(&t, &record, a);
    }
    *loss = reader_loss(r);
    reader_close(r);
    return t.data;
}

/// Of one file, what is bad left out.
static inline const char *read_dump_file(const char *path, struct arena *a,
                                         struct reader_loss *loss)
{
    const struct reader_options options = {.skip_bad = true};
    char *paths[] = {arena_strdup(a, path)};
    return read_dump(paths, 1, &options, a, loss);
}

/// The error that reading the file ends with when nothing bad is left out.
static inline enum err read_dump_error(const char *path, struct arena *a)
{
    const struct reader_options options = {0};
    char *paths[] = {arena_strdup(a, path)};
    struct inputs inputs;
    CHECK_OK(inputs_list(paths, 1, a, &inputs));
    struct reader *r = reader_open(&inputs, &options, a);
    enum err e = OK;
    for (bool more = true; e == OK && more;) {
        struct reader_record record;
        e = reader_next(r, a, &record, &more);
    }
    reader_close(r);
    return e;
}
