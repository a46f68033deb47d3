#include "shard/build/survey.h"

#include "base/size.h"
#include "shard/read/boundary.h"

// A file shall be cut at the first boundary in [from, end), if there is one.
struct place {
    const struct input_file *file;
    const char *separator;
    uint64_t from, end;
};

struct survey {
    const struct survey_options *options;
    struct arena *arena;
    struct place *places; // by file, ascending
    size_t n_places, places_capacity;
    uint64_t *boundaries; // one a place
    struct input_file **pieces;
    size_t n_pieces;
};

// Sharing: task i of n falls to rank i % n_ranks, and all ranks learn all values.

typedef enum err (*survey_task_fn)(const struct survey *s, size_t task_idx, uint64_t *value);

struct job {
    const struct survey *survey;
    survey_task_fn task;
    size_t n_tasks, rank, n_ranks;
    uint64_t *values; // of this rank's tasks
    enum err *errors;
};

static enum err do_task(const struct job *j, size_t mine)
{
    return j->task(j->survey, mine * j->n_ranks + j->rank, &j->values[mine]);
}

static void task(void *context, size_t task_idx, size_t thread_idx)
{
    const struct job *j = context;
    (void)thread_idx;
    j->errors[task_idx] = do_task(j, task_idx);
}

static enum err do_mine(struct job *j, struct pool *pool)
{
    const size_t n_mine = (j->n_tasks + j->n_ranks - 1 - j->rank) / j->n_ranks;
    pool_run(pool, n_mine, task, j);
    for (size_t i = 0; i < n_mine; i++)
        if (j->errors[i] != OK) TRY(do_task(j, i)); // again: the line was its thread's
    return OK;
}

static enum err share(const struct survey *s, survey_task_fn fn, size_t n_tasks, uint64_t *out)
{
    struct fabric *f = s->options->fabric;
    const size_t n_ranks = (size_t)fabric_size(f), n_each = (n_tasks + n_ranks - 1) / n_ranks;
    struct job j = {s, fn, n_tasks, (size_t)fabric_rank(f), n_ranks, NULL, NULL};
    j.values = ARENA_ARRAY(s->arena, uint64_t, n_each);
    j.errors = ARENA_ARRAY(s->arena, enum err, n_each);
    uint64_t *all = ARENA_ARRAY(s->arena, uint64_t, n_each * n_ranks);
    TRY(fabric_agree(f, do_mine(&j, s->options->pool)));
    TRY(fabric_all_gather(f, j.values, n_each * sizeof *all, all));
    for (size_t i = 0; i < n_tasks; i++)
        out[i] = all[i % n_ranks * n_each + i / n_ranks];
    return OK;
}

// Places

static void add_places(struct survey *s, const struct input_file *file, const char *separator)
{
    const uint64_t step = s->options->piece_bytes;
    for (uint64_t from = step; from < file->n_bytes; from += step) {
        s->places =
            ARENA_GROW(s->arena, struct place, s->places, s->n_places + 1, &s->places_capacity);
        const uint64_t end = from + size_min(step, file->n_bytes - from);
        s->places[s->n_places++] = (struct place){file, separator, from, end};
    }
}

static enum err list_places(struct survey *s, const struct inputs *inputs)
{
    for (size_t i = 0; i < inputs->n_files; i++) {
        const struct input_file *file = &inputs->files[i];
        const char *separator;
        if (file->n_bytes <= s->options->piece_bytes) continue;
        TRY(boundary_separator(file, s->options->reader, &separator));
        if (separator) add_places(s, file, separator);
    }
    return OK;
}

static enum err find(const struct survey *s, size_t place_idx, uint64_t *out)
{
    const struct place *p = &s->places[place_idx];
    return boundary_find(p->file, p->separator, p->from, p->end, out);
}

// Pieces

static void add_piece(struct survey *s, struct inputs *out, const struct input_file *file,
                      uint64_t first, uint64_t end)
{
    struct input_file *piece = &out->files[out->n_files++];
    *piece = *file;
    if (first == 0 && end == file->n_bytes) return;
    piece->n_bytes = end - first;
    piece->piece = (struct input_piece){.first_byte = first, .end_byte = end};
    s->pieces[s->n_pieces++] = piece;
}

// Adds the file, cut at those boundaries that were found from *place on.
static void add_file(struct survey *s, struct inputs *out, const struct input_file *file,
                     size_t *place)
{
    uint64_t first = 0;
    for (; *place < s->n_places && s->places[*place].file == file; (*place)++) {
        const uint64_t boundary = s->boundaries[*place];
        if (boundary == BOUNDARY_NONE) continue;
        add_piece(s, out, file, first, boundary);
        first = boundary;
    }
    add_piece(s, out, file, first, file->n_bytes);
}

static enum err count(const struct survey *s, size_t piece_idx, uint64_t *out)
{
    return boundary_count(s->pieces[piece_idx], s->options->reader, out);
}

static enum err number_pieces(struct survey *s)
{
    uint64_t *counts = ARENA_ARRAY(s->arena, uint64_t, s->n_pieces), n_before = 0;
    TRY(share(s, count, s->n_pieces, counts));
    for (size_t i = 0; i < s->n_pieces; i++) {
        if (s->pieces[i]->piece.first_byte == 0) n_before = 0;
        s->pieces[i]->piece.n_before = n_before;
        n_before += counts[i];
    }
    return OK;
}

enum err survey_cut(const struct survey_options *o, const struct inputs *inputs, struct arena *a,
                    struct inputs *out)
{
    struct survey s = {.options = o, .arena = a};
    ASSERT(o->piece_bytes > 0);
    TRY(fabric_agree(o->fabric, list_places(&s, inputs)));
    s.boundaries = ARENA_ARRAY(a, uint64_t, s.n_places);
    TRY(share(&s, find, s.n_places, s.boundaries));
    struct inputs cut = {.n_skipped = inputs->n_skipped};
    cut.files = ARENA_ARRAY(a, struct input_file, inputs->n_files + s.n_places);
    s.pieces = ARENA_ARRAY(a, struct input_file *, inputs->n_files + s.n_places);
    size_t place = 0;
    for (size_t i = 0; i < inputs->n_files; i++)
        add_file(&s, &cut, &inputs->files[i], &place);
    TRY(number_pieces(&s));
    *out = cut;
    return OK;
}
