// ranks: 1 2 4
// A dataset built from large files cut into tiny pieces, over ranks, has the files of one built
// from whole files alone: hostile lines, split text, compressed WARC, other kinds between them, rules, passes. Ids
// and error lines name the line of the file, what is lost is counted once, and a build goes on from
// finished pieces. Parts are shared out evenly.

#include "base/file.h"
#include "base/rng.h"
#include "shard/build/dataset_build.h"
#include "shard/build/part_list.h"
#include "tests/check.h"
#include "tests/shard/build/shared_folder.h"
#include "tests/shard/format/corpus.h"
#include "tests/shard/read/packed.h"

enum { N_LINES = 400, PIECE_BYTES = 1500 };
static const uint64_t WHOLE = 1ULL << 30;

static const char *folder; // one of all ranks

// Every kind of line; "bad" ones only where they shall be. Lines end by LF or CRLF, are empty, are
// longer than several pieces, and of letters of two and four bytes.
static void put_lines(struct arena *a, const char *name, uint64_t key, bool bad, size_t worst)
{
    struct text t;
    text_begin(&t, a);
    for (uint64_t i = 0; i < N_LINES; i++) {
        const uint64_t kind = rng_u64(key, i, 0) % 16;
        const uint64_t n = kind == 0 ? 6000 : rng_u64(key, i, 1) % 60;
        text_printf(&t, "{\"text\": \"line");
        for (uint64_t w = 0; w < n; w++)
            text_printf(&t, " %s",
                        w % 3                        ? "größe"
                        : rng_u64(key, i, 2 + w) % 2 ? "\xf0\x9f\x98\x80"
                                                     : "of");
        text_printf(&t, "\"}%s", kind < 8 ? "\n" : "\r\n");
        if (kind == 1) text_printf(&t, "\n\r\n  \n");
        if (kind == 2 && bad) text_printf(&t, "{\"text\": 7}\n\xff\xfe\n");
        if (i == worst) text_printf(&t, "no JSON\n");
    }
    if (bad) text_printf(&t, "{\"text\": \"cut sho"); // without end, without newline
    corpus_put(a, folder, name, t.data, t.n_bytes);
}

// A member a record, of a page of letters.
static void put_pages(struct arena *a, const char *name, uint64_t key)
{
    static const char http[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n";
    struct text file;
    text_begin(&file, a);
    for (uint64_t i = 0; i < 100; i++) {
        struct text record;
        const uint64_t n = rng_u64(key, i, 0) % 2000;
        text_begin(&record, a);
        text_printf(&record,
                    "WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\n"
                    "Content-Length: %zu\r\n\r\n%s",
                    sizeof http - 1 + n, http);
        for (uint64_t k = 0; k < n; k++)
            text_put(&record, &"etaoin shrdlu.\n "[rng_u64(key, i, 1 + k) % 16], 1);
        text_printf(&record, "\r\n\r\n");
        packed_gzip(&file, record.data, record.n_bytes);
    }
    corpus_put(a, folder, name, file.data, file.n_bytes);
}

static void put_inputs(struct arena *a, uint64_t key)
{
    struct text t;
    corpus_put(a, folder, "in/a.html", "<p>A page.", 0);
    put_lines(a, "in/b.jsonl", key, true, N_LINES);
    text_begin(&t, a);
    for (uint64_t i = 0; i < 3000; i++)
        text_printf(&t, "%s", rng_u64(key, 9, i) % 3 ? "word " : "\n");
    corpus_put(a, folder, "in/c.txt", t.data, t.n_bytes);
    put_lines(a, "in/d.jsonl", key + 1, true, N_LINES);
    corpus_put(a, folder, "in/e.jsonl", "{\"text\": \"small\"}\n", 0);
    put_pages(a, "in/f.warc.gz", key);
    put_lines(a, "good.jsonl", key + 2, false, N_LINES);
}

struct wanted {
    const char *in, *out;
    uint64_t part_bytes;
    bool compares, skip_bad;
};

static enum err build(struct fabric *f, struct arena *a, struct wanted w,
                      struct dataset_build_result *result)
{
    char *inputs[] = {arena_printf(a, "%s/%s", folder, w.in)};
    struct dataset_build_options o =
        corpus_options(arena_printf(a, "%s/%s", folder, w.out), inputs, 1);
    o.fabric = f;
    o.n_workers = f ? 1 + (size_t)fabric_rank(f) % 3 : 1;
    o.part_bytes = w.part_bytes;
    o.separator = "\n\n\n";
    o.skip_bad = w.skip_bad;
    o.bin_tokens = 5000;
    o.shard_tokens = 40000;
    o.memory_bytes = 256 << 20;
    o.judge.filter.profile = w.compares ? "gopher" : "none";
    o.judge.keep_dropped = w.compares;
    o.dedup = w.compares ? "document,minhash,line" : NULL;
    return dataset_build(&o, a, result);
}

static void check_same(struct arena *a, const char *one, const char *two)
{
    CHECK(corpus_same_files(a, arena_printf(a, "%s/%s", folder, one),
                            arena_printf(a, "%s/%s", folder, two)));
}

static void test_same(struct fabric *f, struct arena *a, bool compares)
{
    struct dataset_build_result alone, together;
    const char *whole = compares ? "whole2" : "whole1", *out = compares ? "out2" : "out1";
    if (fabric_rank(f) == 0) {
        CHECK_OK(build(NULL, a, (struct wanted){"in", whole, WHOLE, compares, true}, &alone));
        CHECK(alone.n_bad > 10 && alone.n_shards > 1);
    }
    CHECK_OK(fabric_agree(f, OK));
    CHECK_OK(build(f, a, (struct wanted){"in", out, PIECE_BYTES, compares, true}, &together));
    if (fabric_rank(f) != 0) return;
    check_same(a, out, whole);
    CHECK(alone.n_bad == together.n_bad && alone.bad_bytes == together.bad_bytes);
    CHECK(together.n_files == 6 && funnel_adds_up(&together.funnel));
}

// A bad line in a late piece ends all with its number in the file; mended, the others are kept.
static void test_error(struct fabric *f, struct arena *a, uint64_t key)
{
    const struct wanted cut = {"good.jsonl", "mended", PIECE_BYTES, true, false},
                        whole = {"good.jsonl", "good", WHOLE, true, false};
    struct dataset_build_result result;
    char line[300] = "", *all = arena_alloc(a, sizeof line * (size_t)fabric_size(f), 1);
    if (fabric_rank(f) == 0) {
        CHECK_OK(build(NULL, a, whole, &result));
        put_lines(a, "good.jsonl", key + 2, false, N_LINES - 20);
        CHECK_ERR(build(NULL, a, (struct wanted){"good.jsonl", "x", WHOLE, true, false}, &result),
                  ERR_DATA);
        snprintf(line, sizeof line, "%s", err_line());
    }
    CHECK_OK(fabric_all_gather(f, line, sizeof line, all));
    CHECK(strstr(all, "good.jsonl:4")); // a line beyond 400
    CHECK_ERR(build(f, a, cut, &result), ERR_DATA);
    CHECK(strstr(err_line(), all));
    CHECK(file_is_folder(arena_printf(a, "%s/mended.partial/work", folder)));
    CHECK_OK(fabric_agree(f, OK));
    if (fabric_rank(f) == 0) put_lines(a, "good.jsonl", key + 2, false, N_LINES);
    CHECK_OK(fabric_agree(f, OK));
    CHECK_OK(build(f, a, cut, &result));
    if (fabric_rank(f) == 0) check_same(a, "mended", "good");
}

// The largest parts first, each to whom has least: no rank has more than another by a part.
static void test_shares(struct arena *a, uint64_t key)
{
    enum { N_FILES = 200, RANKS = 7 };
    struct input_file files[N_FILES];
    struct inputs inputs = {.files = files, .n_files = N_FILES};
    struct part_list list;
    uint64_t n_bytes[RANKS] = {0}, largest = 0;
    size_t n_parts = 0;
    for (uint64_t i = 0; i < N_FILES; i++)
        files[i] = (struct input_file){.path = arena_printf(a, "%s/good.jsonl", folder),
                                       .source = "x",
                                       .n_bytes = 100 + rng_u64(key, 3, i) % 5000};
    files[170].n_bytes = 60000;
    CHECK_OK(part_list_make(&inputs, 100, (struct hash128){0}, RANKS, a, &list));
    CHECK_EQ(list.n_parts, N_FILES);
    for (size_t i = 0; i < list.n_parts; i++)
        n_bytes[list.parts[i].rank] += list.parts[i].n_bytes;
    for (size_t i = 0; i < RANKS; i++)
        n_parts += part_list_n_of(&list, (int)i);
    for (size_t i = 0; i < RANKS; i++)
        largest = n_bytes[i] > largest ? n_bytes[i] : largest;
    CHECK_EQ(n_parts, N_FILES);
    CHECK_EQ(list.parts[170].rank, 0);
    for (size_t i = 0; i < RANKS; i++)
        CHECK(largest - n_bytes[i] <= 5100);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "cut");
    struct arena a;
    struct fabric *f;
    arena_init(&a, "test");
    CHECK_OK(fabric_open_mpi(NULL, &a, &f));
    folder = shared_folder(f, "cut", &a);
    if (fabric_rank(f) == 0) put_inputs(&a, key);
    test_same(f, &a, false);
    test_same(f, &a, true);
    test_error(f, &a, key);
    if (fabric_rank(f) == 0) test_shares(&a, key);
    CHECK_OK(fabric_agree(f, OK));
    if (fabric_rank(f) == 0) corpus_clean(&a);
    fabric_close(f);
    arena_fini(&a);
    return 0;
}
