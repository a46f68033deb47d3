#include "shard/read/image_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"

enum { NAME_LIMIT_BYTES = 4096 };

bool image_file_known(struct span bytes)
{
    static const uint8_t jpeg[] = {0xff, 0xd8, 0xff}, png[] = {0x89, 'P', 'N', 'G', '\r', '\n'};
    if (bytes.n_bytes < 12) return false;
    return memcmp(bytes.data, jpeg, sizeof jpeg) == 0 || memcmp(bytes.data, png, sizeof png) == 0 ||
           (memcmp(bytes.data, "RIFF", 4) == 0 && memcmp(bytes.data + 8, "WEBP", 4) == 0);
}

// Each word is opened below the one before, so nothing leads out of the folder.
static int open_below(int folder, char *name)
{
    for (char *word = name;;) {
        char *slash = strchr(word, '/');
        if (slash) *slash = '\0';
        const bool dots = strcmp(word, "..") == 0 || word[0] == '\0';
        const int flags = O_RDONLY | O_NOFOLLOW | O_CLOEXEC | (slash ? O_DIRECTORY : O_NONBLOCK);
        int fd = -1;
        if (dots)
            errno = EACCES;
        else if (!fault_hit("file_open"))
            fd = openat(folder, word, flags);
        const int cause = errno;
        close(folder);
        errno = cause;
        if (fd < 0 || !slash) return fd;
        folder = fd;
        word = slash + 1;
    }
}

static const char *folder_of(const char *path, struct arena *a)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

static enum err read_open(int fd, const char *name, struct arena *a, struct span *out)
{
    struct stat st;
    if (fault_hit("file_stat") || fstat(fd, &st) != 0)
        return fail(ERR_IO, "stat %s: %s", name, strerror(errno));
    if (!S_ISREG(st.st_mode)) return fail(ERR_DATA, "image %s: not a file", name);
    if (st.st_size > IMAGE_FILE_LIMIT)
        return fail(ERR_DATA, "image %s: %lld bytes, the limit is %d", name, (long long)st.st_size,
                    IMAGE_FILE_LIMIT);
    const size_t n = (size_t)st.st_size;
    uint8_t *data = arena_alloc(a, n, 8);
    TRY(file_pread(fd, name, data, n, 0));
    const struct span bytes = {data, n};
    if (!image_file_known(bytes))
        return fail(ERR_DATA, "image %s: neither JPEG nor PNG nor WebP", name);
    *out = bytes;
    return OK;
}

enum err image_file_read(const char *beside, struct span name, struct arena *a, struct span *out)
{
    const char *text = arena_strndup(a, (const char *)name.data, name.n_bytes);
    if (name.n_bytes == 0 || name.n_bytes > NAME_LIMIT_BYTES || strlen(text) != name.n_bytes)
        return fail(ERR_DATA, "an image's name of %zu bytes", name.n_bytes);
    const char *folder_path = folder_of(beside, a);
    const int folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) return fail(ERR_IO, "open %s: %s", folder_path, strerror(errno));
    const int fd = open_below(folder, arena_strdup(a, text));
    if (fd < 0) return fail(ERR_DATA, "image '%s': %s", text, strerror(errno));
    const enum err e = read_open(fd, text, a, out);
    close(fd);
    return e;
}
