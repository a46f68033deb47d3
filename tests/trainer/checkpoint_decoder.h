#pragma once
// A second reader of checkpoints, written from docs/CHECKPOINT_FORMAT.md alone: it includes nothing
// of weft and has its own crc32c. It must read what trainer/checkpoint/checkpoint.h reads.

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct decoder_tensor {
    char name[256];
    uint64_t n_elems;
    int n_dims, moments;
    uint64_t dims[4];
    float *data[3];         // NULL where there is none
    unsigned char *seen[3]; // [n_elems]: how often each element came
};

struct decoder_checkpoint {
    uint64_t step, seed, state_hash;
    double loss, validation_loss;
    char *run_file;
    size_t n_tensors;
    struct decoder_tensor *tensors;
    char error[4400]; // "" = read
};

static inline int decoder_fail(struct decoder_checkpoint *c, const char *where, const char *what)
{
    snprintf(c->error, sizeof c->error, "%s: %s", where, what);
    return 0;
}

static inline void *decoder_memory(size_t n_bytes)
{
    void *memory = calloc(1, n_bytes + 1);
    if (!memory) abort();
    return memory;
}

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

// id || offset || bytes.
static inline uint32_t decoder_place_sum(uint64_t id, uint64_t offset, const unsigned char *bytes,
                                         size_t n_bytes)
{
    unsigned char place[16];
    for (int i = 0; i < 8; i++) {
        place[i] = (unsigned char)(id >> 8 * i);
        place[8 + i] = (unsigned char)(offset >> 8 * i);
    }
    return decoder_crc32c(place, 16, bytes, n_bytes);
}

static inline int decoder_all_zero(const unsigned char *p)
{
    return decoder_number(p, 8) == 0 && decoder_number(p + 4, 8) == 0;
}

// The whole file, or NULL.
static inline unsigned char *decoder_file(const char *path, size_t *n)
{
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *n = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = decoder_memory(*n);
    *n = fread(bytes, 1, *n, file);
    fclose(file);
    return bytes;
}

// Elements of one piece, frame by frame; *offset moves behind them.
static inline int decoder_piece(struct decoder_checkpoint *c, const char *path,
                                const unsigned char *file, size_t table, uint64_t id,
                                const unsigned char *row, uint64_t *offset)
{
    const uint64_t tensor = decoder_number(row, 8), first = decoder_number(row + 8, 8);
    const uint64_t n = decoder_number(row + 16, 8), component = decoder_number(row + 32, 4);
    if (decoder_number(row + 24, 8) != *offset || n == 0 || !decoder_all_zero(row + 36))
        return decoder_fail(c, path, "row of the table");
    if (tensor >= c->n_tensors || component >= 3 || !c->tensors[tensor].data[component])
        return decoder_fail(c, path, "no such tensor or component");
    struct decoder_tensor *t = &c->tensors[tensor];
    if (first > t->n_elems || n > t->n_elems - first) return decoder_fail(c, path, "outside");
    for (uint64_t done = 0; done < n;) {
        const uint64_t k = n - done < 65536 ? n - done : 65536;
        if (*offset + 4 * k + 4 > table) return decoder_fail(c, path, "frames run into the table");
        const unsigned char *frame = file + *offset;
        if (decoder_place_sum(id, *offset, frame, 4 * k) != decoder_number(frame + 4 * k, 4))
            return decoder_fail(c, path, "frame checksum");
        for (uint64_t i = 0; i < k; i++) {
            const uint32_t bits = (uint32_t)decoder_number(frame + 4 * i, 4);
            memcpy(&t->data[component][first + done + i], &bits, 4);
            t->seen[component][first + done + i]++;
        }
        done += k;
        *offset += 4 * k + 4;
    }
    return 1;
}

static inline int decoder_part_bytes(struct decoder_checkpoint *c, const char *path,
                                     const unsigned char *file, size_t n, uint64_t id)
{
    if (n < 80) return decoder_fail(c, path, "too short");
    if (memcmp(file, "WEFTPART", 8) != 0 || decoder_number(file + 8, 4) != 1 ||
        decoder_number(file + 12, 4) != 65536 || decoder_number(file + 16, 8) != id ||
        !decoder_all_zero(file + 24) || !decoder_all_zero(file + 32) ||
        decoder_number(file + 44, 4) != decoder_crc32c(file, 44, NULL, 0))
        return decoder_fail(c, path, "header");
    const unsigned char *footer = file + n - 32;
    const uint64_t table = decoder_number(footer, 8), n_pieces = decoder_number(footer + 8, 8);
    if (memcmp(footer + 16, "WEFTPEND", 8) != 0 ||
        decoder_number(footer + 28, 4) != decoder_crc32c(footer, 28, NULL, 0))
        return decoder_fail(c, path, "footer");
    if (table > n - 32 || (n - 32 - table) / 48 != n_pieces || (n - 32 - table) % 48 != 0)
        return decoder_fail(c, path, "table does not fit");
    if (decoder_place_sum(id, table, file + table, n - 32 - table) !=
        decoder_number(footer + 24, 4))
        return decoder_fail(c, path, "table checksum");
    uint64_t offset = 48;
    for (uint64_t i = 0; i < n_pieces; i++)
        if (!decoder_piece(c, path, file, table, id, file + table + 48 * i, &offset)) return 0;
    return offset == table ? 1 : decoder_fail(c, path, "gap before the table");
}

static inline int decoder_part(struct decoder_checkpoint *c, const char *folder, const json_t *part)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, json_string_value(json_object_get(part, "name")));
    size_t n = 0;
    unsigned char *file = decoder_file(path, &n);
    if (!file) return decoder_fail(c, path, "cannot read");
    const uint64_t id = strtoull(json_string_value(json_object_get(part, "id")), NULL, 16);
    int fine = (json_int_t)n == json_integer_value(json_object_get(part, "bytes"))
                   ? decoder_part_bytes(c, path, file, n, id)
                   : decoder_fail(c, path, "length");
    free(file);
    return fine;
}

static inline void decoder_tensors(struct decoder_checkpoint *c, const json_t *list)
{
    c->n_tensors = json_array_size(list);
    c->tensors = decoder_memory(c->n_tensors * sizeof *c->tensors);
    for (size_t i = 0; i < c->n_tensors; i++) {
        const json_t *from = json_array_get(list, i), *dims = json_object_get(from, "dims");
        struct decoder_tensor *t = &c->tensors[i];
        snprintf(t->name, sizeof t->name, "%s", json_string_value(json_object_get(from, "name")));
        t->moments = json_is_true(json_object_get(from, "moments"));
        t->n_dims = (int)json_array_size(dims);
        t->n_elems = 1;
        for (int d = 0; d < t->n_dims; d++) {
            t->dims[d] = (uint64_t)json_integer_value(json_array_get(dims, (size_t)d));
            t->n_elems *= t->dims[d];
        }
        for (int k = 0; k < (t->moments ? 3 : 1); k++) {
            t->data[k] = decoder_memory(t->n_elems * 4);
            t->seen[k] = decoder_memory(t->n_elems);
        }
    }
}

static inline int decoder_whole(struct decoder_checkpoint *c, const char *folder)
{
    for (size_t i = 0; i < c->n_tensors; i++)
        for (int k = 0; k < 3 && c->tensors[i].data[k]; k++)
            for (uint64_t e = 0; e < c->tensors[i].n_elems; e++)
                if (c->tensors[i].seen[k][e] != 1)
                    return decoder_fail(c, folder, "an element is not there once");
    return 1;
}

static inline uint64_t decoder_hex(const json_t *root, const char *key)
{
    return strtoull(json_string_value(json_object_get(root, key)), NULL, 16);
}

static inline int decoder_body(struct decoder_checkpoint *c, const char *folder, const json_t *root)
{
    if (strcmp(json_string_value(json_object_get(root, "format")), "weft checkpoint") != 0 ||
        json_integer_value(json_object_get(root, "version")) != 1)
        return decoder_fail(c, folder, "format");
    c->step = (uint64_t)json_integer_value(json_object_get(root, "step"));
    c->seed = decoder_hex(root, "seed");
    c->state_hash = decoder_hex(root, "state_hash");
    c->loss = strtod(json_string_value(json_object_get(root, "loss")), NULL);
    c->validation_loss = strtod(json_string_value(json_object_get(root, "validation_loss")), NULL);
    const char *run_file = json_string_value(json_object_get(root, "run_file"));
    c->run_file = decoder_memory(strlen(run_file));
    memcpy(c->run_file, run_file, strlen(run_file));
    decoder_tensors(c, json_object_get(root, "tensors"));
    const json_t *parts = json_object_get(root, "parts");
    for (size_t i = 0; i < json_array_size(parts); i++)
        if (!decoder_part(c, folder, json_array_get(parts, i))) return 0;
    return decoder_whole(c, folder);
}

/// Reads a whole checkpoint; 0 and out->error when it is not a good one. decoder_free either way.
static inline int decoder_read(const char *folder, struct decoder_checkpoint *out)
{
    memset(out, 0, sizeof *out);
    char path[4096], tail[17];
    snprintf(path, sizeof path, "%s/manifest", folder);
    size_t n = 0;
    unsigned char *text = decoder_file(path, &n);
    const uint32_t sum = n < 16 ? 0 : decoder_crc32c(text, n - 16, NULL, 0);
    snprintf(tail, sizeof tail, "crc32c %08x\n", sum);
    json_t *root = NULL;
    if (n >= 16 && memcmp(text + n - 16, tail, 16) == 0)
        root = json_loadb((char *)text, n - 16, JSON_REJECT_DUPLICATES, NULL);
    free(text);
    if (!root) return decoder_fail(out, path, "manifest checksum");
    const int fine = decoder_body(out, folder, root);
    json_decref(root);
    return fine;
}

static inline void decoder_free(struct decoder_checkpoint *c)
{
    for (size_t i = 0; i < c->n_tensors; i++)
        for (int k = 0; k < 3; k++) {
            free(c->tensors[i].data[k]);
            free(c->tensors[i].seen[k]);
        }
    free(c->tensors);
    free(c->run_file);
}
