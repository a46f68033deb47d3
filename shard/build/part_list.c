#include "shard/build/part_list.h"

#include <errno.h>
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

static uint64_t bytes_of_a_part(const struct inputs *inputs)
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
        const uint64_t n_bytes = inputs->files[i].n_bytes;
        if (part.n_files && (n_bytes >= part_bytes || part.n_bytes >= part_bytes)) break;
        part.n_files++;
        part.n_bytes += n_bytes;
    }
    return part;
}

enum err part_list_make(const struct inputs *inputs, uint64_t part_bytes, struct hash128 options,
                        struct arena *a, struct part_list *out)
{
    if (part_bytes == 0) part_bytes = bytes_of_a_part(inputs);
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
    list.fingerprint = hash_xxh3_128(all.n_bytes ? all.data : "", all.n_bytes);
    *out = list;
    return OK;
}
