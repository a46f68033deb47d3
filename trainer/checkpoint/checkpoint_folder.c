// Finding and removing checkpoints of a run: RUN/checkpoints/step-NNNNNN/.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/file.h"
#include "trainer/checkpoint/checkpoint.h"
#include "trainer/checkpoint/manifest.h"

// Step of a folder name as checkpoints are named, or false.
static bool step_of(const char *name, uint64_t *step)
{
    if (strncmp(name, "step-", 5) != 0) return false;
    uint64_t value = strtoull(name + 5, NULL, 10);
    char expected[32];
    snprintf(expected, sizeof expected, "step-%06lu", value);
    if (strcmp(name, expected) != 0) return false;
    *step = value;
    return true;
}

// Whether path exists. A disk that cannot say is an error, not a no: what is no checkpoint gets
// removed.
static enum err look(const char *path, bool *there)
{
    struct stat status;
    bool found = !fault_hit("file_stat") && stat(path, &status) == 0;
    if (!found && errno != ENOENT && errno != ENOTDIR)
        return fail(ERR_IO, "stat %s: %s", path, strerror(errno));
    *there = found;
    return OK;
}

// A folder that is named as a checkpoint.
struct found {
    char *path;
    uint64_t step;
    bool committed;
};

static int by_step_down(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    return x->step < y->step ? 1 : x->step > y->step ? -1 : 0;
}

// All of a run, newest first.
static enum err find(const char *run_folder, struct arena *a, struct found **out, size_t *n_out)
{
    char *folder = arena_printf(a, "%s/checkpoints", run_folder);
    *n_out = 0;
    bool there;
    TRY(look(folder, &there));
    if (!there) return OK;
    struct file_list list;
    TRY(file_list(folder, a, &list));
    struct found *found = ARENA_ARRAY(a, struct found, list.n_names);
    size_t n = 0;
    for (size_t i = 0; i < list.n_names; i++) {
        struct found *f = &found[n];
        if (!step_of(list.names[i], &f->step)) continue;
        f->path = arena_printf(a, "%s/%s", folder, list.names[i]);
        TRY(look(arena_printf(a, "%s/manifest", f->path), &f->committed));
        n++;
    }
    qsort(found, n, sizeof *found, by_step_down);
    *out = found;
    *n_out = n;
    return OK;
}

enum err checkpoint_newest(const char *run_folder, struct arena *a, char **path, uint64_t *step)
{
    struct found *found;
    size_t n = 0;
    TRY(find(run_folder, a, &found, &n));
    *path = NULL;
    for (size_t i = 0; i < n && *path == NULL; i++)
        if (found[i].committed) {
            *path = found[i].path;
            *step = found[i].step;
        }
    return OK;
}

static bool named_by(const struct manifest *m, const char *name)
{
    for (uint64_t i = 0; i < m->n_parts; i++)
        if (strcmp(m->parts[i].name, name) == 0) return true;
    return strcmp(name, "manifest") == 0;
}

// Files of attempts that did not commit, in a folder that holds a checkpoint. A damaged one is left
// as it is.
static enum err remove_litter(const char *folder, struct arena *a)
{
    struct manifest m;
    enum err err = manifest_read(folder, a, &m);
    if (err == ERR_CORRUPT || err == ERR_DATA) return OK;
    if (err != OK) return err;
    struct file_list list;
    TRY(file_list(folder, a, &list));
    for (size_t i = 0; i < list.n_names; i++)
        if (!named_by(&m, list.names[i]))
            TRY(file_remove_tree(arena_printf(a, "%s/%s", folder, list.names[i])));
    return OK;
}

// Manifest first: a checkpoint that is being removed is none at once.
static enum err remove_checkpoint(const struct found *f, struct arena *a)
{
    if (f->committed) {
        TRY(file_remove_tree(arena_printf(a, "%s/manifest", f->path)));
        TRY(file_fsync_folder(f->path));
    }
    return file_remove_tree(f->path);
}

static enum err prune(const char *run_folder, uint64_t keep, struct arena *a)
{
    struct found *found;
    size_t n = 0;
    TRY(find(run_folder, a, &found, &n));
    uint64_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool stays = found[i].committed && n_kept < keep;
        n_kept += stays;
        TRY(stays ? remove_litter(found[i].path, a) : remove_checkpoint(&found[i], a));
    }
    return OK;
}

enum err checkpoint_prune(const char *run_folder, uint64_t keep)
{
    ASSERT(keep > 0);
    struct arena a;
    arena_init(&a, "prune");
    enum err err = prune(run_folder, keep, &a);
    arena_fini(&a);
    return err;
}
