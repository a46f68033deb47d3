#include "shard/read/inputs.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/file.h"

static const struct {
    const char *suffix;
    enum input_kind kind;
} SUFFIXES[] = {{".txt", INPUT_TEXT},  {".rst", INPUT_TEXT}, {".md", INPUT_TEXT},
                {".html", INPUT_HTML}, {".htm", INPUT_HTML}, {".jsonl", INPUT_JSONL}};

static const char *const COMPRESSED[] = {".gz", ".zst", ".bz2", ".xz", ".zip"};

struct node {
    struct input_file file;
    struct node *next;
};

struct walk {
    struct arena *a;
    struct node **last;
    struct inputs found;
};

static bool ends_with(const char *text, const char *suffix)
{
    const size_t n = strlen(text), m = strlen(suffix);
    return n > m && strcasecmp(text + n - m, suffix) == 0;
}

static bool kind_of(const char *path, enum input_kind *kind)
{
    for (size_t i = 0; i < sizeof SUFFIXES / sizeof SUFFIXES[0]; i++) {
        if (!ends_with(path, SUFFIXES[i].suffix)) continue;
        *kind = SUFFIXES[i].kind;
        return true;
    }
    return false;
}

static bool compressed(const char *path)
{
    for (size_t i = 0; i < sizeof COMPRESSED / sizeof COMPRESSED[0]; i++) {
        if (ends_with(path, COMPRESSED[i])) return true;
    }
    return false;
}

static void add_file(struct walk *w, const char *path, const char *source, enum input_kind kind,
                     uint64_t n_bytes)
{
    struct node *node = ARENA_NEW(w->a, struct node);
    node->file = (struct input_file){path, source, kind, n_bytes};
    *w->last = node;
    w->last = &node->next;
    w->found.n_files++;
}

static enum err look_at(const char *path, bool follow, struct stat *st)
{
    const bool failed =
        fault_hit("inputs_stat") || (follow ? stat(path, st) : lstat(path, st)) != 0;
    return failed ? fail(ERR_IO, "open %s: %s", path, strerror(errno)) : OK;
}

static enum err walk_folder(struct walk *w, const char *path, const char *source, int depth);

static enum err walk_entry(struct walk *w, const char *path, const char *source, int depth)
{
    struct stat st;
    TRY(look_at(path, false, &st));
    if (S_ISDIR(st.st_mode)) return walk_folder(w, path, source, depth + 1);
    enum input_kind kind;
    if (!kind_of(path, &kind)) {
        w->found.n_skipped++;
        return OK;
    }
    if (S_ISLNK(st.st_mode)) TRY(look_at(path, true, &st));
    if (S_ISREG(st.st_mode))
        add_file(w, path, source, kind, (uint64_t)st.st_size);
    else
        w->found.n_skipped++;
    return OK;
}

static enum err walk_folder(struct walk *w, const char *path, const char *source, int depth)
{
    if (depth > INPUTS_DEPTH_LIMIT)
        return fail(ERR_DATA, "%s: folders deeper than %d", path, INPUTS_DEPTH_LIMIT);
    struct file_list list;
    TRY(file_list(path, w->a, &list));
    for (size_t i = 0; i < list.n_names; i++) {
        const char *name = list.names[i];
        TRY(walk_entry(w, arena_printf(w->a, "%s/%s", path, name),
                       arena_printf(w->a, "%s%s%s", source, source[0] ? "/" : "", name), depth));
    }
    return OK;
}

// The last word of path ("" for ".", ".." and "/").
static const char *last_word(struct arena *a, const char *path)
{
    size_t end = strlen(path);
    while (end > 1 && path[end - 1] == '/')
        end--;
    size_t first = end;
    while (first > 0 && path[first - 1] != '/')
        first--;
    const char *word = arena_strndup(a, path + first, end - first);
    return strcmp(word, ".") == 0 || strcmp(word, "..") == 0 ? "" : word;
}

static enum err walk_operand(struct walk *w, const char *path)
{
    struct stat st;
    TRY(look_at(path, true, &st));
    const char *source = last_word(w->a, path);
    if (S_ISDIR(st.st_mode)) return walk_folder(w, path, source, 0);
    if (!S_ISREG(st.st_mode)) return fail(ERR_DATA, "%s: neither a file nor a folder", path);
    if (compressed(path))
        return fail(ERR_DATA, "%s: compressed input is not read; unpack it first", path);
    enum input_kind kind = INPUT_TEXT;
    kind_of(path, &kind);
    add_file(w, path, source, kind, (uint64_t)st.st_size);
    return OK;
}

enum err inputs_list(char *const *operands, size_t n_operands, struct arena *a, struct inputs *out)
{
    struct node *first = NULL;
    struct walk w = {.a = a, .last = &first};
    for (size_t i = 0; i < n_operands; i++)
        TRY(walk_operand(&w, operands[i]));
    w.found.files = ARENA_ARRAY(a, struct input_file, w.found.n_files);
    size_t n = 0;
    for (const struct node *node = first; node; node = node->next)
        w.found.files[n++] = node->file;
    *out = w.found;
    return OK;
}
