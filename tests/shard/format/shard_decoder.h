#pragma once
// A second reader of shards, written from docs/SHARD_FORMAT.md alone: it includes nothing of weft
// and has its own crc32c. Plain and slow; what it reads must equal what shard/format/shard.h reads.

#include <lz4.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

struct decoder_column {
    char name[64];
    unsigned type, codec;
    uint64_t n_elems, n_frames;
    // Elements as on disk. Of a blob column all bytes, and in lengths the u32 lengths.
    unsigned char *data, *lengths;
    size_t n_data, n_lengths;
};

struct decoder_file {
    uint64_t id[2];
    unsigned n_columns;
    struct decoder_column *columns;
    char error[200]; // "" = read
};

static inline uint64_t decoder_number(const unsigned char *p, int n_bytes)
{
    uint64_t v = 0;
    for (int i = n_bytes - 1; i >= 0; i--)
        v = v << 8 | p[i];
    return v;
}

// Of a || b, bit by bit.
static inline uint32_t decoder_crc32c(const unsigned char *a, size_t n_a, const unsigned char *b,
                                      size_t n_b)
{
    uint32_t crc = 0xffffffff;
    for (size_t i = 0; i < n_a + n_b; i++) {
        crc ^= i < n_a ? a[i] : b[i - n_a];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
    }
    return ~crc;
}

static inline int decoder_fail(struct decoder_file *f, const char *what)
{
    snprintf(f->error, sizeof f->error, "%s", what);
    return 0;
}

static inline void *decoder_extend(void *data, size_t *n, const void *more, size_t n_more)
{
    unsigned char *larger = realloc(data, *n + n_more + 1);
    if (!larger) abort();
    memcpy(larger + *n, more, n_more);
    *n += n_more;
    return larger;
}

static inline int decoder_unpack(unsigned codec, const unsigned char *stored, size_t n_stored,
                                 unsigned char *raw, size_t n_raw)
{
    if (n_stored == n_raw) {
        memcpy(raw, stored, n_raw);
        return 1;
    }
    if (codec == 1) return ZSTD_decompress(raw, n_raw, stored, n_stored) == n_raw;
    if (codec == 2)
        return LZ4_decompress_safe((const char *)stored, (char *)raw, (int)n_stored, (int)n_raw) ==
               (int)n_raw;
    return 0;
}

static inline void decoder_take(struct decoder_column *c, const unsigned char *raw, size_t n_raw,
                                uint64_t n_elems)
{
    const size_t n_lengths = c->type == 9 ? n_elems * 4 : 0;
    c->lengths = decoder_extend(c->lengths, &c->n_lengths, raw, n_lengths);
    c->data = decoder_extend(c->data, &c->n_data, raw + n_lengths, n_raw - n_lengths);
}

// One column's frames from *offset on; record points at its seek table. content collects what the
// file id hashes.
static inline int decoder_frames(struct decoder_file *f, const unsigned char *file, unsigned column,
                                 const unsigned char *record, uint64_t *offset,
                                 unsigned char **content, size_t *n_content)
{
    struct decoder_column *c = &f->columns[column];
    for (uint64_t i = 0; i < c->n_frames; i++, record += 16) {
        const size_t n_stored = decoder_number(record, 4), n_raw = decoder_number(record + 4, 4);
        unsigned char seed[36];
        memcpy(seed, file + 16, 16);
        for (int k = 0; k < 4; k++) {
            seed[16 + k] = (unsigned char)(column >> 8 * k);
            seed[20 + k] = (unsigned char)(i >> 8 * k);
        }
        memcpy(seed + 24, record, 12);
        if (decoder_crc32c(seed, 36, file + *offset, n_stored) != decoder_number(record + 12, 4))
            return decoder_fail(f, "frame checksum");
        unsigned char *raw = malloc(n_raw);
        if (!raw) abort();
        if (!decoder_unpack(c->codec, file + *offset, n_stored, raw, n_raw)) {
            free(raw);
            return decoder_fail(f, "frame does not decompress");
        }
        decoder_take(c, raw, n_raw, decoder_number(record + 8, 4));
        const XXH128_hash_t hash = XXH3_128bits(raw, n_raw);
        unsigned char entry[24];
        memcpy(entry, record + 4, 8);
        for (int k = 0; k < 8; k++) {
            entry[8 + k] = (unsigned char)(hash.low64 >> 8 * k);
            entry[16 + k] = (unsigned char)(hash.high64 >> 8 * k);
        }
        *content = decoder_extend(*content, n_content, entry, 24);
        free(raw);
        *offset += n_stored;
    }
    return 1;
}

static inline int decoder_directory(struct decoder_file *f, const unsigned char *file,
                                    const unsigned char *directory, size_t n)
{
    uint64_t offset = 64;
    unsigned char *content = NULL;
    size_t n_content = 0, at = 0;
    int fine = 1;
    for (unsigned i = 0; i < f->n_columns && fine; i++) {
        struct decoder_column *c = &f->columns[i];
        const unsigned char *entry = directory + at;
        const size_t n_name = entry[2];
        c->type = entry[0];
        c->codec = entry[1];
        c->n_frames = decoder_number(entry + 4, 4);
        c->n_elems = decoder_number(entry + 8, 8);
        memcpy(c->name, entry + 16, n_name);
        unsigned char named[16];
        memcpy(named, entry, 16);
        named[1] = 0;
        content = decoder_extend(content, &n_content, named, 16);
        content = decoder_extend(content, &n_content, entry + 16, n_name);
        fine = decoder_frames(f, file, i, entry + 16 + n_name, &offset, &content, &n_content);
        at += 16 + n_name + 16 * c->n_frames;
    }
    if (fine && (at != n || offset != (uint64_t)(directory - file)))
        fine = decoder_fail(f, "directory or frames leave a gap");
    const XXH128_hash_t id = XXH3_128bits(content, n_content);
    free(content);
    if (fine && (id.low64 != f->id[0] || id.high64 != f->id[1]))
        fine = decoder_fail(f, "file id is not that of the content");
    return fine;
}

/// Reads a whole file; 0 and out->error when it is not a good one. decoder_free either way.
static inline int decoder_read(const unsigned char *file, size_t n, struct decoder_file *out)
{
    memset(out, 0, sizeof *out);
    if (n < 128 || memcmp(file, "weftshrd", 8) != 0) return decoder_fail(out, "no header");
    const unsigned char *footer = file + n - 64;
    if (decoder_crc32c(file, 60, NULL, 0) != decoder_number(file + 60, 4) ||
        decoder_number(file + 8, 4) != 1 || decoder_number(file + 32, 8) != n)
        return decoder_fail(out, "header");
    if (memcmp(footer + 56, "weftdone", 8) != 0 ||
        decoder_crc32c(footer, 52, NULL, 0) != decoder_number(footer + 52, 4) ||
        memcmp(footer + 16, file + 16, 24) != 0)
        return decoder_fail(out, "footer");
    out->id[0] = decoder_number(file + 16, 8);
    out->id[1] = decoder_number(file + 24, 8);
    const unsigned char *directory = file + decoder_number(footer, 8);
    const size_t n_directory = decoder_number(footer + 8, 4);
    if (directory + n_directory != footer ||
        decoder_crc32c(file + 16, 16, directory, n_directory) != decoder_number(footer + 12, 4))
        return decoder_fail(out, "directory");
    out->n_columns = (unsigned)decoder_number(footer + 40, 4);
    out->columns = calloc(out->n_columns + 1, sizeof *out->columns);
    if (!out->columns) abort();
    return decoder_directory(out, file, directory, n_directory);
}

static inline void decoder_free(struct decoder_file *f)
{
    for (unsigned i = 0; i < f->n_columns; i++) {
        free(f->columns[i].data);
        free(f->columns[i].lengths);
    }
    free(f->columns);
    f->columns = NULL;
}
