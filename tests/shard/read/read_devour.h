#pragma once
// Any bytes as a file of one kind: everything is read, what is bad left out; nothing may crash,
// hang or take memory beyond the limits. For the fuzz targets and the replay of their corpus.

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "shard/read/bin_edges.h"
#include "shard/read/reader.h"
#include "shard/read/trajectory.h"

static inline void devour_record(const struct reader_record *record, struct arena *a)
{
    struct document document;
    struct trajectory trajectory;
    volatile uint8_t last = 0;
    if (reader_document(record, a, &document) == OK) {
        for (size_t i = 0; i < document.n_pieces; i++)
            last = document.pieces[i].bytes.data[document.pieces[i].bytes.n_bytes - 1];
    }
    const enum err e = reader_trajectory(record, a, &trajectory);
    if (e == OK && trajectory.n_steps) last = trajectory.values[0] > 0;
    (void)last;
}

static inline void devour_file(enum input_kind kind, const char *path, size_t n_bytes)
{
    static double low[2] = {0, 0}, high[2] = {1, 10};
    static const struct bin_edges edges = {1, 1, low, high};
    struct input_file file = {path, "fuzz", kind, true, n_bytes, {0}};
    const struct inputs inputs = {.files = &file, .n_files = 1};
    const struct reader_options options = {.separator = "\n\n",
                                           .skip_bad = true,
                                           .bin_edges = &edges,
                                           .end_of_text = 3,
                                           .has_end_of_text = true};
    struct arena a, record_arena;
    arena_init(&a, "devour");
    arena_init(&record_arena, "record");
    struct reader *r = reader_open(&inputs, &options, &a);
    for (;;) {
        struct reader_record record;
        bool more;
        arena_reset(&record_arena);
        if (reader_next(r, &record_arena, &record, &more) != OK || !more) break;
        devour_record(&record, &record_arena);
    }
    reader_close(r);
    arena_fini(&record_arena);
    arena_fini(&a);
}

static inline void devour_put(const char *path, const uint8_t *data, size_t n_bytes)
{
    FILE *f = fopen(path, "wb");
    if (!f) return;
    fwrite(data, 1, n_bytes, f);
    fclose(f);
}

/// A kind that is one file.
static inline void devour_bytes(enum input_kind kind, const uint8_t *data, size_t n_bytes)
{
    const int fd = memfd_create("devour", MFD_CLOEXEC);
    char path[64];
    if (fd < 0 || write(fd, data, n_bytes) != (ssize_t)n_bytes) return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    devour_file(kind, path, n_bytes);
    close(fd);
}

/// Megatron's pair: the first byte times 8 is where the index ends and the tokens begin.
static inline void devour_pair(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes == 0) return;
    const size_t n_index = data[0] * 8U < n_bytes - 1 ? data[0] * 8U : n_bytes - 1;
    char idx[64], bin[64];
    snprintf(idx, sizeof idx, "/dev/shm/weft-devour-%ld.idx", (long)getpid());
    snprintf(bin, sizeof bin, "/dev/shm/weft-devour-%ld.bin", (long)getpid());
    devour_put(idx, data + 1, n_index);
    devour_put(bin, data + 1 + n_index, n_bytes - 1 - n_index);
    devour_file(INPUT_MEGATRON, idx, n_index);
    unlink(idx);
    unlink(bin);
}

/// By the name of a fuzz target's corpus.
static inline void devour(const char *target, const uint8_t *data, size_t n_bytes)
{
    if (strcmp(target, "warc") == 0) devour_bytes(INPUT_WARC, data, n_bytes);
    if (strcmp(target, "tar") == 0) devour_bytes(INPUT_TAR, data, n_bytes);
    if (strcmp(target, "jsonl") == 0 && n_bytes) {
        static const enum input_kind kinds[] = {INPUT_JSONL, INPUT_JSON, INPUT_CSV, INPUT_TEXT};
        devour_bytes(kinds[data[0] % 4], data + 1, n_bytes - 1);
    }
    if (strcmp(target, "pretokenized") == 0 && n_bytes) {
        if (data[0] % 2)
            devour_bytes(INPUT_LLMC, data + 1, n_bytes - 1);
        else
            devour_pair(data + 1, n_bytes - 1);
    }
}
