#include "trainer/eval/export_folder.h"

#include <string.h>

#include "base/file.h"

static const char *without_slashes(const char *path, struct arena *a)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    return arena_strndup(a, path, n);
}

enum err export_folder_begin(struct export_folder *f, const char *out, struct arena *a)
{
    *f = (struct export_folder){.out = without_slashes(out, a)};
    if (file_exists(f->out))
        return fail(ERR_USAGE, "%s exists already; remove it or choose another name", f->out);
    f->partial = arena_printf(a, "%s.partial", f->out);
    TRY(file_remove_tree(f->partial));
    return file_make_folders(f->partial);
}

enum err export_folder_put(const struct export_folder *f, const char *name, const void *data,
                           size_t n_bytes)
{
    struct arena a;
    arena_init(&a, "export");
    enum err err = file_replace(arena_printf(&a, "%s/%s", f->partial, name), data, n_bytes);
    arena_fini(&a);
    return err;
}

enum err export_folder_commit(const struct export_folder *f)
{
    TRY(file_fsync_folder(f->partial));
    TRY(file_rename(f->partial, f->out));
    struct arena a;
    arena_init(&a, "export");
    const char *slash = strrchr(f->out, '/');
    const char *above =
        slash == NULL ? "."
                      : arena_strndup(&a, f->out, slash == f->out ? 1 : (size_t)(slash - f->out));
    enum err err = file_fsync_folder(above);
    arena_fini(&a);
    return err;
}

void export_folder_end(const struct export_folder *f)
{
    struct arena a;
    arena_init(&a, "export");
    const char *line = arena_strdup(&a, err_line());
    if (f->partial != NULL && file_exists(f->partial) && file_remove_tree(f->partial) != OK)
        err_record("%s", line); // what went wrong first is what counts
    arena_fini(&a);
}
