#include "shard/dedup/spill.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

void spill_begin(struct spill *s)
{
    *s = (struct spill){.write_fd = -1, .read_fd = -1};
}

enum err spill_open(struct spill *s, const char *folder, const char *name)
{
    static atomic_uint n_made;
    spill_begin(s);
    const int n = snprintf(s->path, sizeof s->path, "%s/.%s-%ld-%u.spill", folder, name,
                           (long)getpid(), atomic_fetch_add(&n_made, 1));
    if (n < 0 || (size_t)n >= sizeof s->path)
        return fail(ERR_USAGE, "spill folder %.64s...: its path is too long", folder);
    TRY(file_create(s->path, &s->write_fd));
    enum err e = file_open_read(s->path, &s->read_fd);
    if (unlink(s->path) != 0 && e == OK)
        e = fail(ERR_IO, "remove %s: %s", s->path, strerror(errno));
    if (e != OK) spill_close(s);
    return e;
}

enum err spill_append(struct spill *s, const void *data, size_t n_bytes)
{
    TRY(file_write(s->write_fd, s->path, data, n_bytes));
    s->n_bytes += n_bytes;
    return OK;
}

enum err spill_read(const struct spill *s, void *out, size_t n_bytes, uint64_t offset)
{
    return file_pread(s->read_fd, s->path, out, n_bytes, offset);
}

void spill_close(struct spill *s)
{
    if (s->write_fd >= 0) close(s->write_fd);
    if (s->read_fd >= 0) close(s->read_fd);
    spill_begin(s);
}
