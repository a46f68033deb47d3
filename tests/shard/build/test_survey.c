// Compressed WARC cut into pieces reads as it does whole: records, their numbers, what is lost, and
// the line of the first error. A member a record, or several, or a record in two; lengths that lie,
// bytes that are damaged; and pages that hold members of their own, as the packed file does then
// too, which are no records. Other packed files stay whole.

#include <stdlib.h>

#include "base/rng.h"
#include "tests/shard/build/survey_twice.h"
#include "tests/shard/format/corpus.h"
#include "tests/shard/read/packed.h"

static const char *folder;

// As it stands, so that what data hold stands in the packed file too.
static void put_stored(struct text *t, const char *data, size_t n)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(0);
    const size_t limit = libdeflate_gzip_compress_bound(c, n);
    char *member = arena_alloc(t->arena, limit, 1);
    text_put(t, member, libdeflate_gzip_compress(c, data, n, member, limit));
    libdeflate_free_compressor(c);
}

static void put_record(struct text *t, uint64_t id, size_t n_claimed, const struct text *body)
{
    static const char http[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    text_printf(t,
                "WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:%llu>\r\n"
                "Content-Type: application/http\r\nContent-Length: %zu\r\n\r\n%s",
                id % 5 ? "response" : "request", (unsigned long long)id,
                sizeof http - 1 + n_claimed, http);
    text_put(t, body->data, body->n_bytes);
    text_printf(t, "\r\n\r\n");
}

enum trouble { SOUND, DAMAGED, LYING, SPANNING, TROUBLES };

// A page: letters, and now and then a member with a record in it.
static void put_page(struct text *t, uint64_t key, uint64_t id)
{
    const uint64_t n = rng_u64(key, id, 0) % 300;
    for (uint64_t k = 0; k < n; k++)
        text_put(t, &"<p>etaoin shrdlu"[rng_u64(key, id, 10 + k) % 16], 1);
    if (rng_u64(key, id, 1) % 4) return;
    struct text inner, page;
    text_begin(&inner, t->arena);
    text_begin(&page, t->arena);
    text_printf(&page, "not a page of its own %llu", (unsigned long long)id);
    put_record(&inner, 1000 + 5 * id + 1, page.n_bytes, &page);
    packed_gzip(t, inner.data, inner.n_bytes);
}

static void put_file(struct arena *a, uint64_t key, enum trouble trouble, bool zstd)
{
    struct text file;
    text_begin(&file, a);
    for (uint64_t i = 0; i < 120; i++) {
        struct text records, page;
        text_begin(&records, a);
        for (uint64_t k = 0; k < 1 + (rng_u64(key, i, 2) % 8 == 0); k++) {
            text_begin(&page, a);
            put_page(&page, key, 2 * i + k);
            const bool lies = trouble == LYING && i % 29 == 17;
            put_record(&records, 2 * i + k, lies ? 400 : page.n_bytes, &page);
        }
        const bool spans = trouble == SPANNING && i % 37 == 20;
        const size_t n_first = spans ? records.n_bytes / 2 : records.n_bytes;
        void (*const put)(struct text *, const char *, size_t) = zstd ? packed_zstd
                                                                 : rng_u64(key, i, 3) % 2
                                                                     ? packed_gzip
                                                                     : put_stored;
        put(&file, records.data, n_first);
        if (spans) put(&file, records.data + n_first, records.n_bytes - n_first);
    }
    for (uint64_t k = 0; trouble == DAMAGED && k < 3; k++)
        file.data[file.n_bytes / 3 + rng_u64(key, 99, k) % (file.n_bytes / 2)] ^= 0x55;
    corpus_put(a, folder, zstd ? "x.warc.zst" : "x.warc.gz", file.data, file.n_bytes);
}

static size_t check_same(struct survey_twice *twice, const char *name, uint64_t piece_bytes,
                         struct arena *a)
{
    char *operand = arena_printf(a, "%s/%s", folder, name);
    struct inputs whole, cut;
    CHECK_OK(inputs_list(&operand, 1, a, &whole));
    CHECK_OK(survey_twice_cut(twice, &whole, NULL, piece_bytes, a, &cut));
    uint64_t n_bytes = 0;
    for (size_t i = 0; i < cut.n_files; i++)
        n_bytes += cut.files[i].n_bytes;
    CHECK_EQ(n_bytes, whole.files[0].n_bytes);
    CHECK_TEXT(survey_twice_dump(&cut, NULL, true, a), survey_twice_dump(&whole, NULL, true, a));
    CHECK_TEXT(survey_twice_dump(&cut, NULL, false, a), survey_twice_dump(&whole, NULL, false, a));
    return cut.n_files;
}

// A sound file is cut at each place; behind trouble a file is cut no more.
static void test_random(struct survey_twice *s, uint64_t key, struct arena *a)
{
    size_t n_pieces[TROUBLES] = {0};
    for (uint64_t i = 0; i < 48; i++) {
        const enum trouble trouble = i % TROUBLES;
        const bool zstd = i / TROUBLES % 3 == 2;
        put_file(a, key + i, trouble, zstd);
        n_pieces[trouble] +=
            check_same(s, zstd ? "x.warc.zst" : "x.warc.gz", 1000 + rng_u64(key, i, 4) % 4000, a);
        arena_reset(a);
    }
    printf("pieces: sound %zu, damaged %zu, lying %zu, spanning %zu\n", n_pieces[SOUND],
           n_pieces[DAMAGED], n_pieces[LYING], n_pieces[SPANNING]);
    CHECK(n_pieces[SOUND] > 60);
    for (int i = 1; i < TROUBLES; i++)
        CHECK(n_pieces[i] > 12); // of 12 files
}

// A member that is too large for one go, and no cut behind it.
static void test_large_member(struct survey_twice *s, uint64_t key, struct arena *a)
{
    enum { LARGE = 17 << 20 };
    struct text file, record, large = {.data = arena_alloc(a, LARGE, 1), .n_bytes = LARGE};
    memset(large.data, 'x', LARGE);
    text_begin(&file, a);
    for (uint64_t i = 0; i < 60; i++) {
        struct text page;
        text_begin(&page, a);
        text_begin(&record, a);
        put_page(&page, key, i);
        put_record(&record, i, i == 30 ? LARGE : page.n_bytes, i == 30 ? &large : &page);
        packed_gzip(&file, record.data, record.n_bytes);
    }
    corpus_put(a, folder, "large.warc.gz", file.data, file.n_bytes);
    const size_t n = check_same(s, "large.warc.gz", 1000, a);
    CHECK(n > 1 && n < 15);
}

static void test_whole(struct survey_twice *s, struct arena *a)
{
    struct text lines, file;
    text_begin(&lines, a);
    text_begin(&file, a);
    for (int i = 0; i < 500; i++)
        text_printf(&lines, "{\"text\": \"%d\"}\n", i);
    for (int i = 0; i < 20; i++)
        packed_gzip(&file, lines.data, lines.n_bytes);
    corpus_put(a, folder, "lines.jsonl.gz", file.data, file.n_bytes);
    CHECK_EQ(check_same(s, "lines.jsonl.gz", 1000, a), 1);
}

// The seeds of fuzz_survey, and each with bytes changed.
static void test_corpus(struct survey_twice *s, uint64_t key, const char *name, struct arena *a)
{
    struct file_list list;
    const char *seeds =
        arena_printf(a, "%s/tests/data/read_corpus/%s", getenv("WEFT_SOURCE"), name);
    CHECK_OK(file_list(seeds, a, &list));
    CHECK(list.n_names > 3);
    for (size_t i = 0; i < list.n_names; i++) {
        struct span seed;
        CHECK_OK(file_read(arena_printf(a, "%s/%s", seeds, list.names[i]), 1 << 20, a, &seed));
        uint8_t *bytes = arena_alloc(a, seed.n_bytes, 1);
        for (uint64_t k = 0; k < 60; k++) {
            memcpy(bytes, seed.data, seed.n_bytes);
            for (uint64_t m = 0; m < k % 4; m++)
                bytes[rng_u64(key, i, 4 * k + m) % seed.n_bytes] ^= (uint8_t)(1 + k + m);
            CHECK(survey_twice_agree(s, bytes, seed.n_bytes));
        }
    }
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "survey");
    struct arena a, scratch;
    struct survey_twice s;
    arena_init(&a, "test");
    arena_init(&scratch, "files");
    folder = corpus_folder(&a, "survey");
    survey_twice_open(&s, 2, &a);
    test_random(&s, key, &scratch);
    test_large_member(&s, key, &scratch);
    test_whole(&s, &scratch);
    if (getenv("WEFT_SOURCE")) {
        test_corpus(&s, key, "warc", &scratch);
        test_corpus(&s, key, "jsonl", &scratch);
    }
    survey_twice_close(&s);
    corpus_clean(&a);
    arena_fini(&scratch);
    arena_fini(&a);
    return 0;
}
