// Finding and removing checkpoints of a run: RUN/checkpoints/step-NNNNNN/.

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/checkpoint/manifest.h"

// Step of a folder name, or false.
static bool step_of(const char *name, uint64_t *step)
{
    if (strncmp(name, "step-", 5) != 0 || name[5] < '0' || name[5] > '9') return false;
    char *end;
    *step = strtoull(name + 5, &end, 10);
    return *end == '\0';
}

static bool is_committed(const char *folder, struct arena *a)
{
    return file_exists(arena_printf(a, "%s/manifest", folder));
}

enum err checkpoint_newest(const char *run_folder, struct arena *a, char **path, uint64_t *step)
{
    char *folder = arena_printf(a, "%s/checkpoints", run_folder);
    *path = NULL;
    if (!file_is_folder(folder)) return OK;
    struct file_list list;
    TRY(file_list(folder, a, &list));
    for (size_t i = 0; i < list.n_names; i++) {
        uint64_t at;
        char *candidate = arena_printf(a, "%s/%s", folder, list.names[i]);
        if (!step_of(list.names[i], &at) || !is_committed(candidate, a)) continue;
        if (*path != NULL && at < *step) continue;
        *path = candidate;
        *step = at;
    }
    return OK;
}

static bool named_by(const struct manifest *m, const char *name)
{
    for (uint64_t i = 0; i < m->n_parts; i++)
        if (strcmp(m->parts[i].name, name) == 0) return true;
    return strcmp(name, "manifest") == 0;
}

// Files of attempts that did not commit, in a folder that holds a checkpoint.
static enum err remove_litter(const char *folder, struct arena *a)
{
    struct manifest m;
    struct file_list list;
    TRY(manifest_read(folder, a, &m));
    TRY(file_list(folder, a, &list));
    for (size_t i = 0; i < list.n_names; i++)
        if (!named_by(&m, list.names[i]))
            TRY(file_remove_tree(arena_printf(a, "%s/%s", folder, list.names[i])));
    return OK;
}

// Manifest first: a checkpoint that is being removed is none at once.
static enum err remove_checkpoint(const char *folder, struct arena *a)
{
    if (is_committed(folder, a) && unlink(arena_printf(a, "%s/manifest", folder)) != 0)
        return fail(ERR_IO, "remove %s/manifest", folder);
    TRY(file_fsync_folder(folder));
    return file_remove_tree(folder);
}

static uint64_t count_newer(const struct file_list *list, const char *folder, uint64_t step,
                            struct arena *a)
{
    uint64_t n = 0, at;
    for (size_t i = 0; i < list->n_names; i++)
        n += step_of(list->names[i], &at) && at > step &&
             is_committed(arena_printf(a, "%s/%s", folder, list->names[i]), a);
    return n;
}

static enum err prune(const char *run_folder, uint64_t keep, struct arena *a)
{
    char *folder = arena_printf(a, "%s/checkpoints", run_folder);
    struct file_list list;
    TRY(file_list(folder, a, &list));
    for (size_t i = 0; i < list.n_names; i++) {
        uint64_t step;
        if (!step_of(list.names[i], &step)) continue;
        char *path = arena_printf(a, "%s/%s", folder, list.names[i]);
        bool drop = !is_committed(path, a) || count_newer(&list, folder, step, a) >= keep;
        TRY(drop ? remove_checkpoint(path, a) : remove_litter(path, a));
    }
    return OK;
}

enum err checkpoint_prune(const char *run_folder, uint64_t keep)
{
    struct arena a;
    arena_init(&a, "prune");
    enum err err = prune(run_folder, keep, &a);
    arena_fini(&a);
    return err;
}
