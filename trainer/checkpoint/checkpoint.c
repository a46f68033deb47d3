#include "trainer/checkpoint/checkpoint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/file.h"
#include "base/size.h"
#include "trainer/checkpoint/coverage.h"
#include "trainer/checkpoint/manifest.h"
#include "trainer/checkpoint/part.h"

// --- saving ---

struct saving {
    const char *folder;
    struct fabric *fabric;
    struct arena *arena;
    uint64_t attempt; // names the files of this attempt: rank 0's random number
    char *path;       // of this rank's part; NULL until there can be one
    bool committed;   // rank 0: the manifest is in place
};

// What each rank tells all others of its part.
struct part_report {
    uint64_t id, n_bytes;
};

static uint64_t part_id(const struct saving *s, int rank)
{
    return hash_xxh3(&s->attempt, sizeof s->attempt, (uint64_t)rank);
}

static char *part_name(const struct saving *s, int rank)
{
    return arena_printf(s->arena, "part-%05d-%016lx.bin", rank, s->attempt);
}

static char *folder_above(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return arena_strdup(a, ".");
    return arena_strndup(a, path, slash == path ? 1 : (size_t)(slash - path));
}

// RUN/checkpoints/step-N with the entries that lead to it: a checkpoint that can be lost with its
// folder must not let older ones be removed.
static enum err make_folder(const struct saving *s)
{
    TRY(file_make_folders(s->folder));
    char *above = folder_above(s->arena, s->folder);
    TRY(file_fsync_folder(above));
    return file_fsync_folder(folder_above(s->arena, above));
}

static enum err draw_attempt(uint64_t *out)
{
    if (getrandom(out, sizeof *out, 0) == (ssize_t)sizeof *out) return OK;
    return fail(ERR_IO, "getrandom: %s", strerror(errno));
}

// Rank 0 makes the folder and draws the attempt's number; all hear it.
static enum err begin(struct saving *s)
{
    enum err err = OK;
    uint64_t mine = 0;
    if (fabric_rank(s->fabric) == 0) err = make_folder(s);
    if (fabric_rank(s->fabric) == 0 && err == OK) err = draw_attempt(&mine);
    TRY(fabric_agree(s->fabric, err));
    uint64_t *all = ARENA_ARRAY(s->arena, uint64_t, (size_t)fabric_size(s->fabric));
    TRY(fabric_all_gather(s->fabric, &mine, sizeof mine, all));
    s->attempt = all[0];
    int rank = fabric_rank(s->fabric);
    s->path = arena_printf(s->arena, "%s/%s", s->folder, part_name(s, rank));
    return OK;
}

static enum err write_own(const struct saving *s, const struct checkpoint_piece *pieces,
                          size_t n_pieces, uint64_t *n_bytes)
{
    struct part_piece *list =
        ARENA_ARRAY(s->arena, struct part_piece, n_pieces * CHECKPOINT_COMPONENTS);
    uint64_t n = 0;
    for (size_t i = 0; i < n_pieces; i++)
        for (uint32_t c = 0; c < CHECKPOINT_COMPONENTS; c++)
            if (pieces[i].data[c] != NULL && pieces[i].n_elems > 0)
                list[n++] = (struct part_piece){.tensor = pieces[i].tensor,
                                                .first_elem = pieces[i].first_elem,
                                                .n_elems = pieces[i].n_elems,
                                                .component = c,
                                                .data = pieces[i].data[c]};
    TRY(part_write(s->path, part_id(s, fabric_rank(s->fabric)), list, n, n_bytes));
    return file_fsync_folder(s->folder);
}

static enum err commit(struct saving *s, const struct part_report *reports,
                       const struct checkpoint_model *m, const struct checkpoint_state *state)
{
    int n_ranks = fabric_size(s->fabric);
    struct manifest_part *parts = ARENA_ARRAY(s->arena, struct manifest_part, (size_t)n_ranks);
    for (int r = 0; r < n_ranks; r++)
        parts[r] = (struct manifest_part){part_name(s, r), reports[r].id, reports[r].n_bytes};
    struct manifest manifest = {
        .state = *state, .model = *m, .parts = parts, .n_parts = (uint64_t)n_ranks};
    return manifest_write(s->folder, &manifest, &s->committed);
}

static enum err save_parts(struct saving *s, const struct checkpoint_model *m,
                           const struct checkpoint_piece *pieces, size_t n_pieces,
                           const struct checkpoint_state *state)
{
    struct part_report mine = {.id = part_id(s, fabric_rank(s->fabric))};
    enum err err = write_own(s, pieces, n_pieces, &mine.n_bytes);
    TRY(fabric_agree(s->fabric, err));
    struct part_report *all =
        ARENA_ARRAY(s->arena, struct part_report, (size_t)fabric_size(s->fabric));
    TRY(fabric_all_gather(s->fabric, &mine, sizeof mine, all));
    err = fabric_rank(s->fabric) == 0 ? commit(s, all, m, state) : OK;
    return fabric_agree(s->fabric, err);
}

// Whether rank 0 committed before the error; in doubt, yes.
static bool may_be_committed(const struct saving *s)
{
    uint64_t mine = s->committed;
    uint64_t *all = ARENA_ARRAY(s->arena, uint64_t, (size_t)fabric_size(s->fabric));
    return fabric_all_gather(s->fabric, &mine, sizeof mine, all) != OK || all[0] != 0;
}

// Removes the attempt's files, unless they are a checkpoint already.
static void clean_up(const struct saving *s)
{
    if (s->path != NULL && may_be_committed(s)) return;
    if (s->path != NULL) unlink(s->path);
    if (fabric_rank(s->fabric) == 0)
        rmdir(s->folder); // goes only if it is empty: no earlier attempt committed here
}

enum err checkpoint_save(const char *folder, struct fabric *f, const struct checkpoint_model *m,
                         const struct checkpoint_piece *pieces, size_t n_pieces,
                         const struct checkpoint_state *state)
{
    struct arena a;
    arena_init(&a, "checkpoint");
    struct saving s = {.folder = folder, .fabric = f, .arena = &a};
    enum err err = begin(&s);
    if (err == OK) err = save_parts(&s, m, pieces, n_pieces, state);
    if (err != OK) clean_up(&s);
    arena_fini(&a);
    return err;
}

// --- reading ---

enum err checkpoint_read_state(const char *folder, struct arena *a, struct checkpoint_state *out)
{
    struct manifest m;
    TRY(manifest_read(folder, a, &m));
    *out = m.state;
    return OK;
}

enum err checkpoint_read_model(const char *folder, struct arena *a, struct checkpoint_model *out)
{
    struct manifest m;
    TRY(manifest_read(folder, a, &m));
    *out = m.model;
    return OK;
}

struct loading {
    const char *folder;
    const struct manifest *manifest;
    const struct checkpoint_model *model;
    const struct checkpoint_piece *pieces;
    size_t n_pieces;
    unsigned components;
    uint64_t *saved_index;     // [model tensors]: index of the tensor in the manifest
    uint64_t *filled;          // [n_pieces * components]: elements that came
    struct coverage *coverage; // of all parts
};

static char *shape_text(const struct checkpoint_tensor *t, struct arena *a)
{
    char *text = arena_strdup(a, "[");
    for (int d = 0; d < t->n_dims; d++)
        text = arena_printf(a, "%s%s%lu", text, d > 0 ? "," : "", t->dims[d]);
    return arena_printf(a, "%s]", text);
}

static bool same_shape(const struct checkpoint_tensor *a, const struct checkpoint_tensor *b)
{
    bool same = a->n_dims == b->n_dims;
    for (int d = 0; same && d < a->n_dims; d++)
        same = a->dims[d] == b->dims[d];
    return same;
}

static enum err match_tensor(const struct loading *l, uint64_t tensor, struct arena *a)
{
    const struct checkpoint_tensor *wanted = &l->model->tensors[tensor];
    const struct checkpoint_model *saved = &l->manifest->model;
    for (uint64_t i = 0; i < saved->n_tensors; i++) {
        if (strcmp(saved->tensors[i].name, wanted->name) != 0) continue;
        if (!same_shape(&saved->tensors[i], wanted))
            return fail(ERR_DATA, "%s holds another model: %s is %s there, %s in the run file",
                        l->folder, wanted->name, shape_text(&saved->tensors[i], a),
                        shape_text(wanted, a));
        l->saved_index[tensor] = i;
        return OK;
    }
    return fail(ERR_DATA, "%s holds another model: it has no %s", l->folder, wanted->name);
}

// A tensor of the checkpoint that the model has not.
static const char *extra_tensor(const struct loading *l)
{
    const struct checkpoint_model *saved = &l->manifest->model;
    for (uint64_t i = 0; i < saved->n_tensors; i++) {
        bool wanted = false;
        for (uint64_t t = 0; t < l->model->n_tensors && !wanted; t++)
            wanted = l->saved_index[t] == i;
        if (!wanted) return saved->tensors[i].name;
    }
    return "?";
}

static enum err match_model(const struct loading *l, struct arena *a)
{
    for (uint64_t t = 0; t < l->model->n_tensors; t++)
        TRY(match_tensor(l, t, a));
    if (l->manifest->model.n_tensors == l->model->n_tensors) return OK;
    return fail(ERR_DATA, "%s holds another model: the run file has no %s", l->folder,
                extra_tensor(l));
}

// Copies what saved and wanted share.
static enum err copy_shared(const struct loading *l, const struct part *part,
                            const struct part_piece *saved, size_t wanted_idx)
{
    const struct checkpoint_piece *wanted = &l->pieces[wanted_idx];
    uint64_t first = size_max(saved->first_elem, wanted->first_elem);
    uint64_t last =
        size_min(saved->first_elem + saved->n_elems, wanted->first_elem + wanted->n_elems);
    float *out = wanted->data[saved->component];
    if (first >= last || out == NULL) return OK;
    TRY(part_read(part, saved, first, last - first, out + (first - wanted->first_elem)));
    l->filled[wanted_idx * CHECKPOINT_COMPONENTS + saved->component] += last - first;
    return OK;
}

static enum err load_part(const struct loading *l, const struct manifest_part *file,
                          struct arena *a)
{
    struct part part;
    TRY(part_open(&part, arena_printf(a, "%s/%s", l->folder, file->name), file->id, file->n_bytes,
                  a));
    enum err err = OK;
    for (uint64_t i = 0; err == OK && i < part.n_pieces; i++) {
        const struct part_piece *saved = &part.pieces[i];
        err = coverage_add(l->coverage, saved);
        if (err != OK || (l->components >> saved->component & 1) == 0) continue;
        for (size_t w = 0; err == OK && w < l->n_pieces; w++)
            if (l->saved_index[l->pieces[w].tensor] == saved->tensor)
                err = copy_shared(l, &part, saved, w);
    }
    part_close(&part);
    return err;
}

static enum err check_filled(const struct loading *l)
{
    for (size_t w = 0; w < l->n_pieces; w++)
        for (int c = 0; c < CHECKPOINT_COMPONENTS; c++) {
            if (l->pieces[w].data[c] == NULL || (l->components >> c & 1) == 0) continue;
            if (l->filled[w * CHECKPOINT_COMPONENTS + (size_t)c] != l->pieces[w].n_elems)
                return fail(ERR_DATA, "%s has no %s of %s: it was frozen when that was saved",
                            l->folder, coverage_component_name((uint32_t)c),
                            l->model->tensors[l->pieces[w].tensor].name);
        }
    return OK;
}

static enum err load(struct loading *l, struct arena *a)
{
    struct manifest m;
    TRY(manifest_read(l->folder, a, &m));
    l->manifest = &m;
    l->saved_index = ARENA_ARRAY(a, uint64_t, l->model->n_tensors);
    l->filled = ARENA_ARRAY(a, uint64_t, l->n_pieces * CHECKPOINT_COMPONENTS);
    TRY(match_model(l, a));
    struct coverage coverage;
    coverage_begin(&coverage, l->folder, &m.model, a);
    l->coverage = &coverage;
    for (uint64_t i = 0; i < m.n_parts; i++)
        TRY(load_part(l, &m.parts[i], a));
    TRY(coverage_check(&coverage));
    return check_filled(l);
}

enum err checkpoint_load(const char *folder, const struct checkpoint_model *m,
                         const struct checkpoint_piece *pieces, size_t n_pieces,
                         unsigned components)
{
    struct arena a;
    arena_init(&a, "checkpoint load");
    struct loading l = {.folder = folder,
                        .model = m,
                        .pieces = pieces,
                        .n_pieces = n_pieces,
                        .components = components};
    enum err err = load(&l, &a);
    arena_fini(&a);
    return err;
}
