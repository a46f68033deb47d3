#pragma once
// A file read whole and in pieces, to see that both give the same: for the test of survey_cut and
// its fuzz target.

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/text.h"
#include "shard/build/survey.h"

struct survey_twice {
    struct fabric *fabric;
    struct pool *pool;
};

static inline void survey_twice_open(struct survey_twice *s, size_t n_threads, struct arena *a)
{
    const bool open =
        fabric_open_alone(a, &s->fabric) == OK && pool_open(a, n_threads, &s->pool) == OK;
    ASSERT(open);
}

static inline void survey_twice_close(struct survey_twice *s)
{
    pool_close(s->pool);
    fabric_close(s->fabric);
}

static inline enum err survey_twice_cut(const struct survey_twice *s, const struct inputs *whole,
                                        const char *separator, uint64_t piece_bytes,
                                        struct arena *a, struct inputs *out)
{
    const struct reader_options reader = {.separator = separator};
    const struct survey_options o = {&reader, piece_bytes, s->fabric, s->pool};
    return survey_cut(&o, whole, a, out);
}

/// A line a record, then the error, if nothing bad is left out, and what was lost.
static inline const char *survey_twice_dump(const struct inputs *inputs, const char *separator,
                                            bool skip_bad, struct arena *a)
{
    const struct reader_options o = {.separator = separator, .skip_bad = skip_bad};
    struct text t;
    enum err e = OK;
    text_begin(&t, a);
    struct reader *r = reader_open(inputs, &o, a);
    for (bool more = true;;) {
        struct reader_record record;
        e = reader_next(r, a, &record, &more);
        if (!more || e != OK) break;
        text_printf(&t, "%llu %016llx\n", (unsigned long long)record.number,
                    (unsigned long long)hash_xxh3(record.raw.data, record.raw.n_bytes, 0));
    }
    const struct reader_loss loss = reader_loss(r);
    text_printf(&t, "%s lost %llu %llu other %llu\n", e == OK ? "" : err_line(),
                (unsigned long long)loss.n_documents, (unsigned long long)loss.n_bytes,
                (unsigned long long)loss.n_other);
    reader_close(r);
    return t.data;
}

static inline bool survey_twice_same(const struct survey_twice *s, struct input_file file,
                                     uint64_t piece_bytes)
{
    const char *separator = file.kind == INPUT_TEXT ? "\n\n" : NULL;
    const struct inputs whole = {.files = &file, .n_files = 1};
    struct inputs cut;
    struct arena a;
    arena_init(&a, "twice");
    bool same = survey_twice_cut(s, &whole, separator, piece_bytes, &a, &cut) == OK;
    for (int skip_bad = 0; skip_bad < 2 && same; skip_bad++)
        same = strcmp(survey_twice_dump(&cut, separator, skip_bad, &a),
                      survey_twice_dump(&whole, separator, skip_bad, &a)) == 0;
    arena_fini(&a);
    return same;
}

/// Any bytes: as JSONL, as text at empty lines, and as WARC, in pieces of several sizes.
static inline bool survey_twice_agree(const struct survey_twice *s, const uint8_t *data,
                                      size_t n_bytes)
{
    static const enum input_kind kinds[] = {INPUT_JSONL, INPUT_TEXT, INPUT_WARC};
    const int fd = memfd_create("twice", MFD_CLOEXEC);
    char path[64];
    bool same = true;
    if (fd < 0 || write(fd, data, n_bytes) != (ssize_t)n_bytes) return true;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    for (size_t i = 0; i < 6 && same; i++) {
        const struct input_file file = {
            .path = path, .source = "x", .kind = kinds[i % 3], .n_bytes = n_bytes};
        same = survey_twice_same(s, file, 1 + n_bytes / (i < 3 ? 2 : 9));
    }
    close(fd);
    return same;
}
