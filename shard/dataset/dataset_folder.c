#include "shard/dataset/dataset_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static const char WORK[] = "work";

static const char *without_slashes(struct arena *a, const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return arena_strndup(a, path, n);
}

static enum err check_absent(const char *out, struct arena *a)
{
    if (!file_exists(out)) return OK;
    struct file_list list = {0};
    if (file_is_folder(out)) TRY(file_list(out, a, &list));
    if (file_is_folder(out) && list.n_names == 0) return OK;
    return fail(ERR_USAGE, "%s exists already; remove it or choose another name", out);
}

static enum err make_parent(const char *out, struct arena *a)
{
    const char *slash = strrchr(out, '/');
    if (!slash || slash == out) return OK;
    return file_make_folders(arena_strndup(a, out, (size_t)(slash - out)));
}

// Locks the open folder at f->partial, which another build may hold or have just renamed.
static enum err lock_partial(const struct dataset_folder *f)
{
    struct stat held, named;
    if (flock(f->fd, LOCK_EX | LOCK_NB) != 0)
        return fail(ERR_IO, "%s: another build is writing it (%s)", f->partial, strerror(errno));
    if (fstat(f->fd, &held) != 0 || stat(f->partial, &named) != 0 || held.st_ino != named.st_ino)
        return fail(ERR_IO, "%s: another build has just finished it", f->partial);
    return OK;
}

static void release(struct dataset_folder *f)
{
    if (f->fd >= 0) close(f->fd);
    f->fd = -1;
}

static enum err clear_partial(const struct dataset_folder *f, struct arena *a)
{
    struct file_list list;
    TRY(file_list(f->partial, a, &list));
    for (size_t i = 0; i < list.n_names; i++) {
        if (strcmp(list.names[i], WORK) == 0) continue;
        TRY(file_remove_tree(arena_printf(a, "%s/%s", f->partial, list.names[i])));
    }
    return file_make_folders(f->work);
}

void dataset_folder_name(const char *out, struct arena *a, struct dataset_folder *f)
{
    *f = (struct dataset_folder){.out = without_slashes(a, out), .fd = -1};
    f->partial = arena_printf(a, "%s.partial", f->out);
    f->work = arena_printf(a, "%s/%s", f->partial, WORK);
}

enum err dataset_folder_begin(const char *out, struct arena *a, struct dataset_folder *f)
{
    dataset_folder_name(out, a, f);
    TRY(check_absent(f->out, a));
    TRY(make_parent(f->out, a));
    TRY(file_make_folders(f->partial));
    TRY(file_open_read(f->partial, &f->fd));
    enum err e = lock_partial(f);
    if (e != OK) {
        release(f); // it is somebody else's
        return e;
    }
    e = clear_partial(f, a);
    if (e != OK) dataset_folder_end(f);
    return e;
}

enum err dataset_folder_commit(struct dataset_folder *f)
{
    TRY(file_remove_tree(f->work));
    TRY(file_fsync_folder(f->partial));
    TRY(file_rename(f->partial, f->out));
    release(f); // from here on OUT.partial is somebody else's
    struct arena scratch;
    arena_init(&scratch, "dataset folder");
    const char *slash = strrchr(f->out, '/');
    const char *parent = ".";
    if (slash)
        parent = arena_strndup(&scratch, f->out, slash == f->out ? 1 : (size_t)(slash - f->out));
    const enum err e = file_fsync_folder(parent);
    arena_fini(&scratch);
    return e;
}

void dataset_folder_end(struct dataset_folder *f)
{
    if (f->fd < 0) return;
    char cause[1024];
    snprintf(cause, sizeof cause, "%s", err_line());
    enum err e = file_exists(f->partial) && !f->keep ? file_remove_tree(f->partial) : OK;
    e = fail(e, "%s", cause); // what the caller will print
    (void)e;
    release(f);
}
