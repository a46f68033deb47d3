// A dataset built from files reads back as the files: documents in order, bins that cover them, the
// same bytes from any number of workers, and clear refusals of empty and missing input.

#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "shard/build/dataset_build.h"
#include "shard/dataset/dataset.h"
#include "shard/dataset/dataset_folder.h"
#include "shard/dataset/dataset_verify.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"

// Bins cover the documents in order, and each bin's tokens are its documents' tokens.
static void check_bins(const struct dataset *d, struct arena *a)
{
    const struct dataset_info *info = dataset_info(d);
    uint32_t *lengths = ARENA_ARRAY(a, uint32_t, info->max_bin_documents);
    uint32_t *tokens = ARENA_ARRAY(a, uint32_t, info->max_bin_tokens);
    uint64_t document = 0, n_tokens = 0;
    for (uint64_t bin = 0; bin < info->n_bins; bin++) {
        const struct dataset_bin b = dataset_bin(d, bin);
        CHECK_OK(dataset_read_lengths(d, bin, lengths));
        CHECK_OK(dataset_read_tokens(d, bin, tokens));
        const uint32_t *at = tokens;
        for (uint64_t i = 0; i < b.n_documents; i++, at += lengths[i - 1]) {
            struct dataset_document one;
            CHECK_OK(dataset_read_document(d, document++, a, &one));
            CHECK_EQ(one.n_tokens, lengths[i]);
            CHECK(memcmp(one.tokens, at, lengths[i] * sizeof *at) == 0);
            CHECK_EQ(at[lengths[i] - 1], info->end_of_text);
        }
        CHECK_EQ(at - tokens, b.n_tokens);
        n_tokens += b.n_tokens;
    }
    CHECK_EQ(document, info->n_documents);
    CHECK_EQ(n_tokens, info->n_tokens);
}

static void check_document(const struct dataset *d, uint64_t i, struct arena *a, const char *id,
                           const char *source, struct span text)
{
    struct dataset_document document;
    CHECK_OK(dataset_read_document(d, i, a, &document));
    CHECK_TEXT(arena_strndup(a, (const char *)document.id.data, document.id.n_bytes), id);
    CHECK_TEXT(arena_strndup(a, (const char *)document.source.data, document.source.n_bytes),
               source);
    CHECK_EQ(document.text_bytes, text.n_bytes);
    CHECK_EQ(document.n_tokens, text.n_bytes + 1);
    for (size_t k = 0; k < text.n_bytes; k++)
        CHECK_EQ(document.tokens[k], text.data[k]);
}

static struct span text_span(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static void test_kinds(struct arena *a)
{
    const char *folder = corpus_folder(a, "kinds");
    corpus_put(a, folder, "in/b.txt", "plain \xff text\n", 13);
    corpus_put(a, folder, "in/a.html",
               "<title>no</title><script>x()</script><p>Hello&amp;<b>bold</b>  text<p>next"
               "<nav>menu</nav><ul><li>one<li>two</ul><pre>a  b\n c</pre>",
               0);
    corpus_put(a, folder, "in/c.jsonl",
               "{\"id\": \"x\", \"text\": \"first\"}\n\n{\"text\": \"nul \\u0000 in\"}\n"
               "{\"id\": 7, \"text\": \"third\"}\n{\"text\": \"\"}",
               0);
    corpus_put(a, folder, "in/sub/d.md", "deeper", 0);
    corpus_put(a, folder, "in/skipped.bin", "binary", 0);
    corpus_put(a, folder, "in/empty.txt", "", 0);
    const char *out = arena_printf(a, "%s/out", folder);
    struct dataset_build_result result;
    CHECK_OK(corpus_build(a, arena_printf(a, "%s/in", folder), out, 2, &result));
    CHECK_EQ(result.n_documents, 6);
    CHECK_EQ(result.n_empty, 2);
    CHECK_EQ(result.n_skipped_files, 1);
    struct dataset *d;
    CHECK_OK(dataset_open(out, a, &d));
    check_document(d, 0, a, "in/a.html", "in/a.html",
                   text_span("Hello&bold text\n\nnext\n\none\ntwo\n\na  b\n c"));
    check_document(d, 1, a, "in/b.txt", "in/b.txt", text_span("plain \xff text\n"));
    check_document(d, 2, a, "x", "in/c.jsonl", text_span("first"));
    check_document(d, 3, a, "in/c.jsonl:3", "in/c.jsonl",
                   (struct span){(const uint8_t *)"nul \0 in", 8});
    check_document(d, 4, a, "7", "in/c.jsonl", text_span("third"));
    check_document(d, 5, a, "in/sub/d.md", "in/sub/d.md", text_span("deeper"));
    check_bins(d, a);
    struct dataset_document none;
    CHECK_ERR(dataset_read_document(d, 6, a, &none), ERR_DATA);
    dataset_close(d);
    CHECK_OK(dataset_verify(out, NULL, NULL));
}

static void test_split(struct arena *a)
{
    const char *folder = corpus_folder(a, "split");
    corpus_put(a, folder, "in.txt", "one\n\n\n\n\ntwo\n\nstill two\n\n\n \n\n\n\nthree\n", 0);
    const char *out = arena_printf(a, "%s/out", folder);
    char *inputs[] = {arena_printf(a, "%s/in.txt", folder)};
    struct dataset_build_options options = corpus_options(out, inputs, 1);
    options.separator = "\n\n\n";
    struct dataset_build_result result;
    CHECK_OK(dataset_build(&options, a, &result));
    CHECK_EQ(result.n_documents, 3);
    struct dataset *d;
    CHECK_OK(dataset_open(out, a, &d));
    check_document(d, 0, a, "in.txt#1", "in.txt", text_span("one"));
    check_document(d, 1, a, "in.txt#2", "in.txt", text_span("two\n\nstill two"));
    check_document(d, 2, a, "in.txt#3", "in.txt", text_span("three"));
    dataset_close(d);
}

// Many shards and bins: the same files from 1 and 3 workers, whatever the codec the same content.
static void test_workers(struct arena *a, uint64_t seed)
{
    const char *folder = corpus_folder(a, "workers");
    const char *in = arena_printf(a, "%s/in.jsonl", folder);
    corpus_random_jsonl(a, in, seed, 3000);
    char *inputs[] = {arena_strdup(a, in)};
    struct hash128 hashes[3];
    const char *outs[3];
    for (int i = 0; i < 3; i++) {
        outs[i] = arena_printf(a, "%s/out%d", folder, i);
        struct dataset_build_options options = corpus_options(outs[i], inputs, 1);
        options.n_workers = i == 1 ? 3 : 1;
        options.codec = i == 2 ? FRAME_LZ4 : FRAME_ZSTD;
        options.bin_tokens = 5000;
        options.shard_tokens = 60000;
        struct dataset_build_result result;
        CHECK_OK(dataset_build(&options, a, &result));
        CHECK(result.n_shards > 3 && result.n_bins > 10 * result.n_shards);
        struct dataset *d;
        CHECK_OK(dataset_open(outs[i], a, &d));
        hashes[i] = dataset_info(d)->hash;
        if (i == 0) check_bins(d, a);
        CHECK(dataset_info(d)->max_bin_tokens <= 5000);
        dataset_close(d);
        CHECK_OK(dataset_verify(outs[i], NULL, NULL));
    }
    CHECK(hashes[0].lo == hashes[2].lo && hashes[0].hi == hashes[2].hi);
    CHECK(corpus_same_files(a, outs[0], outs[1]));
    CHECK(!corpus_same_files(a, outs[0], outs[2]));
}

static void test_refusals(struct arena *a)
{
    const char *folder = corpus_folder(a, "refusals");
    const char *out = arena_printf(a, "%s/out", folder);
    struct dataset_build_result result;
    CHECK_ERR(corpus_build(a, arena_printf(a, "%s/absent", folder), out, 1, &result), ERR_IO);
    corpus_put(a, folder, "in/nothing.bin", "x", 0);
    CHECK_ERR(corpus_build(a, arena_printf(a, "%s/in", folder), out, 1, &result), ERR_DATA);
    CHECK_LINE(
        "no document in the input (0 files read, 1 of other kinds, 0 empty documents, 0 bad ones)");
    corpus_put(a, folder, "in/bad.jsonl", "{\"text\": \"fine\"}\n{\"text\": 5}\n", 0);
    CHECK_ERR(corpus_build(a, arena_printf(a, "%s/in", folder), out, 1, &result), ERR_DATA);
    CHECK_TEXT(strstr(err_line(), "bad.jsonl"), "bad.jsonl:2: \"text\" is not a string");
    corpus_put(a, folder, "in/x.txt.gz", "\x1f\x8b\x08 damaged", 0);
    CHECK_ERR(corpus_build(a, arena_printf(a, "%s/in/x.txt.gz", folder), out, 1, &result),
              ERR_DATA);
    CHECK(!file_exists(out) && !file_exists(arena_printf(a, "%s.partial", out)));
    char *inputs[] = {arena_printf(a, "%s/in", folder)};
    struct dataset_build_options options = corpus_options(out, inputs, 1);
    options.skip_bad = true;
    CHECK_OK(dataset_build(&options, a, &result));
    CHECK_EQ(result.n_bad, 2);
    CHECK_EQ(result.n_documents, 1);
    CHECK_ERR(dataset_build(&options, a, &result), ERR_USAGE); // out exists
    CHECK_OK(dataset_verify(out, NULL, NULL));
}

// One build at a time writes a folder; the other is told so and leaves it alone.
static void test_two_builds(struct arena *a)
{
    const char *folder = corpus_folder(a, "two");
    const char *in = corpus_folder(a, "two/in"), *out = arena_printf(a, "%s/out", folder);
    corpus_put(a, in, "a.txt", "text", 0);
    struct dataset_folder held;
    struct dataset_build_result result;
    CHECK_OK(dataset_folder_begin(out, a, &held));
    corpus_put(a, held.partial, "mine", "x", 0);
    CHECK_ERR(corpus_build(a, in, out, 1, &result), ERR_IO);
    CHECK(strstr(err_line(), "another build is writing it"));
    CHECK(file_exists(arena_printf(a, "%s/mine", held.partial)));
    dataset_folder_end(&held);
    CHECK(!file_exists(held.partial));
    CHECK_OK(corpus_build(a, in, out, 1, &result));
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    test_kinds(&a);
    test_split(&a);
    test_workers(&a, seed);
    test_refusals(&a);
    test_two_builds(&a);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
