#include "trainer/checkpoint/part.h"

#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/little.h"
#include "base/size.h"

enum {
    VERSION = 1,
    HEADER_BYTES = 48,
    ROW_BYTES = 48,
    FOOTER_BYTES = 32,
    FRAME_BYTES = PART_FRAME_ELEMS * 4,
    PIECES_LIMIT = 1 << 24,
};

static const char magic[8] = {'W', 'E', 'F', 'T', 'P', 'A', 'R', 'T'};
static const char end_magic[8] = {'W', 'E', 'F', 'T', 'P', 'E', 'N', 'D'};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "frames are written as they lie in memory");

static uint32_t frame_sum(uint64_t id, uint64_t offset, const void *data, size_t n_bytes)
{
    uint8_t place[16];
    little_put_u64(place, id);
    little_put_u64(place + 8, offset);
    return hash_crc32c(hash_crc32c(0, place, sizeof place), data, n_bytes);
}

static uint64_t frames_bytes(uint64_t n_elems)
{
    return n_elems * 4 + (n_elems + PART_FRAME_ELEMS - 1) / PART_FRAME_ELEMS * 4;
}

// --- writing ---

static void encode_header(uint8_t out[HEADER_BYTES], uint64_t id)
{
    memset(out, 0, HEADER_BYTES);
    memcpy(out, magic, sizeof magic);
    little_put_u32(out + 8, VERSION);
    little_put_u32(out + 12, PART_FRAME_ELEMS);
    little_put_u64(out + 16, id);
    little_put_u32(out + HEADER_BYTES - 4, hash_crc32c(0, out, HEADER_BYTES - 4));
}

static void encode_row(uint8_t out[ROW_BYTES], const struct part_piece *p)
{
    memset(out, 0, ROW_BYTES);
    little_put_u64(out, p->tensor);
    little_put_u64(out + 8, p->first_elem);
    little_put_u64(out + 16, p->n_elems);
    little_put_u64(out + 24, p->offset_bytes);
    little_put_u32(out + 32, p->component);
}

static enum err write_frames(int fd, const char *path, uint64_t id, const struct part_piece *p)
{
    uint64_t offset = p->offset_bytes;
    for (uint64_t first = 0; first < p->n_elems; first += PART_FRAME_ELEMS) {
        size_t n_bytes = size_min(PART_FRAME_ELEMS, p->n_elems - first) * 4;
        uint8_t sum[4];
        little_put_u32(sum, frame_sum(id, offset, p->data + first, n_bytes));
        TRY(file_write(fd, path, p->data + first, n_bytes));
        TRY(file_write(fd, path, sum, sizeof sum));
        offset += n_bytes + sizeof sum;
    }
    return OK;
}

// Table and footer, at offset.
static enum err write_end(int fd, const char *path, uint64_t id, const struct part_piece *pieces,
                          uint64_t n_pieces, uint64_t offset)
{
    uint32_t sum = frame_sum(id, offset, NULL, 0);
    uint8_t row[ROW_BYTES], footer[FOOTER_BYTES] = {0};
    for (uint64_t i = 0; i < n_pieces; i++) {
        encode_row(row, &pieces[i]);
        sum = hash_crc32c(sum, row, sizeof row);
        TRY(file_write(fd, path, row, sizeof row));
    }
    little_put_u64(footer, offset);
    little_put_u64(footer + 8, n_pieces);
    memcpy(footer + 16, end_magic, sizeof end_magic);
    little_put_u32(footer + 24, sum);
    little_put_u32(footer + 28, hash_crc32c(0, footer, 28));
    return file_write(fd, path, footer, sizeof footer);
}

static enum err write_all(int fd, const char *path, uint64_t id, struct part_piece *pieces,
                          uint64_t n_pieces, uint64_t *n_bytes)
{
    uint8_t header[HEADER_BYTES];
    encode_header(header, id);
    TRY(file_write(fd, path, header, sizeof header));
    uint64_t offset = HEADER_BYTES;
    for (uint64_t i = 0; i < n_pieces; i++) {
        pieces[i].offset_bytes = offset;
        TRY(write_frames(fd, path, id, &pieces[i]));
        offset += frames_bytes(pieces[i].n_elems);
    }
    TRY(write_end(fd, path, id, pieces, n_pieces, offset));
    *n_bytes = offset + n_pieces * ROW_BYTES + FOOTER_BYTES;
    return file_fsync(fd, path);
}

enum err part_write(const char *path, uint64_t id, struct part_piece *pieces, uint64_t n_pieces,
                    uint64_t *n_bytes)
{
    int fd;
    TRY(file_create(path, &fd));
    enum err err = write_all(fd, path, id, pieces, n_pieces, n_bytes);
    if (err != OK) {
        close(fd);
        unlink(path);
        return err;
    }
    return file_close(fd, path);
}

// --- reading ---

static enum err corrupt(const char *path, uint64_t offset, const char *what)
{
    return fail(ERR_CORRUPT, "%s: offset %lu: %s", path, offset, what);
}

static enum err read_header(const struct part *p)
{
    uint8_t h[HEADER_BYTES], wanted[HEADER_BYTES];
    TRY(file_pread(p->fd, p->path, h, sizeof h, 0));
    encode_header(wanted, p->id);
    if (memcmp(h, wanted, sizeof h) != 0)
        return corrupt(p->path, 0, "the header is not that of this checkpoint's part");
    return OK;
}

static enum err decode_row(const struct part *p, const uint8_t row[ROW_BYTES], uint64_t i,
                           uint64_t table, uint64_t *expected_offset)
{
    struct part_piece *piece = &p->pieces[i];
    *piece = (struct part_piece){.tensor = little_get_u64(row),
                                 .first_elem = little_get_u64(row + 8),
                                 .n_elems = little_get_u64(row + 16),
                                 .offset_bytes = little_get_u64(row + 24),
                                 .component = little_get_u32(row + 32)};
    bool sane = piece->n_elems > 0 && piece->n_elems <= p->n_bytes / 4 &&
                piece->first_elem <= UINT64_MAX / 8 && piece->offset_bytes == *expected_offset;
    if (!sane) return corrupt(p->path, table + i * ROW_BYTES, "a row of the table does not fit");
    *expected_offset += frames_bytes(piece->n_elems);
    return OK;
}

static enum err read_table(struct part *p, uint64_t table, uint32_t expected_sum, struct arena *a)
{
    uint8_t *rows = arena_array(a, p->n_pieces, ROW_BYTES, 8);
    TRY(file_pread(p->fd, p->path, rows, p->n_pieces * ROW_BYTES, table));
    if (hash_crc32c(frame_sum(p->id, table, NULL, 0), rows, p->n_pieces * ROW_BYTES) !=
        expected_sum)
        return corrupt(p->path, table, "checksum of the table differs");
    p->pieces = ARENA_ARRAY(a, struct part_piece, p->n_pieces);
    uint64_t expected_offset = HEADER_BYTES;
    for (uint64_t i = 0; i < p->n_pieces; i++)
        TRY(decode_row(p, rows + i * ROW_BYTES, i, table, &expected_offset));
    return expected_offset == table
               ? OK
               : corrupt(p->path, table, "the table is not where the frames end");
}

static enum err read_end(struct part *p, struct arena *a)
{
    uint64_t at = p->n_bytes - FOOTER_BYTES;
    uint8_t footer[FOOTER_BYTES];
    TRY(file_pread(p->fd, p->path, footer, sizeof footer, at));
    if (memcmp(footer + 16, end_magic, sizeof end_magic) != 0 ||
        little_get_u32(footer + 28) != hash_crc32c(0, footer, 28))
        return corrupt(p->path, at, "checksum of the footer differs");
    uint64_t table = little_get_u64(footer);
    p->n_pieces = little_get_u64(footer + 8);
    if (p->n_pieces > PIECES_LIMIT || table > at || at - table != p->n_pieces * ROW_BYTES)
        return corrupt(p->path, at, "the footer does not fit the file");
    return read_table(p, table, little_get_u32(footer + 24), a);
}

enum err part_open(struct part *p, const char *path, uint64_t id, uint64_t n_bytes, struct arena *a)
{
    *p = (struct part){.path = path, .fd = -1, .id = id, .n_bytes = n_bytes};
    TRY(file_open_read(path, &p->fd));
    uint64_t actual = 0;
    enum err err = file_size(p->fd, path, &actual);
    if (err == OK && (actual != n_bytes || n_bytes < HEADER_BYTES + FOOTER_BYTES))
        err = fail(ERR_CORRUPT, "%s: %lu bytes long, the manifest says %lu", path, actual, n_bytes);
    if (err == OK) err = read_header(p);
    if (err == OK) err = read_end(p, a);
    if (err != OK) part_close(p);
    return err;
}

void part_close(struct part *p)
{
    if (p->fd >= 0) close(p->fd);
    p->fd = -1;
}

enum err part_read(const struct part *p, const struct part_piece *piece, uint64_t first, uint64_t n,
                   float *out)
{
    ASSERT(first >= piece->first_elem && first + n <= piece->first_elem + piece->n_elems);
    static _Thread_local uint8_t frame[FRAME_BYTES + 4];
    uint64_t begin = first - piece->first_elem, end = begin + n;
    for (uint64_t k = begin / PART_FRAME_ELEMS; k * PART_FRAME_ELEMS < end; k++) {
        uint64_t at = k * PART_FRAME_ELEMS, offset = piece->offset_bytes + k * (FRAME_BYTES + 4);
        size_t n_bytes = size_min(PART_FRAME_ELEMS, piece->n_elems - at) * 4;
        TRY(file_pread(p->fd, p->path, frame, n_bytes + 4, offset));
        if (frame_sum(p->id, offset, frame, n_bytes) != little_get_u32(frame + n_bytes))
            return corrupt(p->path, offset, "checksum of a frame differs");
        uint64_t from = size_max(at, begin), to = size_min(at + n_bytes / 4, end);
        memcpy(out + (from - begin), frame + (from - at) * 4, (to - from) * 4);
    }
    return OK;
}
