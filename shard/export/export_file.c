#include "shard/export/export_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/little.h"
#include "base/size.h"

enum { BUFFER_BYTES = 1 << 20 };

enum err export_file_open(struct export_file *f, const char *path, struct arena *a)
{
    if (file_exists(path)) return fail(ERR_USAGE, "%s exists already", path);
    struct export_file opened = {.path = arena_strdup(a, path),
                                 .partial = arena_printf(a, "%s.partial", path),
                                 .buffer = f->buffer ? f->buffer : arena_alloc(a, BUFFER_BYTES, 8)};
    unlink(opened.partial); // what a killed run left
    TRY(file_create(opened.partial, &opened.fd));
    *f = opened;
    return OK;
}

static enum err flush(struct export_file *f)
{
    const size_t n = f->n_buffered;
    f->n_buffered = 0;
    return n ? file_write(f->fd, f->partial, f->buffer, n) : OK;
}

enum err export_file_put(struct export_file *f, const void *data, size_t n)
{
    const uint8_t *from = data;
    f->n_bytes += n;
    while (n) {
        const size_t n_now = size_min(n, BUFFER_BYTES - f->n_buffered);
        memcpy(f->buffer + f->n_buffered, from, n_now);
        f->n_buffered += n_now;
        from += n_now;
        n -= n_now;
        if (f->n_buffered == BUFFER_BYTES) TRY(flush(f));
    }
    return OK;
}

enum err export_file_put_u8(struct export_file *f, uint8_t value)
{
    return export_file_put(f, &value, 1);
}

enum err export_file_put_u16(struct export_file *f, uint16_t value)
{
    uint8_t bytes[2];
    little_put_u16(bytes, value);
    return export_file_put(f, bytes, sizeof bytes);
}

enum err export_file_put_u32(struct export_file *f, uint32_t value)
{
    uint8_t bytes[4];
    little_put_u32(bytes, value);
    return export_file_put(f, bytes, sizeof bytes);
}

enum err export_file_put_u64(struct export_file *f, uint64_t value)
{
    uint8_t bytes[8];
    little_put_u64(bytes, value);
    return export_file_put(f, bytes, sizeof bytes);
}

enum err export_file_patch(struct export_file *f, uint64_t offset, const void *data, size_t n)
{
    TRY(flush(f));
    if (fault_hit("file_write") || pwrite(f->fd, data, n, (off_t)offset) != (ssize_t)n)
        return fail(ERR_IO, "write %s: %s", f->partial, strerror(errno));
    return OK;
}

enum err export_file_commit(struct export_file *f)
{
    TRY(flush(f));
    TRY(file_fsync(f->fd, f->partial));
    const int fd = f->fd;
    f->fd = -1;
    TRY(file_close(fd, f->partial));
    TRY(file_rename(f->partial, f->path));
    f->partial = NULL;
    return OK;
}

void export_file_drop(struct export_file *f)
{
    if (!f->partial) return;
    if (f->fd >= 0) close(f->fd);
    unlink(f->partial);
    f->partial = NULL;
}
