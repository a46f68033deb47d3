// How fast inputs become documents, in one thread: bytes of records, and of documents' pieces, a
// second, apart for finding records (with decompression) and for making documents of them.
//     build/release/bench_reader INPUT...

#include "base/clock.h"
#include "shard/read/reader.h"
#include "tests/check.h"

int main(int argc, char **argv)
{
    struct arena a, record_arena;
    struct inputs inputs;
    arena_init(&a, "inputs");
    arena_init(&record_arena, "record");
    if (argc < 2) CHECK_SKIP("inputs are missing");
    CHECK_OK(inputs_list(argv + 1, (size_t)argc - 1, &a, &inputs));
    const struct reader_options options = {.skip_bad = true};
    struct reader *r = reader_open(&inputs, &options, &a);
    uint64_t n_records = 0, n_raw = 0, n_pieces = 0, next_ns = 0, document_ns = 0;
    for (;;) {
        struct reader_record record;
        struct document document;
        bool more;
        arena_reset(&record_arena);
        const uint64_t start = clock_now_ns();
        CHECK_OK(reader_next(r, &record_arena, &record, &more));
        const uint64_t found = clock_now_ns();
        next_ns += found - start;
        if (!more) break;
        n_records++;
        n_raw += record.raw.n_bytes;
        if (reader_document(&record, &record_arena, &document) != OK) continue;
        for (size_t i = 0; i < document.n_pieces; i++)
            n_pieces += document.pieces[i].bytes.n_bytes;
        document_ns += clock_now_ns() - found;
    }
    printf("records %llu of %.1f MB at %.0f MB/s; documents of %.1f MB at %.0f MB/s\n",
           (unsigned long long)n_records, (double)n_raw / 1e6,
           (double)n_raw * 1e3 / (double)next_ns, (double)n_pieces / 1e6,
           (double)n_pieces * 1e3 / (double)document_ns);
    reader_close(r);
    arena_fini(&record_arena);
    arena_fini(&a);
    return 0;
}
