#include "shard/read/reader.h"

#include <string.h>

#include "base/little.h"
#include "base/size.h"
#include "shard/read/reader_kind.h"

struct reader *reader_open(const struct inputs *inputs, const struct reader_options *options,
                           struct arena *a)
{
    struct reader *r = ARENA_NEW(a, struct reader);
    *r = (struct reader){.inputs = inputs, .options = options};
    arena_init(&r->file_arena, "open input");
    arena_init(&r->scratch, "input at hand");
    return r;
}

struct reader_loss reader_loss(const struct reader *r)
{
    return r->loss;
}

static void close_file(struct reader *r)
{
    if (r->state && READER_KINDS[r->file->kind].close) READER_KINDS[r->file->kind].close(r);
    r->end_offset = r->unpack ? unpack_offset(r->unpack) : 0;
    r->streamed = r->unpack && unpack_streamed(r->unpack);
    unpack_close(r->unpack);
    arena_reset(&r->file_arena);
    r->unpack = NULL;
    r->state = NULL;
    r->file = NULL;
}

void reader_close(struct reader *r)
{
    close_file(r);
    arena_fini(&r->file_arena);
    arena_fini(&r->scratch);
}

static void begin_file(struct reader *r)
{
    r->file = &r->inputs->files[r->next_file++];
    r->ended = false;
    r->number = r->file->piece.n_before;
    r->searched = 0;
}

enum err reader_next(struct reader *r, struct arena *a, struct reader_record *out, bool *more)
{
    for (;;) {
        if (!r->file && r->next_file == r->inputs->n_files) {
            *more = false;
            return OK;
        }
        if (!r->file) begin_file(r);
        const enum err e = READER_KINDS[r->file->kind].next(r, a, out);
        if (e != OK && e != ERR_DATA) return e;
        const bool found = e == OK && !r->ended;
        if (r->ended) close_file(r);
        r->loss.n_documents += e == ERR_DATA;
        if (e == ERR_DATA && !r->options->skip_bad) return e;
        if (e == ERR_DATA && r->options->lost) r->options->lost(r->options->context, err_line());
        *more = true;
        if (found) return OK;
    }
}

static struct span default_id(const struct reader_record *record, struct arena *a)
{
    const char *id = record->file->source;
    if (record->number)
        id = arena_printf(a, "%s%c%llu", id, READER_KINDS[record->file->kind].mark,
                          (unsigned long long)record->number);
    return (struct span){(const uint8_t *)id, strlen(id)};
}

enum err reader_document(const struct reader_record *record, struct arena *a, struct document *out)
{
    struct document document = {0};
    TRY(READER_KINDS[record->file->kind].document(record, a, &document));
    if (document.id.n_bytes > READER_ID_LIMIT)
        return reader_fail_at(record, fail(ERR_DATA, "\"id\" of %zu bytes, the limit is %d",
                                           document.id.n_bytes, READER_ID_LIMIT));
    if (document.id.n_bytes == 0) document.id = default_id(record, a);
    *out = document;
    return OK;
}

enum err reader_trajectory(const struct reader_record *record, struct arena *a,
                           struct trajectory *out)
{
    const reader_trajectory_fn trajectory = READER_KINDS[record->file->kind].trajectory;
    enum err e;
    if (trajectory)
        e = trajectory(record, a, out);
    else
        e = fail(ERR_DATA, "no trajectories in a file of this kind");
    return e == OK ? OK : reader_fail_at(record, e);
}

// For the readers of kinds

enum err reader_fail_at(const struct reader_record *record, enum err e)
{
    if (record->number == 0) return fail_at(e, "%s", record->file->path);
    return fail_at(e, "%s%c%llu", record->file->path, READER_KINDS[record->file->kind].mark,
                   (unsigned long long)record->number);
}

enum err reader_unpack(struct reader *r)
{
    return r->unpack ? OK : unpack_open_piece(r->file->path, &r->file->piece, &r->unpack);
}

enum err reader_fill(struct reader *r)
{
    const enum err e = unpack_fill(r->unpack);
    if (e != ERR_DATA) return e;
    uint64_t lost_bytes;
    TRY(unpack_resync(r->unpack, &lost_bytes));
    r->loss.n_bytes += lost_bytes;
    r->searched = 0;
    return e;
}

static enum err too_long(struct reader *r, uint64_t first)
{
    r->loss.n_bytes += unpack_offset(r->unpack) - first;
    r->number++;
    return fail(ERR_DATA, "%s: document %llu is longer than %d MiB%s", r->file->path,
                (unsigned long long)r->number, READER_DOCUMENT_LIMIT >> 20,
                r->file->kind == INPUT_TEXT ? "; split the file (--split)" : "");
}

enum err reader_skip_check(struct reader *r, uint64_t n_skipped)
{
    if (n_skipped < READER_SKIP_LIMIT || !unpack_packed(r->unpack)) return OK;
    uint64_t lost_bytes;
    TRY(unpack_resync(r->unpack, &lost_bytes));
    r->loss.n_bytes += lost_bytes;
    r->searched = 0;
    return fail(ERR_DATA, "%s: a record of more than %llu GiB when unpacked", r->file->path,
                (unsigned long long)(READER_SKIP_LIMIT >> 30));
}

enum err reader_piece(struct reader *r, const char *separator, struct span *out)
{
    TRY(reader_unpack(r));
    const size_t n = strlen(separator);
    const uint64_t first = unpack_offset(r->unpack);
    for (;;) {
        const struct span window = unpack_window(r->unpack);
        const uint8_t *hit =
            memmem(window.data + r->searched, window.n_bytes - r->searched, separator, n);
        const bool last = !hit && unpack_ended(r->unpack);
        if (hit || last) {
            const size_t n_piece = hit ? (size_t)(hit - window.data) : window.n_bytes;
            *out = (struct span){window.data, n_piece};
            r->searched = 0;
            unpack_take(r->unpack, n_piece + (hit ? n : 0));
            r->ended = last && unpack_offset(r->unpack) == first;
            if (unpack_offset(r->unpack) - first > READER_DOCUMENT_LIMIT + n)
                return too_long(r, first);
            return OK;
        }
        r->searched = window.n_bytes - size_min(n - 1, window.n_bytes);
        if (window.n_bytes > READER_DOCUMENT_LIMIT) {
            unpack_take(r->unpack, r->searched);
            r->searched = 0;
            TRY(reader_skip_check(r, unpack_offset(r->unpack) - first));
        }
        TRY(reader_fill(r));
    }
}

struct reader_record reader_record_of(const struct reader *r, struct span raw, struct arena *a)
{
    const char *copy = arena_strndup(a, (const char *)raw.data, raw.n_bytes);
    return (struct reader_record){.file = r->file,
                                  .options = r->options,
                                  .raw = {(const uint8_t *)copy, raw.n_bytes},
                                  .number = r->number};
}

struct reader_record reader_record_of_tokens(const struct reader *r, const uint32_t *tokens,
                                             size_t n_tokens, struct arena *a)
{
    uint8_t *bytes = arena_alloc(a, 4 * n_tokens, 4);
    for (size_t i = 0; i < n_tokens; i++)
        little_put_u32(bytes + 4 * i, tokens[i]);
    return (struct reader_record){
        .file = r->file, .options = r->options, .raw = {bytes, 4 * n_tokens}, .number = r->number};
}

struct span reader_without_mark(struct span s)
{
    const bool mark = s.n_bytes >= 3 && memcmp(s.data, "\xef\xbb\xbf", 3) == 0;
    return mark ? (struct span){s.data + 3, s.n_bytes - 3} : s;
}

bool reader_blank(struct span s)
{
    for (size_t i = 0; i < s.n_bytes; i++) {
        const uint8_t c = s.data[i];
        if (c != ' ' && (c < '\t' || c > '\r')) return false;
    }
    return true;
}
