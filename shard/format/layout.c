#include "shard/format/layout.h"

#include <string.h>

#include "base/little.h"

static const char HEADER_MAGIC[8] = {'w', 'e', 'f', 't', 's', 'h', 'r', 'd'};
static const char FOOTER_MAGIC[8] = {'w', 'e', 'f', 't', 'd', 'o', 'n', 'e'};

enum { FRAME_RECORD_BYTES = 16, COLUMN_FIXED_BYTES = 16 };

static void put_id(uint8_t *p, struct hash128 id)
{
    little_put_u64(p, id.lo);
    little_put_u64(p + 8, id.hi);
}

static struct hash128 get_id(const uint8_t *p)
{
    return (struct hash128){.lo = little_get_u64(p), .hi = little_get_u64(p + 8)};
}

static int id_equal(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

static int all_zero(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i]) return 0;
    }
    return 1;
}

void layout_encode_header(const struct layout *l, uint8_t out[LAYOUT_HEADER_BYTES])
{
    memset(out, 0, LAYOUT_HEADER_BYTES);
    memcpy(out, HEADER_MAGIC, sizeof HEADER_MAGIC);
    little_put_u32(out + 8, LAYOUT_VERSION);
    little_put_u32(out + 12, LAYOUT_HEADER_BYTES);
    put_id(out + 16, l->file_id);
    little_put_u64(out + 32, l->file_bytes);
    little_put_u32(out + 60, hash_crc32c(0, out, 60));
}

enum err layout_decode_header(const uint8_t in[LAYOUT_HEADER_BYTES], struct layout *l)
{
    if (memcmp(in, HEADER_MAGIC, sizeof HEADER_MAGIC) != 0)
        return fail(ERR_DATA, "header at offset 0: not a weft shard (bad magic)");
    const uint32_t crc = hash_crc32c(0, in, 60);
    if (little_get_u32(in + 60) != crc)
        return fail(ERR_CORRUPT, "header at offset 0: checksum is %08x, expected %08x", crc,
                    little_get_u32(in + 60));
    if (little_get_u32(in + 8) != LAYOUT_VERSION)
        return fail(ERR_DATA, "header: version %u, this program reads version %d",
                    little_get_u32(in + 8), LAYOUT_VERSION);
    if (little_get_u32(in + 12) != LAYOUT_HEADER_BYTES || !all_zero(in + 40, 20))
        return fail(ERR_CORRUPT, "header: reserved bytes are not zero or its length is not %d",
                    LAYOUT_HEADER_BYTES);
    l->file_id = get_id(in + 16);
    l->file_bytes = little_get_u64(in + 32);
    return OK;
}

void layout_encode_footer(const struct layout *l, uint8_t out[LAYOUT_FOOTER_BYTES])
{
    memset(out, 0, LAYOUT_FOOTER_BYTES);
    little_put_u64(out, l->directory_offset);
    little_put_u32(out + 8, l->directory_bytes);
    little_put_u32(out + 12, l->directory_crc);
    put_id(out + 16, l->file_id);
    little_put_u64(out + 32, l->file_bytes);
    little_put_u32(out + 40, l->n_columns);
    little_put_u32(out + 52, hash_crc32c(0, out, 52));
    memcpy(out + 56, FOOTER_MAGIC, sizeof FOOTER_MAGIC);
}

enum err layout_decode_footer(const uint8_t in[LAYOUT_FOOTER_BYTES], struct layout *l)
{
    const uint64_t offset = l->file_bytes - LAYOUT_FOOTER_BYTES;
    if (memcmp(in + 56, FOOTER_MAGIC, sizeof FOOTER_MAGIC) != 0)
        return fail(ERR_CORRUPT, "footer at offset %llu: bad magic", (unsigned long long)offset);
    const uint32_t crc = hash_crc32c(0, in, 52);
    if (little_get_u32(in + 52) != crc)
        return fail(ERR_CORRUPT, "footer at offset %llu: checksum is %08x, expected %08x",
                    (unsigned long long)offset, crc, little_get_u32(in + 52));
    if (!id_equal(get_id(in + 16), l->file_id) || little_get_u64(in + 32) != l->file_bytes)
        return fail(ERR_CORRUPT, "footer at offset %llu: belongs to another file than the header",
                    (unsigned long long)offset);
    const uint64_t directory_offset = little_get_u64(in);
    const uint32_t directory_bytes = little_get_u32(in + 8);
    if (!all_zero(in + 44, 8) || directory_bytes > LAYOUT_DIRECTORY_LIMIT ||
        directory_offset < LAYOUT_HEADER_BYTES || directory_offset > offset ||
        offset - directory_offset != directory_bytes)
        return fail(ERR_CORRUPT, "footer at offset %llu: the directory does not end at the footer",
                    (unsigned long long)offset);
    if (little_get_u32(in + 40) > COLUMN_LIMIT)
        return fail(ERR_CORRUPT, "footer: %u columns, the limit is %d", little_get_u32(in + 40),
                    COLUMN_LIMIT);
    l->directory_offset = directory_offset;
    l->directory_bytes = directory_bytes;
    l->directory_crc = little_get_u32(in + 12);
    l->n_columns = little_get_u32(in + 40);
    return OK;
}

uint32_t layout_directory_crc(struct hash128 file_id, struct span directory)
{
    uint8_t seed[16];
    put_id(seed, file_id);
    return hash_crc32c(hash_crc32c(0, seed, sizeof seed), directory.data, directory.n_bytes);
}

uint64_t layout_directory_bytes(const struct layout *l)
{
    uint64_t n = 0;
    for (uint32_t c = 0; c < l->n_columns; c++) {
        n += COLUMN_FIXED_BYTES + strlen(l->columns[c].name);
        n += (uint64_t)FRAME_RECORD_BYTES * l->columns[c].n_frames;
    }
    return n;
}

static uint8_t *encode_column(const struct layout_column *column, uint8_t *out)
{
    const size_t n_name = strlen(column->name);
    out[0] = column->type;
    out[1] = column->codec;
    out[2] = (uint8_t)n_name;
    out[3] = 0;
    little_put_u32(out + 4, column->n_frames);
    little_put_u64(out + 8, column->n_elems);
    out += COLUMN_FIXED_BYTES;
    memcpy(out, column->name, n_name);
    out += n_name;
    for (uint32_t i = 0; i < column->n_frames; i++, out += FRAME_RECORD_BYTES) {
        little_put_u32(out, column->frames[i].stored_bytes);
        little_put_u32(out + 4, column->frames[i].raw_bytes);
        little_put_u32(out + 8, column->frames[i].n_elems);
        little_put_u32(out + 12, column->frames[i].crc);
    }
    return out;
}

void layout_encode_directory(const struct layout *l, uint8_t *out)
{
    for (uint32_t c = 0; c < l->n_columns; c++)
        out = encode_column(&l->columns[c], out);
}

// Whether a frame of this type can have these sizes; unknown types cannot be judged further.
static int frame_sizes_possible(uint8_t type, const struct frame *f)
{
    if (f->n_elems == 0 || f->raw_bytes == 0 || f->raw_bytes > FRAME_RAW_LIMIT) return 0;
    if (f->stored_bytes == 0 || f->stored_bytes > f->raw_bytes) return 0;
    const int elem_bytes = column_type_bytes(type);
    if (elem_bytes == COLUMN_UNKNOWN_BYTES) return 1;
    if (elem_bytes == 0) return f->raw_bytes >= (uint64_t)f->n_elems * 4;
    return f->raw_bytes == (uint64_t)f->n_elems * (uint64_t)elem_bytes;
}

struct cursor {
    const uint8_t *data;
    size_t left;
    uint64_t offset; // of the next frame in the file
};

static enum err decode_frames(struct cursor *in, struct arena *a, uint64_t frames_end,
                              struct layout_column *column)
{
    if (in->left / FRAME_RECORD_BYTES < column->n_frames)
        return fail(ERR_CORRUPT, "column %s: the directory ends within its %u frames", column->name,
                    column->n_frames);
    column->frames = ARENA_ARRAY(a, struct frame, column->n_frames);
    uint64_t n_elems = 0;
    for (uint32_t i = 0; i < column->n_frames; i++) {
        struct frame *f = &column->frames[i];
        *f = (struct frame){little_get_u32(in->data),
                            little_get_u32(in->data + 4),
                            little_get_u32(in->data + 8),
                            little_get_u32(in->data + 12),
                            in->offset,
                            n_elems};
        if (!frame_sizes_possible(column->type, f) || frames_end - in->offset < f->stored_bytes)
            return fail(ERR_CORRUPT, "column %s frame %u at offset %llu: impossible sizes",
                        column->name, i, (unsigned long long)in->offset);
        in->data += FRAME_RECORD_BYTES;
        in->left -= FRAME_RECORD_BYTES;
        in->offset += f->stored_bytes;
        n_elems += f->n_elems;
        column->raw_bytes += f->raw_bytes;
        column->stored_bytes += f->stored_bytes;
    }
    if (n_elems != column->n_elems)
        return fail(ERR_CORRUPT, "column %s: its frames have %llu elements, it says %llu",
                    column->name, (unsigned long long)n_elems, (unsigned long long)column->n_elems);
    return OK;
}

static enum err decode_column(struct cursor *in, struct layout *l, uint32_t column_idx)
{
    struct layout_column *column = &l->columns[column_idx];
    if (in->left < COLUMN_FIXED_BYTES)
        return fail(ERR_CORRUPT, "directory ends within column %u", column_idx);
    const size_t n_name = in->data[2];
    if (in->left - COLUMN_FIXED_BYTES < n_name ||
        !column_name_valid((const char *)in->data + COLUMN_FIXED_BYTES, n_name) || in->data[3])
        return fail(ERR_CORRUPT, "directory: column %u has no valid name", column_idx);
    column->type = in->data[0];
    column->codec = in->data[1];
    column->n_frames = little_get_u32(in->data + 4);
    column->n_elems = little_get_u64(in->data + 8);
    memcpy(column->name, in->data + COLUMN_FIXED_BYTES, n_name);
    if (layout_find(l, column->name) != column_idx)
        return fail(ERR_CORRUPT, "directory: two columns named %s", column->name);
    in->data += COLUMN_FIXED_BYTES + n_name;
    in->left -= COLUMN_FIXED_BYTES + n_name;
    return OK;
}

enum err layout_decode_directory(struct span in, struct arena *a, struct layout *l)
{
    const uint32_t crc = layout_directory_crc(l->file_id, in);
    if (crc != l->directory_crc)
        return fail(ERR_CORRUPT, "directory at offset %llu: checksum is %08x, expected %08x",
                    (unsigned long long)l->directory_offset, crc, l->directory_crc);
    struct cursor cursor = {in.data, in.n_bytes, LAYOUT_HEADER_BYTES};
    l->columns = ARENA_ARRAY(a, struct layout_column, l->n_columns);
    for (uint32_t c = 0; c < l->n_columns; c++) {
        TRY(decode_column(&cursor, l, c));
        TRY(decode_frames(&cursor, a, l->directory_offset, &l->columns[c]));
    }
    if (cursor.left)
        return fail(ERR_CORRUPT, "directory: %zu bytes after the last column", cursor.left);
    if (cursor.offset != l->directory_offset)
        return fail(ERR_CORRUPT, "bytes %llu to %llu belong to no frame",
                    (unsigned long long)cursor.offset, (unsigned long long)l->directory_offset);
    return OK;
}

uint32_t layout_find(const struct layout *l, const char *name)
{
    for (uint32_t c = 0; c < l->n_columns; c++) {
        if (strcmp(l->columns[c].name, name) == 0) return c;
    }
    return l->n_columns;
}
