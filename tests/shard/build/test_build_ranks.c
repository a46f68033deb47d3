// ranks: 1 2 4
// A dataset built over ranks has the files of one built alone, whatever the threads: documents of
// every kind, rules, kept verdicts, dedup. Its funnel adds up. An error on one rank is everyone's,
// and the next build goes on from the parts that were finished.

#include <stdlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "shard/build/dataset_build.h"
#include "shard/dataset/dataset_verify.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"

enum { N_FILES = 12 };

static const char *folder; // one of all ranks

static void put_documents(struct arena *a, const char *path, uint64_t key, size_t file, bool bad)
{
    static const char *const words[] = {"the",  "house", "and",   "was",  "there", "with", "water",
                                        "that", "have",  "stone", "from", "light", "this", "of"};
    struct text out;
    text_begin(&out, a);
    for (uint64_t i = 0; i < 150; i++) {
        const uint64_t which = rng_u64(key, file, i) % 400; // some texts stand in several files
        text_printf(&out, "{\"id\": \"%zu-%zu\", \"text\": \"", file, (size_t)i);
        for (uint64_t w = 0; w < 20 + which % 150; w++)
            text_printf(&out, "%s%s", words[rng_u64(key, 1000 + which, w) % 14],
                        w % 9 == 8 ? ".\\n" : " ");
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
    corpus_put(a, folder, "in/page.html", "<p>A page of <b>text</b>.<p>And more of it.", 0);
    corpus_put(a, folder, "in/plain.txt", "plain \xff text\n", 0);
    for (size_t file = 0; file < N_FILES; file++)
        put_documents(a, arena_printf(a, "%s/in/%02zu.jsonl", folder, file), key, file, false);
}

static enum err build(struct fabric *f, struct arena *a, const char *out, size_t n_workers,
                      bool compares, struct dataset_build_result *result)
{
    static char in[400];
    char *inputs[] = {in};
    snprintf(in, sizeof in, "%s/in", folder);
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
    return dataset_build(&o, a, result);
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
    const char *folder_out = arena_printf(a, "%s/%s", folder, out);
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

static void share_folder(struct fabric *f, struct arena *a)
{
    char mine[300] = "", *all = arena_alloc(a, 300 * (size_t)fabric_size(f), 1);
    if (fabric_rank(f) == 0) snprintf(mine, sizeof mine, "%s", corpus_folder(a, "ranks"));
    CHECK_OK(fabric_all_gather(f, mine, sizeof mine, all));
    folder = arena_strdup(a, all);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "ranks");
    struct arena a;
    struct fabric *f;
    arena_init(&a, "test");
    CHECK_OK(fabric_open_mpi(NULL, &a, &f));
    share_folder(f, &a);
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
