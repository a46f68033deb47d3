#include "shard/build/part_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fault.h"
#include "base/size.h"
#include "base/text.h"

static enum err describe_file(const struct input_file *file, struct text *out)
{
    struct stat st;
    if (fault_hit("part_list_stat") || stat(file->path, &st) != 0)
        return fail(ERR_IO, "open %s: %s", file->path, strerror(errno));
    text_printf(out, "%s\n%s\n%d %lld %lld %lld\n", file->path, file->source, (int)file->kind,
                (long long)st.st_size, (long long)st.st_mtim.tv_sec, (long long)st.st_mtim.tv_nsec);
    const struct input_piece *piece = &file->piece;
    if (piece->end_byte)
        text_printf(out, "%llu %llu %llu %llu\n", (unsigned long long)piece->first_byte,
                    (unsigned long long)piece->end_byte, (unsigned long long)piece->n_before,
                    (unsigned long long)piece->n_bytes_before);
    return OK;
}

static enum err fingerprint(const struct inputs *inputs, struct hash128 options, struct part *part)
{
    char hex[33];
    struct arena scratch;
    struct text what;
    arena_init(&scratch, "part");
    text_begin(&what, &scratch);
    hash_hex(options, hex);
    text_printf(&what, "%s\n", hex);
    enum err e = OK;
    for (size_t i = 0; i < part->n_files && e == OK; i++)
        e = describe_file(&inputs->files[part->first_file + i], &what);
    if (e == OK) part->fingerprint = hash_xxh3_128(what.data, what.n_bytes);
    arena_fini(&scratch);
    return e;
}

uint64_t part_list_bytes(const struct inputs *inputs)
{
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < inputs->n_files; i++)
        n_bytes += inputs->files[i].n_bytes;
    return size_max(PART_LIST_BYTES_LEAST,
                    size_min(PART_LIST_BYTES_MOST, n_bytes / PART_LIST_PARTS));
}

// Files from first on that make a part.
static struct part take_files(const struct inputs *inputs, uint64_t part_bytes, size_t first)
{
    struct part part = {.first_file = first};
    for (size_t i = first; i < inputs->n_files; i++) {
        const struct input_file *file = &inputs->files[i];
        const bool large = file->n_bytes >= part_bytes || file->piece.end_byte;
        if (part.n_files && (large || part.n_bytes >= part_bytes)) break;
        part.n_files++;
        part.n_bytes += file->n_bytes;
        if (file->piece.end_byte) break;
    }
    return part;
}

// Who does which part

static int compare_parts(const void *a, const void *b)
{
    const struct part *x = *(struct part *const *)a, *y = *(struct part *const *)b;
    if (x->n_bytes != y->n_bytes) return x->n_bytes > y->n_bytes ? -1 : 1;
    return x->first_file < y->first_file ? -1 : x->first_file > y->first_file;
}

static void give_out(struct part_list *list, int n_ranks, struct arena *a)
{
    struct part **parts = ARENA_ARRAY(a, struct part *, list->n_parts);
    uint64_t *n_bytes = ARENA_ARRAY(a, uint64_t, n_ranks);
    for (size_t i = 0; i < list->n_parts; i++)
        parts[i] = &list->parts[i];
    if (list->n_parts) qsort(parts, list->n_parts, sizeof *parts, compare_parts);
    for (size_t i = 0; i < list->n_parts; i++) {
        int least = 0;
        for (int r = 1; r < n_ranks; r++)
            if (n_bytes[r] < n_bytes[least]) least = r;
        parts[i]->rank = least;
        n_bytes[least] += parts[i]->n_bytes + 1; // empty files count too
    }
}

size_t part_list_n_of(const struct part_list *list, int rank)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n_parts; i++)
        n += list->parts[i].rank == rank;
    return n;
}

enum err part_list_make(const struct inputs *inputs, uint64_t part_bytes, struct hash128 options,
                        int n_ranks, struct arena *a, struct part_list *out)
{
    struct part_list list = {0};
    size_t capacity = 0;
    struct text all;
    text_begin(&all, a);
    for (size_t first = 0; first < inputs->n_files;) {
        list.parts = ARENA_GROW(a, struct part, list.parts, list.n_parts + 1, &capacity);
        struct part *part = &list.parts[list.n_parts++];
        *part = take_files(inputs, part_bytes, first);
        TRY(fingerprint(inputs, options, part));
        first += part->n_files;
        char hex[33];
        hash_hex(part->fingerprint, hex);
        text_put(&all, hex, sizeof hex - 1);
    }
    give_out(&list, n_ranks, a);
    list.fingerprint = hash_xxh3_128(all.n_bytes ? all.data : "", all.n_bytes);
    *out = list;
    return OK;
}
