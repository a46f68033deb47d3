// Pieces of packed files are larger where there is much input: they are decompressed once more for
// the looking, which helps nobody when there are more files than ranks.

#include "shard/build/survey.h"

#include "base/size.h"
#include "shard/read/boundary.h"

// That all of the input would make, at most.
enum { PLAIN_PIECES = 1 << 20, PACKED_PIECES = 256 };

// A file shall be cut at the first boundary in [from, end), if there is one.
struct place {
    const struct input_file *file;
    struct boundary_rule rule;
    uint64_t from, end;
};

// What a task finds.
struct found {
    bool packed;
    uint64_t boundary; // where a piece begins
    struct boundary_count count;
};

struct survey {
    const struct survey_options *options;
    struct arena *arena;
    const struct input_file **large; // that could be cut
    size_t n_large;
    struct place *places; // by file, ascending
    size_t n_places, places_capacity;
    struct found *boundaries;           // one a place
    uint64_t plain_bytes, packed_bytes; // of a piece
    struct input_file **pieces;
    size_t n_pieces;
};

// Sharing: task i of n falls to rank i % n_ranks, and all ranks learn all values.

typedef enum err (*survey_task_fn)(const struct survey *s, size_t task_idx, struct found *out);

struct job {
    const struct survey *survey;
    survey_task_fn task;
    size_t n_tasks, rank, n_ranks;
    struct found *found; // by this rank's tasks
    enum err *errors;
};

static enum err do_task(const struct job *j, size_t mine)
{
    return j->task(j->survey, mine * j->n_ranks + j->rank, &j->found[mine]);
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

static enum err share(const struct survey *s, survey_task_fn fn, size_t n_tasks, struct found *out)
{
    struct fabric *f = s->options->fabric;
    const size_t n_ranks = (size_t)fabric_size(f), n_each = size_ceil_div(n_tasks, n_ranks);
    struct job j = {s, fn, n_tasks, (size_t)fabric_rank(f), n_ranks, NULL, NULL};
    j.found = ARENA_ARRAY(s->arena, struct found, n_each);
    j.errors = ARENA_ARRAY(s->arena, enum err, n_each);
    struct found *all = ARENA_ARRAY(s->arena, struct found, n_each * n_ranks);
    TRY(fabric_agree(f, do_mine(&j, s->options->pool)));
    TRY(fabric_all_gather(f, j.found, n_each * sizeof *all, all));
    for (size_t i = 0; i < n_tasks; i++)
        out[i] = all[i % n_ranks * n_each + i / n_ranks];
    return OK;
}

// Places

static uint64_t step_of(const struct survey *s, const struct boundary_rule *rule)
{
    if (rule->members) return s->packed_bytes;
    return rule->separator ? s->plain_bytes : UINT64_MAX;
}

// So large that it is cut if it is packed, or if it is not.
static bool is_large(const struct survey *s, const struct input_file *file)
{
    const struct reader_options *o = s->options->reader;
    const struct boundary_rule plain = boundary_rule(file, o, false),
                               packed = boundary_rule(file, o, true);
    return file->n_bytes > step_of(s, &packed) ||
           (file->n_bytes > step_of(s, &plain) && !file->compressed);
}

static void list_large(struct survey *s, const struct inputs *inputs)
{
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < inputs->n_files; i++)
        n_bytes += inputs->files[i].n_bytes;
    s->plain_bytes = size_max(s->options->piece_bytes, n_bytes / PLAIN_PIECES);
    s->packed_bytes = size_max(s->options->piece_bytes, n_bytes / PACKED_PIECES);
    s->large = ARENA_ARRAY(s->arena, const struct input_file *, inputs->n_files);
    for (size_t i = 0; i < inputs->n_files; i++)
        if (is_large(s, &inputs->files[i])) s->large[s->n_large++] = &inputs->files[i];
}

static enum err look(const struct survey *s, size_t large_idx, struct found *out)
{
    return boundary_packed(s->large[large_idx], &out->packed);
}

static void add_places(struct survey *s, const struct input_file *file, bool packed)
{
    const struct boundary_rule rule = boundary_rule(file, s->options->reader, packed);
    const uint64_t step = step_of(s, &rule);
    if (file->n_bytes <= step) return;
    for (uint64_t from = step; from < file->n_bytes; from += step) {
        s->places =
            ARENA_GROW(s->arena, struct place, s->places, s->n_places + 1, &s->places_capacity);
        const uint64_t end = from + size_min(step, file->n_bytes - from);
        s->places[s->n_places++] = (struct place){file, rule, from, end};
    }
}

static enum err list_places(struct survey *s, const struct inputs *inputs)
{
    list_large(s, inputs);
    struct found *found = ARENA_ARRAY(s->arena, struct found, s->n_large);
    TRY(share(s, look, s->n_large, found));
    for (size_t i = 0; i < s->n_large; i++)
        add_places(s, s->large[i], found[i].packed);
    return OK;
}

static enum err find(const struct survey *s, size_t place_idx, struct found *out)
{
    const struct place *p = &s->places[place_idx];
    return boundary_find(p->file, &p->rule, p->from, p->end, &out->boundary);
}

// Pieces

static void add_piece(struct survey *s, struct inputs *out, const struct input_file *file,
                      struct input_piece piece)
{
    struct input_file *to = &out->files[out->n_files++];
    *to = *file;
    if (piece.first_byte == 0 && piece.end_byte == file->n_bytes) return;
    to->n_bytes = piece.end_byte - piece.first_byte;
    to->piece = piece;
    s->pieces[s->n_pieces++] = to;
}

// Adds the file, cut at those boundaries that were found from *place on.
static void add_file(struct survey *s, struct inputs *out, const struct input_file *file,
                     size_t *place)
{
    struct input_piece piece = {0};
    for (; *place < s->n_places && s->places[*place].file == file; (*place)++) {
        const uint64_t boundary = s->boundaries[*place].boundary;
        piece.packed = s->places[*place].rule.members;
        if (boundary == BOUNDARY_NONE) continue;
        piece.end_byte = boundary;
        add_piece(s, out, file, piece);
        piece.first_byte = boundary;
    }
    piece.end_byte = file->n_bytes;
    add_piece(s, out, file, piece);
}

static enum err count(const struct survey *s, size_t piece_idx, struct found *out)
{
    return boundary_count(s->pieces[piece_idx], s->options->reader, &out->count);
}

// Numbers go on over pieces of a file. Behind one that is not clean its file is cut no more: that
// piece takes what follows, which is left with no bytes.
static enum err number_pieces(struct survey *s)
{
    struct found *found = ARENA_ARRAY(s->arena, struct found, s->n_pieces);
    struct input_file *last = NULL; // that took what follows
    uint64_t n_before = 0, n_bytes_before = 0;
    TRY(share(s, count, s->n_pieces, found));
    for (size_t i = 0; i < s->n_pieces; i++) {
        struct input_file *file = s->pieces[i];
        if (file->piece.first_byte == 0) {
            last = NULL;
            n_before = n_bytes_before = 0;
        }
        if (last) {
            last->piece.end_byte = file->piece.end_byte;
            last->n_bytes += file->n_bytes;
            file->n_bytes = 0;
            continue;
        }
        file->piece.n_before = n_before;
        file->piece.n_bytes_before = n_bytes_before;
        n_before += found[i].count.n_numbers;
        n_bytes_before += found[i].count.n_bytes;
        if (!found[i].count.clean) last = file;
    }
    return OK;
}

// Files without bytes stay, for they may be documents; pieces without bytes are none.
static void drop_empty_pieces(struct inputs *inputs)
{
    size_t n = 0;
    for (size_t i = 0; i < inputs->n_files; i++) {
        const struct input_file *file = &inputs->files[i];
        if (file->n_bytes > 0 || file->piece.end_byte == 0) inputs->files[n++] = *file;
    }
    inputs->n_files = n;
}

enum err survey_cut(const struct survey_options *o, const struct inputs *inputs, struct arena *a,
                    struct inputs *out)
{
    struct survey s = {.options = o, .arena = a};
    ASSERT(o->piece_bytes > 0);
    TRY(list_places(&s, inputs));
    s.boundaries = ARENA_ARRAY(a, struct found, s.n_places);
    TRY(share(&s, find, s.n_places, s.boundaries));
    struct inputs cut = {.n_skipped = inputs->n_skipped};
    cut.files = ARENA_ARRAY(a, struct input_file, inputs->n_files + s.n_places);
    s.pieces = ARENA_ARRAY(a, struct input_file *, inputs->n_files + s.n_places);
    size_t place = 0;
    for (size_t i = 0; i < inputs->n_files; i++)
        add_file(&s, &cut, &inputs->files[i], &place);
    TRY(number_pieces(&s));
    drop_empty_pieces(&cut);
    *out = cut;
    return OK;
}
