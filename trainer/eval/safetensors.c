#include "trainer/eval/safetensors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/little.h"
#include "base/text.h"
#include "trainer/kernel/rows.h"

enum { CHUNK_ELEMS = 1 << 16 };

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "elements are written as they lie in memory");

struct writer {
    const char *path;
    int fd;
    enum dtype type;
    size_t n_elems; // in chunk
    float *chunk;   // [CHUNK_ELEMS]
    uint8_t *bytes; // the chunk as it is written
};

static int by_name(const void *a, const void *b)
{
    const struct safetensors_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static uint64_t elems(const struct safetensors_entry *e)
{
    uint64_t n = 1;
    for (int d = 0; d < e->n_dims; d++)
        n *= e->dims[d];
    return n;
}

// --- header ---

static void print_entry(struct text *t, const struct safetensors_entry *e, enum dtype type,
                        uint64_t *offset)
{
    text_printf(t, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[", e->name,
                type == DTYPE_BF16 ? "BF16" : "F32");
    for (int d = 0; d < e->n_dims; d++)
        text_printf(t, "%s%lu", d > 0 ? "," : "", e->dims[d]);
    uint64_t end = *offset + elems(e) * dtype_bytes(type);
    text_printf(t, "],\"data_offsets\":[%lu,%lu]}", *offset, end);
    *offset = end;
}

static enum err write_header(const struct writer *w, const struct safetensors_entry *entries,
                             size_t n, struct arena *a, uint64_t *n_bytes)
{
    struct text t;
    text_begin(&t, a);
    text_printf(&t, "{\"__metadata__\":{\"format\":\"pt\"}");
    uint64_t data_bytes = 0;
    for (size_t i = 0; i < n; i++)
        print_entry(&t, &entries[i], w->type, &data_bytes);
    text_printf(&t, "}");
    while (t.n_bytes % 8 != 0) // so that tensors are aligned
        text_put(&t, " ", 1);
    uint8_t length[8];
    little_put_u64(length, t.n_bytes);
    TRY(file_write(w->fd, w->path, length, sizeof length));
    *n_bytes = sizeof length + t.n_bytes + data_bytes;
    return file_write(w->fd, w->path, t.data, t.n_bytes);
}

// --- tensors ---

static enum err flush(struct writer *w)
{
    size_t n = w->n_elems;
    w->n_elems = 0;
    if (w->type == DTYPE_F32) return file_write(w->fd, w->path, w->chunk, n * sizeof(float));
    rows_kernels()->cast(w->chunk, DTYPE_F32, w->bytes, w->type, n);
    return file_write(w->fd, w->path, w->bytes, n * dtype_bytes(w->type));
}

static enum err put(struct writer *w, const float *from, size_t n, size_t stride)
{
    for (size_t i = 0; i < n; i++) {
        if (w->n_elems == CHUNK_ELEMS) TRY(flush(w));
        w->chunk[w->n_elems++] = from[i * stride];
    }
    return OK;
}

static enum err write_entry(struct writer *w, const struct safetensors_entry *e)
{
    if (!e->transposed) {
        for (int s = 0; s < e->n_sources; s++)
            TRY(put(w, e->sources[s], e->rows[s] * e->columns, 1));
        return flush(w);
    }
    for (uint64_t column = 0; column < e->columns; column++)
        for (int s = 0; s < e->n_sources; s++)
            TRY(put(w, e->sources[s] + column, e->rows[s], e->columns));
    return flush(w);
}

static enum err write_all(struct writer *w, const struct safetensors_entry *entries, size_t n,
                          uint64_t *n_bytes)
{
    struct arena a;
    arena_init(&a, "safetensors");
    w->chunk = ARENA_ARRAY(&a, float, CHUNK_ELEMS);
    w->bytes = ARENA_ARRAY(&a, uint8_t, CHUNK_ELEMS * sizeof(float));
    enum err err = write_header(w, entries, n, &a, n_bytes);
    for (size_t i = 0; err == OK && i < n; i++)
        err = write_entry(w, &entries[i]);
    if (err == OK) err = file_fsync(w->fd, w->path);
    arena_fini(&a);
    return err;
}

enum err safetensors_write(const char *path, struct safetensors_entry *entries, size_t n_entries,
                           enum dtype type, uint64_t *n_bytes)
{
    qsort(entries, n_entries, sizeof *entries, by_name);
    struct writer w = {.path = path, .type = type};
    TRY(file_create(path, &w.fd));
    enum err err = write_all(&w, entries, n_entries, n_bytes);
    if (err == OK) return file_close(w.fd, path);
    close(w.fd);
    return err;
}
