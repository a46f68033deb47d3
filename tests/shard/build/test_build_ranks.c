// ranks: 1 2 4
// A dataset built over ranks has the files of one built alone, whatever the threads: documents of
// every kind, rules, kept verdicts, dedup. Its funnel adds up. An error on one rank is everyone's,
// and the next build goes on from the parts that were finished.

#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "shard/build/dataset_build.h"
#include "shard/dataset/dataset_index.h"
#include "shard/dataset/dataset_verify.h"
#include "tests/check.h"
#include "tests/shard/build/shared_folder.h"
#include "tests/shard/format/corpus.h"

static const char *const WORDS[] = {"the",  "house", "and",   "was",  "there", "with", "water",
                                    "that", "have",  "stone", "from", "light", "this", "of"};
enum { N_FILES = 12, N_WORDS = 14 };

static const char *folder; // one of all ranks

static void put_documents(struct arena *a, const char *path, uint64_t key, size_t file, bool bad)
{
    struct text out;
    text_begin(&out, a);
    for (uint64_t i = 0; i < 150; i++) {
        const uint64_t which = rng_u64(key, file, i) % 400; // some texts stand in several files
        text_printf(&out, "{\"id\": \"%zu-%zu\", \"text\": \"", file, (size_t)i);
        for (uint64_t w = 0; w < 20 + which % 150; w++)
            text_printf(&out, "%s%s", WORDS[rng_u64(key, 1000 + which, w) % N_WORDS],
                        w % 9 == 8 ? ".\\n" : " ");
        if (i % 3 == 0) text_printf(&out, "and this was in %zu.", file); // a near duplicate
        text_printf(&out, "\"%s}\n", bad && i == 140 ? ", \"text\": 3" : "");
    }
    text_printf(&out,
                "{\"messages\": [{\"role\": \"user\", \"content\": \"why %zu\"}, {\"role\": "
                "\"assistant\", \"content\": \"because\"}]}\n",
                file);
    CHECK_OK(file_replace(path, out.data, out.n_bytes));
}

static void put_inputs(struct arena *a, uint64_t key)
{
    struct text question;
    text_begin(&question, a);
    text_printf(&question, "{\"question\": \"");
    for (uint64_t w = 0; w < 30; w++) // the beginning of texts of number 77
        text_printf(&question, "%s ", WORDS[rng_u64(key, 1000 + 77, w) % N_WORDS]);
    text_printf(&question, "\"}\n");
    corpus_put(a, folder, "questions.jsonl", question.data, 0);
    corpus_put(a, folder, "in/page.html", "<p>A page of <b>text</b>.<p>And more of it.", 0);
    corpus_put(a, folder, "in/plain.txt", "plain \xff text\n", 0);
    for (size_t file = 0; file < N_FILES; file++)
        put_documents(a, arena_printf(a, "%s/in/%02zu.jsonl", folder, file), key, file, false);
}

static enum err build(struct fabric *f, struct arena *a, const char *out, size_t n_workers,
                      bool compares, struct dataset_build_result *result)
{
    char *inputs[] = {arena_printf(a, "%s/in", folder)};
    char *evaluation[] = {arena_printf(a, "%s/questions.jsonl", folder)};
    struct dataset_build_options o =
        corpus_options(arena_printf(a, "%s/%s", folder, out), inputs, 1);
    o.fabric = f;
    o.n_workers = n_workers;
    o.part_bytes = 30000;
    o.bin_tokens = 5000;
    o.shard_tokens = 40000;
    o.memory_bytes = 256 << 20;
    o.judge.filter.profile = "gopher";
    o.judge.keep_dropped = compares;
    o.judge.mask_pii = true;
    o.dedup = compares ? "document,minhash,line" : NULL;
    o.evaluation = evaluation;
    o.n_evaluation = compares ? 1 : 0;
    return dataset_build(&o, a, result);
}

static const struct funnel_row *row(const struct dataset_build_result *r, const char *name)
{
    for (size_t i = 0; i < r->funnel.n_rows; i++) {
        if (strcmp(r->funnel.rows[i].name, name) == 0) return &r->funnel.rows[i];
    }
    check_failed(__FILE__, __LINE__, "no row %s", name);
}

// Each pass found something, the evaluation's text in at least one document.
static void check_passes(const struct dataset_build_result *r)
{
    static const char *const passes[] = {"dedup_document", "dedup_minhash", "decontaminate"};
    for (size_t i = 0; i < 3; i++)
        CHECK(row(r, passes[i])->documents_out < row(r, passes[i])->documents_in);
    CHECK(row(r, "dedup_line")->bytes_out < row(r, "dedup_line")->bytes_in);
}

// dataset.json holds the funnel that the build gave.
static void check_index(struct arena *a, const char *out, const struct dataset_build_result *r)
{
    struct dataset_index index;
    CHECK_OK(dataset_index_read(out, a, &index));
    CHECK_EQ(index.funnel.n_rows, r->funnel.n_rows);
    for (size_t i = 0; i < r->funnel.n_rows; i++) {
        const struct funnel_row *x = &index.funnel.rows[i], *y = &r->funnel.rows[i];
        CHECK_TEXT(x->name, y->name);
        CHECK(x->documents_in == y->documents_in && x->documents_out == y->documents_out);
        CHECK(x->bytes_in == y->bytes_in && x->bytes_out == y->bytes_out);
        CHECK_EQ(x->documents_changed, y->documents_changed);
    }
    CHECK_EQ(index.n_documents, r->n_documents);
    CHECK_EQ(index.lost.n_empty, r->n_empty);
}

static void check_funnel(const struct dataset_build_result *r)
{
    CHECK(funnel_adds_up(&r->funnel));
    CHECK_EQ(r->funnel.rows[r->funnel.n_rows - 1].documents_out, r->n_documents - r->n_dropped);
    CHECK_EQ(r->funnel.rows[0].documents_in, N_FILES * 151 + 2);
}

static void test_same(struct fabric *f, struct arena *a, bool compares)
{
    struct dataset_build_result alone, together;
    const char *reference = compares ? "alone2" : "alone1", *out = compares ? "out2" : "out1";
    if (fabric_rank(f) == 0) {
        CHECK_OK(build(NULL, a, reference, 1, compares, &alone));
        check_funnel(&alone);
        CHECK(alone.n_shards > 2);
    }
    CHECK_OK(fabric_agree(f, OK));
    CHECK_OK(build(f, a, out, 1 + (size_t)fabric_rank(f) % 3, compares, &together));
    if (fabric_rank(f) != 0) return;
    check_funnel(&together);
    if (compares) check_passes(&together);
    const char *folder_out = arena_printf(a, "%s/%s", folder, out);
    check_index(a, folder_out, &together);
    CHECK_OK(dataset_verify(folder_out, NULL, NULL));
    CHECK(corpus_same_files(a, folder_out, arena_printf(a, "%s/%s", folder, reference)));
}

// A damaged line in one part ends all ranks; mended, the other parts are not judged again.
static void test_error(struct fabric *f, struct arena *a, uint64_t key)
{
    struct dataset_build_result result;
    const char *bad = arena_printf(a, "%s/in/05.jsonl", folder);
    if (fabric_rank(f) == 0) put_documents(a, bad, key, 5, true);
    CHECK_OK(fabric_agree(f, OK));
    CHECK_ERR(build(f, a, "mended", 1, true, &result), ERR_DATA);
    CHECK(strstr(err_line(), "05.jsonl:141"));
    const char *work = arena_printf(a, "%s/mended.partial/work", folder);
    CHECK(file_is_folder(work));
    CHECK_OK(fabric_agree(f, OK));
    if (fabric_rank(f) == 0) put_documents(a, bad, key, 5, false);
    CHECK_OK(fabric_agree(f, OK));
    CHECK_OK(build(f, a, "mended", 2, true, &result));
    if (fabric_rank(f) != 0) return;
    CHECK(corpus_same_files(a, arena_printf(a, "%s/mended", folder),
                            arena_printf(a, "%s/alone2", folder)));
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "ranks");
    struct arena a;
    struct fabric *f;
    arena_init(&a, "test");
    CHECK_OK(fabric_open_mpi(NULL, &a, &f));
    folder = shared_folder(f, "ranks", &a);
    if (fabric_rank(f) == 0) put_inputs(&a, key);
    test_same(f, &a, false);
    test_same(f, &a, true);
    test_error(f, &a, key);
    CHECK_OK(fabric_agree(f, OK));
    if (fabric_rank(f) == 0) corpus_clean(&a);
    fabric_close(f);
    arena_fini(&a);
    return 0;
}
