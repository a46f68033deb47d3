#include "shard/build/answers.h"

#include "base/file.h"
#include "base/little.h"
#include "base/size.h"

enum { RECORD_BYTES = 8 };

enum err answers_begin(struct answers_writer *w, const char *path, struct arena *a)
{
    w->path = path;
    w->temporary = arena_printf(a, "%s.tmp", path);
    w->n_held = 0;
    w->fd = -1;
    TRY(file_remove_tree(w->temporary));
    return file_create(w->temporary, &w->fd);
}

static enum err flush(struct answers_writer *w)
{
    uint8_t bytes[ANSWERS_AT_ONCE * RECORD_BYTES];
    for (size_t i = 0; i < w->n_held; i++) {
        little_put_u32(bytes + i * RECORD_BYTES, w->held[i].row);
        little_put_u32(bytes + i * RECORD_BYTES + 4, w->held[i].item);
    }
    const size_t n = w->n_held * RECORD_BYTES;
    w->n_held = 0;
    return file_write(w->fd, w->temporary, bytes, n);
}

enum err answers_add(struct answers_writer *w, struct answer answer)
{
    w->held[w->n_held++] = answer;
    return w->n_held == ANSWERS_AT_ONCE ? flush(w) : OK;
}

enum err answers_finish(struct answers_writer *w)
{
    TRY(flush(w));
    TRY(file_fsync(w->fd, w->temporary));
    const int fd = w->fd;
    w->fd = -1;
    TRY(file_close(fd, w->temporary));
    return file_rename(w->temporary, w->path);
}

void answers_abandon(struct answers_writer *w)
{
    if (w->fd < 0) return;
    const enum err e = file_close(w->fd, w->temporary);
    (void)e; // there is an error already
    w->fd = -1;
}

enum err answers_open(struct answers_reader *r, const char *path)
{
    r->path = path;
    r->n_read = 0;
    r->n_held = r->next = 0;
    r->fd = -1;
    TRY(file_open_read(path, &r->fd));
    TRY(file_size(r->fd, path, &r->n_bytes));
    if (r->n_bytes % RECORD_BYTES)
        return fail(ERR_CORRUPT, "%s: %llu bytes are no answers", path,
                    (unsigned long long)r->n_bytes);
    return OK;
}

void answers_close(struct answers_reader *r)
{
    if (r->fd < 0) return;
    const enum err e = file_close(r->fd, r->path);
    (void)e; // nothing was written
    r->fd = -1;
}

static enum err refill(struct answers_reader *r)
{
    uint8_t bytes[ANSWERS_AT_ONCE * RECORD_BYTES];
    const size_t n = size_min(sizeof bytes, r->n_bytes - r->n_read);
    TRY(file_pread(r->fd, r->path, bytes, n, r->n_read));
    r->n_read += n;
    r->n_held = n / RECORD_BYTES;
    r->next = 0;
    for (size_t i = 0; i < r->n_held; i++)
        r->held[i] = (struct answer){little_get_u32(bytes + i * RECORD_BYTES),
                                     little_get_u32(bytes + i * RECORD_BYTES + 4)};
    return OK;
}

enum err answers_take(struct answers_reader *r, uint32_t row, struct arena *a, uint32_t **items,
                      size_t *n_items)
{
    size_t capacity = 0;
    *items = NULL;
    *n_items = 0;
    for (;;) {
        if (r->next == r->n_held && r->n_read == r->n_bytes) return OK;
        if (r->next == r->n_held) TRY(refill(r));
        const struct answer answer = r->held[r->next];
        if (answer.row > row) return OK;
        if (answer.row < row) return fail(ERR_CORRUPT, "%s: rows do not ascend", r->path);
        *items = ARENA_GROW(a, uint32_t, *items, *n_items + 1, &capacity);
        (*items)[(*n_items)++] = answer.item;
        r->next++;
    }
}
