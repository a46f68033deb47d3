#include "shard/format/shard.h"

#include <string.h>

#include "base/file.h"
#include "base/little.h"
#include "base/size.h"
#include "shard/format/content.h"

struct shard {
    const char *name;
    int fd;            // -1: memory
    struct span bytes; // when fd is -1
    struct layout layout;
};

static unsigned long long wide(uint64_t v)
{
    return (unsigned long long)v;
}

// Opening

static enum err fetch(const struct shard *s, uint64_t offset, void *out, size_t n)
{
    if (s->fd >= 0) return file_pread(s->fd, s->name, out, n, offset);
    if (offset > s->bytes.n_bytes || s->bytes.n_bytes - offset < n)
        return fail(ERR_DATA, "%s: ends at offset %zu", s->name, s->bytes.n_bytes);
    memcpy(out, s->bytes.data + offset, n);
    return OK;
}

// e, with the file's name before the line that a layout function left.
static enum err named(const struct shard *s, enum err e)
{
    return e == OK ? OK : fail_at(e, "%s", s->name);
}

static enum err read_layout(struct shard *s, uint64_t actual_bytes, struct arena *a)
{
    struct layout *l = &s->layout;
    if (actual_bytes < LAYOUT_HEADER_BYTES + LAYOUT_FOOTER_BYTES)
        return fail(ERR_DATA, "%s: %llu bytes are too few for a shard (header, offset 0)", s->name,
                    wide(actual_bytes));
    uint8_t header[LAYOUT_HEADER_BYTES], footer[LAYOUT_FOOTER_BYTES];
    TRY(fetch(s, 0, header, sizeof header));
    TRY(named(s, layout_decode_header(header, l)));
    if (l->file_bytes != actual_bytes)
        return fail(ERR_CORRUPT, "%s: %s: %llu bytes, its header says %llu (offset %llu)", s->name,
                    actual_bytes < l->file_bytes ? "truncated" : "extended", wide(actual_bytes),
                    wide(l->file_bytes), wide(size_min(actual_bytes, l->file_bytes)));
    TRY(fetch(s, l->file_bytes - LAYOUT_FOOTER_BYTES, footer, sizeof footer));
    TRY(named(s, layout_decode_footer(footer, l)));
    uint8_t *directory = arena_alloc(a, l->directory_bytes, 8);
    TRY(fetch(s, l->directory_offset, directory, l->directory_bytes));
    return named(s, layout_decode_directory((struct span){directory, l->directory_bytes}, a, l));
}

enum err shard_open_memory(struct span bytes, const char *name, struct arena *a, struct shard **out)
{
    struct shard *s = ARENA_NEW(a, struct shard);
    *s = (struct shard){.name = arena_strdup(a, name), .fd = -1, .bytes = bytes};
    TRY(read_layout(s, bytes.n_bytes, a));
    *out = s;
    return OK;
}

enum err shard_open(const char *path, struct arena *a, struct shard **out)
{
    struct shard *s = ARENA_NEW(a, struct shard);
    *s = (struct shard){.name = arena_strdup(a, path), .fd = -1};
    uint64_t n_bytes;
    TRY(file_open_read(path, &s->fd));
    enum err e = file_size(s->fd, path, &n_bytes);
    if (e == OK) e = read_layout(s, n_bytes, a);
    if (e != OK) {
        shard_close(s);
        return e;
    }
    *out = s;
    return OK;
}

void shard_close(struct shard *s)
{
    if (!s || s->fd < 0) return;
    const enum err e = file_close(s->fd, s->name);
    (void)e; // nothing was written
    s->fd = -1;
}

const struct layout *shard_layout(const struct shard *s)
{
    return &s->layout;
}

const char *shard_name(const struct shard *s)
{
    return s->name;
}

enum err shard_column(const struct shard *s, const char *name, uint32_t *column_idx)
{
    const uint32_t c = layout_find(&s->layout, name);
    if (c == s->layout.n_columns) return fail(ERR_DATA, "%s: no column %s", s->name, name);
    *column_idx = c;
    return OK;
}

// Frames

static enum err frame_fail(const struct shard *s, uint32_t column_idx, uint32_t frame_idx,
                           enum err e)
{
    const struct layout_column *column = &s->layout.columns[column_idx];
    return fail_at(e, "%s: column %s frame %u at offset %llu", s->name, column->name, frame_idx,
                   wide(column->frames[frame_idx].offset));
}

// The frame's stored bytes, checked, in a.
static enum err fetch_frame(const struct shard *s, uint32_t column_idx, uint32_t frame_idx,
                            struct arena *a, struct span *out)
{
    const struct frame *f = &s->layout.columns[column_idx].frames[frame_idx];
    uint8_t *stored = arena_alloc(a, f->stored_bytes, 8);
    TRY(fetch(s, f->offset, stored, f->stored_bytes));
    const struct frame_place place = {s->layout.file_id, column_idx, frame_idx};
    const uint32_t crc = frame_crc(&place, f, stored);
    if (crc != f->crc) {
        const enum err e = fail(ERR_CORRUPT, "checksum is %08x, expected %08x", crc, f->crc);
        return frame_fail(s, column_idx, frame_idx, e);
    }
    *out = (struct span){stored, f->stored_bytes};
    return OK;
}

// Blob frames: all lengths, then all bytes; together they fill the frame.
static enum err check_blob_frame(struct span raw, uint32_t n_elems)
{
    uint64_t n_bytes = (uint64_t)n_elems * 4;
    for (uint32_t i = 0; i < n_elems; i++)
        n_bytes += little_get_u32(raw.data + (size_t)i * 4);
    if (n_bytes != raw.n_bytes)
        return fail(ERR_CORRUPT, "its strings take %llu bytes, the frame has %zu", wide(n_bytes),
                    raw.n_bytes);
    return OK;
}

static enum err decode_frame(const struct shard *s, uint32_t column_idx, uint32_t frame_idx,
                             struct frame_context *context, struct arena *a, struct span *out)
{
    const struct layout_column *column = &s->layout.columns[column_idx];
    const struct frame *f = &column->frames[frame_idx];
    struct span stored;
    TRY(fetch_frame(s, column_idx, frame_idx, a, &stored));
    uint8_t *raw = arena_alloc(a, f->raw_bytes, 8);
    enum err e = frame_decompress(context, column->codec, stored, raw, f->raw_bytes);
    const struct span result = {raw, f->raw_bytes};
    if (e == OK && column->type == COLUMN_BLOB) e = check_blob_frame(result, f->n_elems);
    if (e != OK) return frame_fail(s, column_idx, frame_idx, e);
    *out = result;
    return OK;
}

// Ranges of elements

// The frame that holds element first; the column must have it.
static uint32_t frame_of(const struct layout_column *column, uint64_t first)
{
    uint32_t low = 0, high = column->n_frames;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (column->frames[middle].first_elem <= first)
            low = middle;
        else
            high = middle;
    }
    return low;
}

// Takes elements [first, first + n) of a decoded frame to their place in the caller's output.
typedef void (*take_fn)(struct span raw, const struct frame *f, uint8_t type, uint64_t first,
                        uint64_t n, void *out, uint64_t at);

static enum err read_range(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                           take_fn take, struct arena *keep, void *out)
{
    const struct layout_column *column = &s->layout.columns[column_idx];
    if (first > column->n_elems || column->n_elems - first < n)
        return fail(ERR_DATA, "%s: column %s has %llu elements, asked for %llu from %llu on",
                    s->name, column->name, wide(column->n_elems), wide(n), wide(first));
    struct frame_context context;
    struct arena scratch;
    frame_context_init(&context);
    arena_init(&scratch, "shard read");
    enum err e = OK;
    uint32_t i = n ? frame_of(column, first) : 0;
    for (uint64_t done = 0; done < n && e == OK; i++) {
        const struct frame *f = &column->frames[i];
        const uint64_t skip = first + done - f->first_elem;
        const uint64_t m = size_min(f->n_elems - skip, n - done);
        struct span raw;
        e = decode_frame(s, column_idx, i, &context, keep ? keep : &scratch, &raw);
        if (e == OK) take(raw, f, column->type, skip, m, out, done);
        done += m;
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    frame_context_fini(&context);
    return e;
}

static void take_u32(struct span raw, const struct frame *f, uint8_t type, uint64_t first,
                     uint64_t n, void *out, uint64_t at)
{
    (void)f;
    uint32_t *to = (uint32_t *)out + at;
    if (type == COLUMN_U8) {
        for (uint64_t i = 0; i < n; i++)
            to[i] = raw.data[first + i];
    } else if (type == COLUMN_U16) {
        for (uint64_t i = 0; i < n; i++)
            to[i] = little_get_u16(raw.data + (first + i) * 2);
    } else {
        for (uint64_t i = 0; i < n; i++)
            to[i] = little_get_u32(raw.data + (first + i) * 4);
    }
}

static uint64_t get_elem(const uint8_t *data, uint8_t type, uint64_t i)
{
    if (type == COLUMN_U8) return data[i];
    if (type == COLUMN_U16) return little_get_u16(data + i * 2);
    if (type == COLUMN_U32) return little_get_u32(data + i * 4);
    return little_get_u64(data + i * 8);
}

static void take_u64(struct span raw, const struct frame *f, uint8_t type, uint64_t first,
                     uint64_t n, void *out, uint64_t at)
{
    (void)f;
    uint64_t *to = (uint64_t *)out + at;
    for (uint64_t i = 0; i < n; i++)
        to[i] = get_elem(raw.data, type, first + i);
}

static double get_number(const uint8_t *data, uint8_t type, uint64_t i)
{
    if (type == COLUMN_F32) {
        const uint32_t bits = little_get_u32(data + i * 4);
        float value;
        memcpy(&value, &bits, sizeof value);
        return (double)value;
    }
    if (type == COLUMN_F64) {
        const uint64_t bits = little_get_u64(data + i * 8);
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    if (type == COLUMN_I32) return (double)(int32_t)little_get_u32(data + i * 4);
    if (type == COLUMN_I64) return (double)(int64_t)little_get_u64(data + i * 8);
    return (double)get_elem(data, type, i);
}

static void take_f64(struct span raw, const struct frame *f, uint8_t type, uint64_t first,
                     uint64_t n, void *out, uint64_t at)
{
    (void)f;
    double *to = (double *)out + at;
    for (uint64_t i = 0; i < n; i++)
        to[i] = get_number(raw.data, type, first + i);
}

static void take_blobs(struct span raw, const struct frame *f, uint8_t type, uint64_t first,
                       uint64_t n, void *out, uint64_t at)
{
    (void)type;
    struct span *to = (struct span *)out + at;
    const uint8_t *bytes = raw.data + (size_t)f->n_elems * 4;
    for (uint64_t i = 0; i < first + n; i++) {
        const uint32_t n_bytes = little_get_u32(raw.data + i * 4);
        if (i >= first) to[i - first] = (struct span){bytes, n_bytes};
        bytes += n_bytes;
    }
}

static enum err check_type(const struct shard *s, uint32_t column_idx, int fits, const char *wanted)
{
    ASSERT(column_idx < s->layout.n_columns);
    if (fits) return OK;
    const struct layout_column *column = &s->layout.columns[column_idx];
    return fail(ERR_DATA, "%s: column %s is %s, not %s", s->name, column->name,
                column_type_name(column->type), wanted);
}

enum err shard_read_u32(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                        uint32_t *out)
{
    const uint8_t type = s->layout.columns[column_idx].type;
    TRY(check_type(s, column_idx, type >= COLUMN_U8 && type <= COLUMN_U32, "u8, u16 or u32"));
    return read_range(s, column_idx, first, n, take_u32, NULL, out);
}

enum err shard_read_u64(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                        uint64_t *out)
{
    const uint8_t type = s->layout.columns[column_idx].type;
    TRY(check_type(s, column_idx, type >= COLUMN_U8 && type <= COLUMN_U64, "u8 to u64"));
    return read_range(s, column_idx, first, n, take_u64, NULL, out);
}

enum err shard_read_f64(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                        double *out)
{
    const uint8_t type = s->layout.columns[column_idx].type;
    TRY(check_type(s, column_idx, column_type_bytes(type) > 0, "of numbers"));
    return read_range(s, column_idx, first, n, take_f64, NULL, out);
}

enum err shard_read_blobs(const struct shard *s, uint32_t column_idx, uint64_t first, uint64_t n,
                          struct arena *a, struct span *out)
{
    TRY(check_type(s, column_idx, s->layout.columns[column_idx].type == COLUMN_BLOB, "blob"));
    return read_range(s, column_idx, first, n, take_blobs, a, out);
}

// Verification

// Checks column c; hashes[n_frames] gets its frames' raw bytes, unless it is of an unknown kind.
static enum err verify_column(const struct shard *s, uint32_t column_idx, int known,
                              struct hash128 *hashes)
{
    const struct layout_column *column = &s->layout.columns[column_idx];
    struct frame_context context;
    struct arena scratch;
    frame_context_init(&context);
    arena_init(&scratch, "shard verify");
    enum err e = OK;
    for (uint32_t i = 0; i < column->n_frames && e == OK; i++) {
        struct span bytes;
        if (known)
            e = decode_frame(s, column_idx, i, &context, &scratch, &bytes);
        else
            e = fetch_frame(s, column_idx, i, &scratch, &bytes);
        if (e == OK) hashes[i] = hash_xxh3_128(bytes.data, bytes.n_bytes);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
    frame_context_fini(&context);
    return e;
}

static int column_known(const struct layout_column *column)
{
    return column_type_bytes(column->type) != COLUMN_UNKNOWN_BYTES && column->codec <= FRAME_LZ4;
}

static enum err verify_columns(const struct shard *s, struct arena *a)
{
    const struct layout *l = &s->layout;
    struct hash128 **hashes = ARENA_ARRAY(a, struct hash128 *, l->n_columns);
    int all_known = 1;
    for (uint32_t c = 0; c < l->n_columns; c++) {
        const int known = column_known(&l->columns[c]);
        hashes[c] = ARENA_ARRAY(a, struct hash128, l->columns[c].n_frames);
        all_known = all_known && known;
        TRY(verify_column(s, c, known, hashes[c]));
    }
    if (!all_known) return OK;
    const struct hash128 id = content_id(l, hashes, a);
    if (id.lo != l->file_id.lo || id.hi != l->file_id.hi)
        return fail(ERR_CORRUPT, "%s: its content does not have the id in its header", s->name);
    return OK;
}

enum err shard_verify(const struct shard *s)
{
    struct arena scratch;
    arena_init(&scratch, "shard verify");
    const enum err e = verify_columns(s, &scratch);
    arena_fini(&scratch);
    return e;
}
