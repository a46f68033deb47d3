// Raw elements gather in one buffer a column. A full buffer is sealed: it is swapped with the empty
// one of a slot; when all slots are taken the pool compresses them side by side. Frames keep the
// order in which they were sealed within their column, so threads cannot change the file.

#include "shard/format/shard_writer.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/little.h"
#include "base/size.h"
#include "shard/format/content.h"

enum { SLOT_LIMIT = 64 };

struct buffer {
    uint8_t *data;
    size_t n_bytes, capacity;
};

// What finish needs of a frame besides its record.
struct sealed_frame {
    struct frame frame;
    struct hash128 raw_hash;
    const uint8_t *stored;
};

struct column_state {
    char name[COLUMN_NAME_LIMIT];
    enum column_type type;
    enum frame_codec codec;
    struct buffer pending; // elements; of a blob column the bytes
    struct buffer lengths; // of a blob column
    uint32_t n_pending;    // elements
    uint64_t n_elems;      // sealed
    struct sealed_frame *frames;
    size_t n_frames, frame_capacity;
};

struct slot {
    uint32_t column_idx;
    uint32_t n_elems, n_stored;
    struct buffer raw, stored;
    struct hash128 raw_hash;
    enum err e;
};

struct shard_writer {
    struct arena *a;
    struct pool *pool;
    struct frame_context *contexts; // one a thread
    uint32_t n_columns;
    size_t n_slots;
    struct column_state columns[COLUMN_LIMIT];
    struct slot slots[SLOT_LIMIT];
};

struct shard_writer *shard_writer_open(struct arena *a, struct pool *pool)
{
    struct shard_writer *w = ARENA_NEW(a, struct shard_writer);
    w->a = a;
    w->pool = pool;
    w->contexts = ARENA_ARRAY(a, struct frame_context, pool_n_threads(pool));
    for (size_t i = 0; i < pool_n_threads(pool); i++)
        frame_context_init(&w->contexts[i]);
    return w;
}

void shard_writer_close(struct shard_writer *w)
{
    for (size_t i = 0; i < pool_n_threads(w->pool); i++)
        frame_context_fini(&w->contexts[i]);
}

uint32_t shard_writer_column(struct shard_writer *w, const char *name, enum column_type type,
                             enum frame_codec codec)
{
    ASSERT(w->n_columns < COLUMN_LIMIT && column_name_valid(name, strlen(name)));
    for (uint32_t c = 0; c < w->n_columns; c++)
        ASSERT(strcmp(w->columns[c].name, name) != 0);
    struct column_state *column = &w->columns[w->n_columns];
    memcpy(column->name, name, strlen(name) + 1);
    column->type = type;
    column->codec = codec;
    return w->n_columns++;
}

// Room for n more bytes. The old bytes stay in the arena until the shard is done.
static void buffer_reserve(struct arena *a, struct buffer *b, size_t n)
{
    if (b->capacity - b->n_bytes >= n) return;
    const size_t capacity = size_max(b->n_bytes + n, b->capacity * 2);
    uint8_t *data = arena_alloc(a, capacity, 8);
    if (b->n_bytes) memcpy(data, b->data, b->n_bytes);
    b->data = data;
    b->capacity = capacity;
}

static void buffer_append(struct arena *a, struct buffer *b, const void *data, size_t n)
{
    buffer_reserve(a, b, n);
    if (n) memcpy(b->data + b->n_bytes, data, n);
    b->n_bytes += n;
}

// Compression

static void compress_task(void *context, size_t task_idx, size_t thread_idx)
{
    struct shard_writer *w = context;
    struct slot *slot = &w->slots[task_idx];
    const struct span raw = {slot->raw.data, slot->raw.n_bytes};
    slot->raw_hash = hash_xxh3_128(raw.data, raw.n_bytes);
    slot->e = frame_compress(&w->contexts[thread_idx], w->columns[slot->column_idx].codec, raw,
                             slot->stored.data, &slot->n_stored);
}

static void keep_frame(struct shard_writer *w, struct slot *slot)
{
    struct column_state *column = &w->columns[slot->column_idx];
    if (column->n_frames == column->frame_capacity) {
        column->frame_capacity = size_max(16, column->frame_capacity * 2);
        struct sealed_frame *frames =
            ARENA_ARRAY(w->a, struct sealed_frame, column->frame_capacity);
        if (column->n_frames) memcpy(frames, column->frames, column->n_frames * sizeof *frames);
        column->frames = frames;
    }
    uint8_t *stored = arena_alloc(w->a, slot->n_stored, 8);
    memcpy(stored, slot->stored.data, slot->n_stored);
    column->frames[column->n_frames++] =
        (struct sealed_frame){.frame = {.stored_bytes = slot->n_stored,
                                        .raw_bytes = (uint32_t)slot->raw.n_bytes,
                                        .n_elems = slot->n_elems,
                                        .first_elem = column->n_elems},
                              .raw_hash = slot->raw_hash,
                              .stored = stored};
    column->n_elems += slot->n_elems;
    slot->raw.n_bytes = 0;
}

static enum err compress_slots(struct shard_writer *w)
{
    for (size_t i = 0; i < w->n_slots; i++)
        buffer_reserve(w->a, &w->slots[i].stored, w->slots[i].raw.n_bytes);
    pool_run(w->pool, w->n_slots, compress_task, w);
    for (size_t i = 0; i < w->n_slots; i++) {
        if (w->slots[i].e != OK) return fail(w->slots[i].e, "compress a frame: out of memory");
        keep_frame(w, &w->slots[i]);
    }
    w->n_slots = 0;
    return OK;
}

enum err shard_writer_cut(struct shard_writer *w, uint32_t column_idx)
{
    struct column_state *column = &w->columns[column_idx];
    if (column->n_pending == 0) return OK;
    if (w->n_slots == SLOT_LIMIT) TRY(compress_slots(w));
    struct slot *slot = &w->slots[w->n_slots++];
    slot->column_idx = column_idx;
    slot->n_elems = column->n_pending;
    if (column->type == COLUMN_BLOB) {
        buffer_append(w->a, &slot->raw, column->lengths.data, column->lengths.n_bytes);
        buffer_append(w->a, &slot->raw, column->pending.data, column->pending.n_bytes);
        column->lengths.n_bytes = column->pending.n_bytes = 0;
    } else {
        const struct buffer empty = slot->raw;
        slot->raw = column->pending;
        column->pending = empty;
    }
    column->n_pending = 0;
    return OK;
}

// Elements

// Room for up to n more elements of the column's open frame; *room >= 1 of them fit now.
static enum err reserve_elems(struct shard_writer *w, uint32_t column_idx, size_t n, size_t *room)
{
    struct column_state *column = &w->columns[column_idx];
    const size_t elem_bytes = (size_t)column_type_bytes((uint8_t)column->type);
    const size_t limit = FRAME_TARGET_BYTES / elem_bytes;
    if (column->n_pending == limit) TRY(shard_writer_cut(w, column_idx));
    *room = size_min(n, limit - column->n_pending);
    buffer_reserve(w->a, &column->pending, *room * elem_bytes);
    return OK;
}

static void put_elem(uint8_t *out, int elem_bytes, uint64_t value)
{
    ASSERT(elem_bytes == 8 || value >> (8 * elem_bytes) == 0);
    if (elem_bytes == 1)
        out[0] = (uint8_t)value;
    else if (elem_bytes == 2)
        little_put_u16(out, (uint16_t)value);
    else if (elem_bytes == 4)
        little_put_u32(out, (uint32_t)value);
    else
        little_put_u64(out, value);
}

// The many: u32 values, which fit, to u16 or u32 elements.
static void put_tokens(uint8_t *out, int elem_bytes, const uint32_t *values, size_t n)
{
    uint32_t all = 0;
    for (size_t i = 0; i < n; i++)
        all |= values[i];
    ASSERT(elem_bytes == 4 || all <= UINT16_MAX);
    for (size_t i = 0; i < n && elem_bytes == 2; i++)
        little_put_u16(out + 2 * i, (uint16_t)values[i]);
    for (size_t i = 0; i < n && elem_bytes == 4; i++)
        little_put_u32(out + 4 * i, values[i]);
}

static void put_elems(uint8_t *out, int elem_bytes, const uint32_t *u32, const uint64_t *u64,
                      size_t n)
{
    if (u32 && (elem_bytes == 2 || elem_bytes == 4)) {
        put_tokens(out, elem_bytes, u32, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        put_elem(out + i * (size_t)elem_bytes, elem_bytes, u32 ? u32[i] : u64[i]);
}

// One of u32 and u64 is given.
static enum err add_integers(struct shard_writer *w, uint32_t column_idx, const uint32_t *u32,
                             const uint64_t *u64, size_t n)
{
    ASSERT(column_idx < w->n_columns);
    struct column_state *column = &w->columns[column_idx];
    const int elem_bytes = column_type_bytes((uint8_t)column->type);
    ASSERT(elem_bytes > 0);
    for (size_t done = 0; done < n;) {
        size_t room;
        TRY(reserve_elems(w, column_idx, n - done, &room));
        uint8_t *out = column->pending.data + column->pending.n_bytes;
        put_elems(out, elem_bytes, u32 ? u32 + done : NULL, u64 ? u64 + done : NULL, room);
        column->pending.n_bytes += room * (size_t)elem_bytes;
        column->n_pending += (uint32_t)room;
        done += room;
    }
    return OK;
}

enum err shard_writer_add_u32(struct shard_writer *w, uint32_t column_idx, const uint32_t *values,
                              size_t n)
{
    return add_integers(w, column_idx, values, NULL, n);
}

enum err shard_writer_add_u64(struct shard_writer *w, uint32_t column_idx, const uint64_t *values,
                              size_t n)
{
    return add_integers(w, column_idx, NULL, values, n);
}

enum err shard_writer_add_f32(struct shard_writer *w, uint32_t column_idx, const float *values,
                              size_t n)
{
    ASSERT(w->columns[column_idx].type == COLUMN_F32);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        TRY(add_integers(w, column_idx, &bits, NULL, 1));
    }
    return OK;
}

enum err shard_writer_add_blob(struct shard_writer *w, uint32_t column_idx, struct span bytes)
{
    ASSERT(column_idx < w->n_columns && w->columns[column_idx].type == COLUMN_BLOB);
    if (bytes.n_bytes > SHARD_WRITER_BLOB_LIMIT)
        return fail(ERR_DATA, "column %s: an element of %zu bytes, the limit is %d",
                    w->columns[column_idx].name, bytes.n_bytes, SHARD_WRITER_BLOB_LIMIT);
    struct column_state *column = &w->columns[column_idx];
    uint8_t length[4];
    little_put_u32(length, (uint32_t)bytes.n_bytes);
    const size_t used = column->lengths.n_bytes + column->pending.n_bytes;
    if (used + sizeof length + bytes.n_bytes > FRAME_TARGET_BYTES)
        TRY(shard_writer_cut(w, column_idx));
    buffer_append(w->a, &column->lengths, length, sizeof length);
    buffer_append(w->a, &column->pending, bytes.data, bytes.n_bytes);
    column->n_pending++;
    return OK;
}

// The file

static void fill_layout(struct shard_writer *w, struct layout *l)
{
    *l = (struct layout){.n_columns = w->n_columns};
    l->columns = ARENA_ARRAY(w->a, struct layout_column, w->n_columns);
    struct hash128 **hashes = ARENA_ARRAY(w->a, struct hash128 *, w->n_columns);
    uint64_t offset = LAYOUT_HEADER_BYTES;
    for (uint32_t c = 0; c < w->n_columns; c++) {
        const struct column_state *from = &w->columns[c];
        struct layout_column *to = &l->columns[c];
        *to = (struct layout_column){.type = (uint8_t)from->type,
                                     .codec = (uint8_t)from->codec,
                                     .n_elems = from->n_elems,
                                     .n_frames = (uint32_t)from->n_frames};
        memcpy(to->name, from->name, sizeof to->name);
        to->frames = ARENA_ARRAY(w->a, struct frame, from->n_frames);
        hashes[c] = ARENA_ARRAY(w->a, struct hash128, from->n_frames);
        for (size_t i = 0; i < from->n_frames; i++) {
            to->frames[i] = from->frames[i].frame;
            to->frames[i].offset = offset;
            hashes[c][i] = from->frames[i].raw_hash;
            offset += to->frames[i].stored_bytes;
            to->stored_bytes += to->frames[i].stored_bytes;
            to->raw_bytes += to->frames[i].raw_bytes;
        }
    }
    l->directory_offset = offset;
    l->file_id = content_id(l, hashes, w->a);
}

// Checksums and the directory, once the id is known.
static enum err seal_layout(struct shard_writer *w, struct layout *l, struct span *directory)
{
    for (uint32_t c = 0; c < l->n_columns; c++) {
        for (uint32_t i = 0; i < l->columns[c].n_frames; i++) {
            const struct frame_place place = {l->file_id, c, i};
            struct frame *f = &l->columns[c].frames[i];
            f->crc = frame_crc(&place, f, w->columns[c].frames[i].stored);
        }
    }
    const uint64_t n = layout_directory_bytes(l);
    if (n > LAYOUT_DIRECTORY_LIMIT)
        return fail(ERR_DATA, "a directory of %llu bytes, the limit is %d: write smaller shards",
                    (unsigned long long)n, LAYOUT_DIRECTORY_LIMIT);
    uint8_t *bytes = arena_alloc(w->a, n, 8);
    layout_encode_directory(l, bytes);
    *directory = (struct span){bytes, n};
    l->directory_bytes = (uint32_t)n;
    l->directory_crc = layout_directory_crc(l->file_id, *directory);
    l->file_bytes = l->directory_offset + n + LAYOUT_FOOTER_BYTES;
    return OK;
}

static enum err write_parts(const struct shard_writer *w, const struct layout *l,
                            struct span directory, int fd, const char *path)
{
    uint8_t header[LAYOUT_HEADER_BYTES], footer[LAYOUT_FOOTER_BYTES];
    layout_encode_header(l, header);
    layout_encode_footer(l, footer);
    TRY(file_write(fd, path, header, sizeof header));
    for (uint32_t c = 0; c < l->n_columns; c++) {
        const struct column_state *column = &w->columns[c];
        for (size_t i = 0; i < column->n_frames; i++)
            TRY(file_write(fd, path, column->frames[i].stored,
                           column->frames[i].frame.stored_bytes));
    }
    TRY(file_write(fd, path, directory.data, directory.n_bytes));
    TRY(file_write(fd, path, footer, sizeof footer));
    return file_fsync(fd, path);
}

static enum err write_file(const struct shard_writer *w, const struct layout *l,
                           struct span directory, const char *path)
{
    int fd;
    TRY(file_create(path, &fd));
    const enum err e = write_parts(w, l, directory, fd, path);
    if (e == OK) return file_close(fd, path);
    const enum err close_e = file_close(fd, path);
    (void)close_e; // the first error is the cause
    return e;
}

static const char *folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return ".";
    return slash == path ? "/" : arena_strndup(a, path, (size_t)(slash - path));
}

enum err shard_writer_finish(struct shard_writer *w, const char *path, struct layout *out)
{
    for (uint32_t c = 0; c < w->n_columns; c++)
        TRY(shard_writer_cut(w, c));
    TRY(compress_slots(w));
    struct layout l;
    struct span directory;
    fill_layout(w, &l);
    TRY(seal_layout(w, &l, &directory));
    const char *temporary = arena_printf(w->a, "%s.tmp", path);
    TRY(file_remove_tree(temporary)); // of a run that was killed
    enum err e = write_file(w, &l, directory, temporary);
    if (e == OK) e = file_rename(temporary, path);
    if (e == OK) e = file_fsync_folder(folder_of(w->a, path));
    if (e != OK) {
        char cause[1024];
        snprintf(cause, sizeof cause, "%s", err_line());
        const enum err removed = file_remove_tree(temporary);
        (void)removed;
        e = fail(e, "%s", cause); // removing must not hide the cause
        return e;
    }
    *out = l;
    return OK;
}
