#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/size.h"

enum { FIRST_READ_BYTES = 4096, PATH_BYTES = 4096 };

enum err file_open_read(const char *path, int *fd)
{
    int opened = -1;
    if (!fault_hit("file_open")) opened = open(path, O_RDONLY | O_CLOEXEC);
    if (opened < 0) return fail(ERR_IO, "open %s: %s", path, strerror(errno));
    *fd = opened;
    return OK;
}

enum err file_create(const char *path, int *fd)
{
    int opened = -1;
    if (!fault_hit("file_create"))
        opened = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (opened < 0) return fail(ERR_IO, "create %s: %s", path, strerror(errno));
    *fd = opened;
    return OK;
}

// One read, past interruptions; 0 at the end of the file.
static enum err read_some(int fd, const char *path, void *out, size_t n_bytes, size_t *n_read)
{
    for (;;) {
        ssize_t n = -1;
        if (!fault_hit("file_read")) n = read(fd, out, n_bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(ERR_IO, "read %s: %s", path, strerror(errno));
        *n_read = (size_t)n;
        return OK;
    }
}

enum err file_pread(int fd, const char *path, void *out, size_t n_bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < n_bytes) {
        ssize_t n = -1;
        if (!fault_hit("file_read"))
            n = pread(fd, (char *)out + done, n_bytes - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(ERR_IO, "read %s: %s", path, strerror(errno));
        if (n == 0)
            return fail(ERR_DATA, "read %s: file ends at byte %llu, wanted %zu bytes at %llu", path,
                        (unsigned long long)(offset + done), n_bytes, (unsigned long long)offset);
        done += (size_t)n;
    }
    return OK;
}

enum err file_write(int fd, const char *path, const void *data, size_t n_bytes)
{
    size_t done = 0;
    while (done < n_bytes) {
        ssize_t n = -1;
        if (!fault_hit("file_write")) n = write(fd, (const char *)data + done, n_bytes - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fail(ERR_IO, "write %s: %s", path, strerror(errno));
        done += (size_t)n;
    }
    return OK;
}

enum err file_fsync(int fd, const char *path)
{
    if (fault_hit("file_fsync") || fsync(fd) != 0)
        return fail(ERR_IO, "fsync %s: %s", path, strerror(errno));
    return OK;
}

enum err file_close(int fd, const char *path)
{
    int result = close(fd); // never repeated: on Linux fd is gone even after EINTR
    if (fault_hit("file_close") || result != 0)
        return fail(ERR_IO, "close %s: %s", path, strerror(errno));
    return OK;
}

enum err file_size(int fd, const char *path, uint64_t *n_bytes)
{
    struct stat status;
    if (fault_hit("file_stat") || fstat(fd, &status) != 0)
        return fail(ERR_IO, "stat %s: %s", path, strerror(errno));
    *n_bytes = (uint64_t)status.st_size;
    return OK;
}

// Reads to the end, however long the file says it is: it may be growing, or be in /proc.
static enum err read_all(int fd, const char *path, size_t limit_bytes, struct arena *a,
                         struct span *out)
{
    uint64_t expected_bytes;
    TRY(file_size(fd, path, &expected_bytes));
    if (expected_bytes > limit_bytes)
        return fail(ERR_DATA, "%s: %llu bytes, more than the limit of %zu", path,
                    (unsigned long long)expected_bytes, limit_bytes);
    size_t capacity_bytes = size_max(FIRST_READ_BYTES, (size_t)expected_bytes + 1), used_bytes = 0;
    uint8_t *data = arena_alloc(a, capacity_bytes, 64);
    for (;;) {
        size_t n_read;
        TRY(read_some(fd, path, data + used_bytes, capacity_bytes - used_bytes, &n_read));
        used_bytes += n_read;
        if (used_bytes > limit_bytes)
            return fail(ERR_DATA, "%s: more than the limit of %zu bytes", path, limit_bytes);
        if (n_read == 0) break;
        if (used_bytes < capacity_bytes) continue;
        ASSERT(size_mul(capacity_bytes, 2, &capacity_bytes));
        uint8_t *larger = arena_alloc(a, capacity_bytes, 64);
        memcpy(larger, data, used_bytes);
        data = larger;
    }
    data[used_bytes] = '\0'; // there is room: the last read was not asked for 0 bytes
    *out = (struct span){.data = data, .n_bytes = used_bytes};
    return OK;
}

enum err file_read(const char *path, size_t limit_bytes, struct arena *a, struct span *out)
{
    int fd;
    TRY(file_open_read(path, &fd));
    enum err e = read_all(fd, path, limit_bytes, a, out);
    close(fd);
    return e;
}

enum err file_fsync_folder(const char *folder)
{
    int fd = -1;
    if (!fault_hit("file_open")) fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return fail(ERR_IO, "open %s: %s", folder, strerror(errno));
    enum err e = file_fsync(fd, folder);
    close(fd);
    return e;
}

enum err file_rename(const char *from, const char *to)
{
    if (fault_hit("file_rename") || rename(from, to) != 0)
        return fail(ERR_IO, "rename %s to %s: %s", from, to, strerror(errno));
    return OK;
}

static enum err write_whole(const char *path, const void *data, size_t n_bytes)
{
    int fd;
    TRY(file_create(path, &fd));
    enum err e = file_write(fd, path, data, n_bytes);
    if (e == OK) e = file_fsync(fd, path);
    if (e == OK) return file_close(fd, path);
    close(fd);
    return e;
}

static void folder_of(const char *path, char folder[PATH_BYTES])
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        snprintf(folder, PATH_BYTES, ".");
    else
        snprintf(folder, PATH_BYTES, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

enum err file_replace(const char *path, const void *data, size_t n_bytes)
{
    char temporary[PATH_BYTES], folder[PATH_BYTES];
    int length = snprintf(temporary, sizeof temporary, "%s.tmp", path);
    if (length < 0 || length >= PATH_BYTES) return fail(ERR_IO, "replace %s: path too long", path);
    folder_of(path, folder);
    unlink(temporary); // what a killed writer left
    enum err e = write_whole(temporary, data, n_bytes);
    if (e == OK) e = file_rename(temporary, path);
    if (e == OK) return file_fsync_folder(folder);
    unlink(temporary);
    return e;
}

bool file_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

bool file_is_socket(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}
