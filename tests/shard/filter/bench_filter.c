// How fast a profile judges documents that are in memory already, on one thread:
//
//     bench_filter PROFILE FILE.jsonl ROUNDS [RULE=N]...
//
// prints bytes, documents, kept documents and the CPU seconds of each round.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/arena.h"
#include "shard/filter/filter.h"
#include "shard/read/reader.h"
#include "tests/check.h"

enum { DOCUMENT_LIMIT = 1 << 20 };

static uint64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static size_t read_all(char *path, struct arena *a, struct span *texts)
{
    struct inputs inputs;
    CHECK_OK(inputs_list(&path, 1, a, &inputs));
    const struct reader_options options = {.skip_bad = false};
    struct reader *r = reader_open(&inputs, &options, a);
    struct reader_record record;
    bool more = true;
    size_t n = 0;
    CHECK_OK(reader_next(r, a, &record, &more));
    for (; more && n < DOCUMENT_LIMIT; n++) {
        struct document d;
        CHECK_OK(reader_document(&record, a, &d));
        texts[n] = d.n_pieces > 0 ? d.pieces[0].bytes : (struct span){NULL, 0};
        CHECK_OK(reader_next(r, a, &record, &more));
    }
    reader_close(r);
    return n;
}

static size_t judge_all(const struct filter *f, struct filter_scratch *s, const struct span *texts,
                        size_t n, struct arena *scratch)
{
    size_t n_kept = 0;
    for (size_t i = 0; i < n; i++) {
        const struct filter_page page = {.text = texts[i], .language = "en", .language_score = 1};
        struct filter_verdict v;
        CHECK_OK(filter_judge(f, s, &page, scratch, &v));
        n_kept += v.rule < 0;
        arena_reset(scratch);
    }
    return n_kept;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "bench_filter PROFILE FILE ROUNDS [RULE=N]...\n");
        return 64;
    }
    struct arena a, scratch;
    arena_init(&a, "bench");
    arena_init(&scratch, "bench document");
    struct span *texts = ARENA_ARRAY(&a, struct span, DOCUMENT_LIMIT);
    const size_t n = read_all(argv[2], &a, texts);
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++)
        n_bytes += texts[i].n_bytes;
    struct filter *f;
    const struct filter_options options = {argv[1], argv + 4, (size_t)argc - 4};
    CHECK_OK(filter_open(&options, &a, &f));
    struct filter_scratch *s = filter_scratch_open(&a);
    const long n_rounds = strtol(argv[3], NULL, 10);
    for (long round = 0; round < n_rounds; round++) {
        const uint64_t start = cpu_ns();
        const size_t n_kept = judge_all(f, s, texts, n, &scratch);
        const double seconds = (double)(cpu_ns() - start) * 1e-9;
        printf("bytes %zu documents %zu kept %zu seconds %.6f MB/s %.1f\n", n_bytes, n, n_kept,
               seconds, (double)n_bytes / seconds * 1e-6);
    }
    filter_scratch_close(s);
    arena_fini(&scratch);
    arena_fini(&a);
    return 0;
}
