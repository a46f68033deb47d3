// The part of base/file.h that walks folders.

#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"

enum { PATH_BYTES = 4096, DEPTH_LIMIT = 64, NAMES_LIMIT = 1 << 22 };

static enum err folder_make(const char *path)
{
    if (!fault_hit("file_folder") && mkdir(path, 0755) == 0) return OK;
    int cause = errno;
    if (cause == EEXIST && file_is_folder(path)) return OK;
    return fail(ERR_IO, "make folder %s: %s", path, strerror(cause));
}

enum err file_make_folders(const char *path)
{
    char prefix[PATH_BYTES];
    int length = snprintf(prefix, sizeof prefix, "%s", path);
    if (length < 0 || length >= PATH_BYTES)
        return fail(ERR_IO, "make folder %s: path too long", path);
    for (char *at = prefix; *at != '\0'; at++) {
        if (*at != '/' || at == prefix) continue;
        *at = '\0';
        TRY(folder_make(prefix));
        *at = '/';
    }
    return folder_make(prefix);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static enum err entry_remove(int parent, const char *name, const char *path, int depth);

// Empties the open folder; takes fd. path is for messages.
static enum err folder_empty_take(int fd, const char *path, int depth)
{
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return fail(ERR_IO, "list %s: %s", path, strerror(errno));
    }
    enum err e = OK;
    while (e == OK) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            if (errno != 0) e = fail(ERR_IO, "list %s: %s", path, strerror(errno));
            break;
        }
        if (!is_dots(entry->d_name)) e = entry_remove(fd, entry->d_name, path, depth + 1);
    }
    closedir(folder);
    return e;
}

static enum err entry_remove(int parent, const char *name, const char *path, int depth)
{
    if (depth > DEPTH_LIMIT) return fail(ERR_IO, "remove %s: deeper than %d", path, DEPTH_LIMIT);
    if (fault_hit("file_remove"))
        return fail(ERR_IO, "remove %s in %s: %s", name, path, strerror(errno));
    if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return OK;
    if (errno == EISDIR || errno == EPERM) { // EPERM is what POSIX says of folders
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd >= 0) {
            TRY(folder_empty_take(fd, path, depth));
            if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT) return OK;
        }
    }
    return fail(ERR_IO, "remove %s in %s: %s", name, path, strerror(errno));
}

enum err file_remove_tree(const char *path)
{
    return entry_remove(AT_FDCWD, path, path, 0);
}

struct name {
    struct name *next;
    char *text;
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum err names_read(DIR *folder, const char *path, struct arena *a, struct file_list *out)
{
    struct name *names = NULL;
    size_t n_names = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = NULL;
        if (!fault_hit("file_list")) entry = readdir(folder);
        if (entry == NULL && errno != 0) return fail(ERR_IO, "list %s: %s", path, strerror(errno));
        if (entry == NULL) break;
        if (is_dots(entry->d_name)) continue;
        if (n_names == NAMES_LIMIT)
            return fail(ERR_IO, "list %s: more than %d names", path, NAMES_LIMIT);
        struct name *added = ARENA_NEW(a, struct name);
        *added = (struct name){.next = names, .text = arena_strdup(a, entry->d_name)};
        names = added;
        n_names++;
    }
    char **sorted = ARENA_ARRAY(a, char *, n_names);
    for (size_t i = 0; i < n_names; i++, names = names->next)
        sorted[i] = names->text;
    qsort(sorted, n_names, sizeof sorted[0], compare_names);
    *out = (struct file_list){.names = sorted, .n_names = n_names};
    return OK;
}

enum err file_list(const char *folder, struct arena *a, struct file_list *out)
{
    DIR *opened = NULL;
    if (!fault_hit("file_open")) opened = opendir(folder);
    if (opened == NULL) return fail(ERR_IO, "list %s: %s", folder, strerror(errno));
    enum err e = names_read(opened, folder, a, out);
    closedir(opened);
    return e;
}
