// What a reader keeps does not grow with its input, and bombs and long lines do not make it: a
// small input, and one that is a hundred times larger when unpacked, are read each in a process of
// its own, whose peak memory is compared. The large ones are made of one compressed piece, many
// times.

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/shard/read/packed.h"
#include "tests/shard/read/read_dump.h"

enum { TIMES = 100, PIECE_BYTES = 1 << 20 };
static const long GROWTH_LIMIT_KIB = 8 << 10;

static const char *folder;

struct counts {
    uint64_t n_records, n_lost, n_bytes;
    long peak_kib;
};

static void count_records(const char *path, struct counts *out)
{
    const struct reader_options options = {.skip_bad = true, .separator = "\n\n\n"};
    char name[4096];
    char *paths[] = {name};
    struct inputs inputs;
    struct arena a, record_arena;
    snprintf(name, sizeof name, "%s", path);
    arena_init(&a, "inputs");
    arena_init(&record_arena, "record");
    CHECK_OK(inputs_list(paths, 1, &a, &inputs));
    struct reader *r = reader_open(&inputs, &options, &a);
    for (bool more = true;;) {
        struct reader_record record;
        arena_reset(&record_arena);
        CHECK_OK(reader_next(r, &record_arena, &record, &more));
        if (!more) break;
        out->n_records++;
        out->n_bytes += record.raw.n_bytes;
    }
    out->n_lost = reader_loss(r).n_documents;
    reader_close(r);
    arena_fini(&record_arena);
    arena_fini(&a);
}

// In a child, so that the peak is this reading's.
static struct counts count(const char *path)
{
    int ends[2];
    struct counts c = {0};
    CHECK(pipe(ends) == 0);
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct rusage usage;
        count_records(path, &c);
        getrusage(RUSAGE_SELF, &usage);
        c.peak_kib = usage.ru_maxrss;
        _exit(write(ends[1], &c, sizeof c) == sizeof c ? 0 : 1);
    }
    int status;
    CHECK(read(ends[0], &c, sizeof c) == sizeof c);
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    close(ends[0]);
    close(ends[1]);
    return c;
}

static const char *put_times(struct arena *a, const char *name, const struct text *piece, int times)
{
    const char *path = arena_printf(a, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    CHECK(f);
    for (int i = 0; i < times; i++)
        CHECK(fwrite(piece->data, 1, piece->n_bytes, f) == piece->n_bytes);
    CHECK(fclose(f) == 0);
    return path;
}

static void make_lines(struct text *t)
{
    for (int i = 0; t->n_bytes < PIECE_BYTES; i++)
        text_printf(t, "{\"text\": \"line %d\"}\n", i);
}

static void make_records(struct text *t)
{
    while (t->n_bytes < PIECE_BYTES)
        text_printf(t,
                    "WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\n"
                    "Content-Length: 1000\r\n\r\n%01000d\r\n\r\n",
                    7);
}

static void make_members(struct text *t)
{
    while (t->n_bytes < PIECE_BYTES) {
        char block[1024] = "sample.txt";
        memcpy(block + 124, "00000000007", 11);
        memcpy(block + 257, "ustar\00000", 8);
        memset(block + 148, ' ', 8);
        unsigned sum = 0;
        block[5] = (char)('a' + t->n_bytes / 1024 % 26);
        for (int i = 0; i < 512; i++)
            sum += (unsigned char)block[i];
        snprintf(block + 148, 8, "%06o", sum);
        memcpy(block + 512, "content", 7);
        text_put(t, block, sizeof block);
    }
}

static void make_text(struct text *t)
{
    while (t->n_bytes < PIECE_BYTES)
        text_printf(t, "a piece of text\n\n\n\n");
}

static void check_kind(const char *name, void (*make)(struct text *),
                       void (*pack)(struct text *, const char *, size_t))
{
    struct arena a;
    arena_init(&a, "kind");
    struct text raw, packed;
    text_begin(&raw, &a);
    text_begin(&packed, &a);
    make(&raw);
    pack(&packed, raw.data, raw.n_bytes);
    // Three pieces fill all buffers; after them nothing more may be needed.
    const struct counts small =
        count(put_times(&a, arena_printf(&a, "small.%s", name), &packed, 3));
    const struct counts large =
        count(put_times(&a, arena_printf(&a, "large.%s", name), &packed, 3 * TIMES));
    printf("%s: %llu records %ld KiB, %llu records %ld KiB\n", name,
           (unsigned long long)small.n_records, small.peak_kib, (unsigned long long)large.n_records,
           large.peak_kib);
    CHECK(small.n_records > 1000 && small.n_lost == 0 && large.n_lost == 0);
    CHECK_EQ(large.n_records, small.n_records * TIMES);
    CHECK(large.peak_kib < small.peak_kib + GROWTH_LIMIT_KIB);
    arena_fini(&a);
}

// n zeros, packed.
static struct text zeros(struct arena *a, size_t n,
                         void (*pack)(struct text *, const char *, size_t))
{
    struct text t;
    text_begin(&t, a);
    char *bytes = arena_alloc(a, n, 1);
    memset(bytes, 'x', n);
    pack(&t, bytes, n);
    return t;
}

// A line of 1 GB, and of 8 GB from a few KB, between two others.
static void check_long_lines(const char *name, void (*pack)(struct text *, const char *, size_t),
                             int times)
{
    static const char line[] = "\n{\"text\": \"sound\"}\n";
    struct arena a;
    arena_init(&a, "lines");
    struct text piece = zeros(&a, 64 << 20, pack), sound;
    text_begin(&sound, &a);
    pack(&sound, line, sizeof line - 1);
    const char *path = arena_printf(&a, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    CHECK(f);
    CHECK(fwrite(sound.data, 1, sound.n_bytes, f) == sound.n_bytes);
    for (int i = 0; i < times; i++)
        CHECK(fwrite(piece.data, 1, piece.n_bytes, f) == piece.n_bytes);
    CHECK(fwrite(sound.data, 1, sound.n_bytes, f) == sound.n_bytes);
    CHECK(fclose(f) == 0);
    const struct counts c = count(path);
    printf("%s: %d MiB in a line: %llu records, %llu lost, %ld KiB\n", name, 64 * times,
           (unsigned long long)c.n_records, (unsigned long long)c.n_lost, c.peak_kib);
    CHECK_EQ(c.n_records, 2);
    CHECK_EQ(c.n_lost, 1);
    CHECK(c.peak_kib < 400 << 10);
    arena_fini(&a);
}

int main(void)
{
#ifdef WEFT_ASAN
    CHECK_SKIP("the sanitizer keeps freed memory");
#endif
    struct arena a;
    arena_init(&a, "test");
    folder = corpus_folder(&a, "memory");
    check_kind("jsonl.gz", make_lines, packed_gzip);
    check_kind("jsonl.zst", make_lines, packed_zstd);
    check_kind("warc.gz", make_records, packed_gzip);
    check_kind("tar.zst", make_members, packed_zstd);
    check_kind("txt.zst", make_text, packed_zstd);
    check_long_lines("long.jsonl.gz", packed_gzip, 16); // 1 GiB
    check_long_lines("long.jsonl.zst", packed_zstd, 16);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
