#include "shard/read/inputs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/file.h"
#include "base/size.h"
#include "shard/read/reader_kind.h"

static const char *const PACKED[] = {".gz", ".zst"};
static const char *const ARCHIVES[] = {".bz2", ".xz", ".zip", ".7z", ".lz4"};

struct node {
    struct input_file file;
    struct node *next;
};

struct walk {
    struct arena *a;
    struct node **last;
    struct inputs found;
};

// A folder on the way.
struct folder {
    const char *path, *source;
    struct file_list list;
    bool captions;  // a file of captions speaks for the images below it
    bool captioned; // an image in it has its caption beside it
    int depth;
};

// Names

static bool ends_with(const char *text, const char *suffix)
{
    const size_t n = strlen(text), m = strlen(suffix);
    return n > m && strcasecmp(text + n - m, suffix) == 0;
}

// The suffix of the table that ends the text, or NULL.
static const char *suffix_of(const char *text, const char *const *suffixes, size_t n)
{
    for (size_t i = 0; i < n && suffixes[i]; i++) {
        if (ends_with(text, suffixes[i])) return suffixes[i];
    }
    return NULL;
}

static const char *kind_suffix(enum input_kind kind, const char *name)
{
    const struct reader_kind *row = &READER_KINDS[kind];
    return suffix_of(name, row->suffixes, sizeof row->suffixes / sizeof *row->suffixes);
}

// The kind that the file's name tells.
static bool kind_of(struct arena *a, const char *name, struct input_file *out)
{
    const char *packed = suffix_of(name, PACKED, sizeof PACKED / sizeof *PACKED);
    if (packed) name = arena_strndup(a, name, strlen(name) - strlen(packed));
    for (enum input_kind kind = 0; kind < INPUT_N; kind++) {
        if (!kind_suffix(kind, name) || (packed && !READER_KINDS[kind].compressed)) continue;
        out->kind = kind;
        out->compressed = packed;
        return true;
    }
    return false;
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

// Captions

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool has_name(const struct file_list *list, const char *name)
{
    return bsearch(&name, list->names, list->n_names, sizeof *list->names, compare_names) != NULL;
}

// The image's name with .txt in place of its suffix.
static const char *caption_name(struct arena *a, const char *name, const char *suffix)
{
    return arena_printf(a, "%.*s.txt", (int)(strlen(name) - strlen(suffix)), name);
}

// Whether a .txt stands beside an image of its name: then it is that image's caption.
static bool is_caption(const struct file_list *list, char *name)
{
    static const char caption[] = ".txt";
    const size_t n = strlen(name), n_stem = n - size_min(n, sizeof caption - 1);
    if (strcmp(name + n_stem, caption) != 0) return false;
    // Names of one stem stand together.
    char **const self = bsearch(&name, list->names, list->n_names, sizeof name, compare_names);
    char **const end = list->names + list->n_names, **at = self;
    while (at > list->names && strncmp(at[-1], name, n_stem + 1) == 0)
        at--;
    for (; at < end && strncmp(*at, name, n_stem + 1) == 0; at++) {
        const char *suffix = kind_suffix(INPUT_IMAGE, *at);
        if (suffix && strlen(*at) == n_stem + strlen(suffix)) return true;
    }
    return false;
}

static bool has_caption(const struct file_list *list)
{
    for (size_t i = 0; i < list->n_names; i++)
        if (is_caption(list, list->names[i])) return true;
    return false;
}

// The walk

static void add_file(struct walk *w, struct input_file file)
{
    struct node *node = ARENA_NEW(w->a, struct node);
    node->file = file;
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

// Whether a file of that name in the folder is an input of its own. Where one image has a caption,
// images without one are too; elsewhere they are some page's figures and icons. What is part of
// another input (an image or a caption) is not counted as skipped either.
static bool wanted(struct walk *w, const struct folder *folder, char *name, struct input_file *file)
{
    const bool known = kind_of(w->a, name, file);
    if (is_caption(&folder->list, name)) return false;
    if (known && file->kind == INPUT_IMAGE) {
        const char *caption = caption_name(w->a, name, kind_suffix(INPUT_IMAGE, name));
        const bool alone = folder->captioned && !folder->captions;
        if (alone || has_name(&folder->list, caption)) return true;
        w->found.n_skipped += !folder->captions;
        return false;
    }
    if (known && READER_KINDS[file->kind].within_folders) return true;
    w->found.n_skipped++;
    return false;
}

static enum err walk_folder(struct walk *w, const struct folder *from, const char *path,
                            const char *source);

static enum err walk_entry(struct walk *w, const struct folder *folder, char *name)
{
    const char *path = arena_printf(w->a, "%s/%s", folder->path, name);
    const char *source =
        arena_printf(w->a, "%s%s%s", folder->source, folder->source[0] ? "/" : "", name);
    struct stat st;
    TRY(look_at(path, false, &st));
    if (S_ISDIR(st.st_mode)) return walk_folder(w, folder, path, source);
    struct input_file file = {.path = path, .source = source};
    if (!wanted(w, folder, name, &file)) return OK;
    if (S_ISLNK(st.st_mode) && access(path, F_OK) == 0) TRY(look_at(path, true, &st));
    file.n_bytes = (uint64_t)st.st_size;
    if (S_ISREG(st.st_mode))
        add_file(w, file);
    else
        w->found.n_skipped++;
    return OK;
}

static enum err walk_folder(struct walk *w, const struct folder *from, const char *path,
                            const char *source)
{
    struct folder folder = {.path = path, .source = source, .depth = from ? from->depth + 1 : 0};
    if (folder.depth > INPUTS_DEPTH_LIMIT)
        return fail(ERR_DATA, "%s: folders deeper than %d", path, INPUTS_DEPTH_LIMIT);
    TRY(file_list(path, w->a, &folder.list));
    folder.captions = (from && from->captions) || has_name(&folder.list, "metadata.jsonl") ||
                      has_name(&folder.list, "captions.jsonl");
    folder.captioned = has_caption(&folder.list);
    for (size_t i = 0; i < folder.list.n_names; i++)
        TRY(walk_entry(w, &folder, folder.list.names[i]));
    return OK;
}

// The kind that a named file's first bytes tell, or text.
static enum err sniff(struct input_file *file)
{
    struct unpack *s;
    file->kind = INPUT_TEXT;
    TRY(unpack_open(file->path, &s));
    const enum err e = unpack_fill(s);
    for (enum input_kind kind = 0; e == OK && kind < INPUT_N; kind++) {
        const struct reader_kind *row = &READER_KINDS[kind];
        if (row->sniff && row->sniff(unpack_window(s))) file->kind = kind;
    }
    unpack_close(s);
    return e == ERR_DATA ? OK : e;
}

static enum err walk_operand(struct walk *w, const char *path)
{
    struct stat st;
    TRY(look_at(path, true, &st));
    struct input_file file = {.path = path, .source = last_word(w->a, path)};
    if (S_ISDIR(st.st_mode)) return walk_folder(w, NULL, path, file.source);
    if (!S_ISREG(st.st_mode)) return fail(ERR_DATA, "%s: neither a file nor a folder", path);
    if (suffix_of(path, ARCHIVES, sizeof ARCHIVES / sizeof *ARCHIVES))
        return fail(ERR_DATA, "%s: input compressed this way is not read; unpack it first", path);
    if (!kind_of(w->a, path, &file)) {
        file.compressed = suffix_of(path, PACKED, sizeof PACKED / sizeof *PACKED);
        TRY(sniff(&file));
    }
    file.n_bytes = (uint64_t)st.st_size;
    add_file(w, file);
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
