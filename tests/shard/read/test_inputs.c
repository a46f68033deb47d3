// Which files are inputs, in which order and of which kind: by name, by first bytes, beside
// captions; and what is refused.

#include "shard/read/inputs.h"

#include <unistd.h>

#include "tests/shard/format/corpus.h"
#include "tests/shard/read/packed.h"

static const char *folder;

static const char *list(struct arena *a, char **operands, size_t n, size_t *n_skipped)
{
    static const char *const kinds[INPUT_N] = {
        [INPUT_TEXT] = "text", [INPUT_HTML] = "html", [INPUT_JSONL] = "jsonl",
        [INPUT_JSON] = "json", [INPUT_WARC] = "warc", [INPUT_IMAGE] = "image",
        [INPUT_TAR] = "tar",   [INPUT_CSV] = "csv",   [INPUT_MEGATRON] = "megatron",
        [INPUT_LLMC] = "llmc",
    };
    struct inputs inputs;
    struct text t;
    CHECK_OK(inputs_list(operands, n, a, &inputs));
    text_begin(&t, a);
    for (size_t i = 0; i < inputs.n_files; i++)
        text_printf(&t, "%s %s%s %llu\n", inputs.files[i].source, kinds[inputs.files[i].kind],
                    inputs.files[i].compressed ? " packed" : "",
                    (unsigned long long)inputs.files[i].n_bytes);
    *n_skipped = inputs.n_skipped;
    return t.data;
}

static void check_operand(struct arena *a, const char *name, const char *expected)
{
    char *operand = arena_printf(a, "%s/%s", folder, name);
    size_t n_skipped;
    CHECK_TEXT(list(a, &operand, 1, &n_skipped), expected);
    CHECK_EQ(n_skipped, 0);
}

static void test_folder(struct arena *a)
{
    static const char *const names[] = {
        "z.txt",           "a.HTML",        "b/c.jsonl.gz",   "b/d.md.zst",
        "b/e.warc.wet.gz", "b/f.tar",       "b/g.html.gz",    "b/h.json",
        "b/i.csv",         "b/j.bin",       "b/k.idx",        "b/l.png",
        "b/m.jpg",         "b/m.txt",       "b/n.txt.bz2",    "c/metadata.jsonl",
        "c/x.png",         "c/deep/y.webp", "c/deep/other.c", "README",
        "d/icon.png"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        corpus_put(a, folder, arena_printf(a, "in/%s", names[i]), "12345", 0);
    CHECK(symlink("z.txt", arena_printf(a, "%s/in/link.txt", folder)) == 0);
    CHECK(symlink("b", arena_printf(a, "%s/in/folder", folder)) == 0);
    char *operand = arena_printf(a, "%s/in", folder);
    size_t n_skipped;
    // Left out: h i j k n, other.c, README, icon.png, the link to a folder. x and y have their
    // metadata; l has no caption, but m beside it has.
    CHECK_TEXT(list(a, &operand, 1, &n_skipped),
               "in/a.HTML html 5\nin/b/c.jsonl.gz jsonl packed 5\nin/b/d.md.zst text packed 5\n"
               "in/b/e.warc.wet.gz warc packed 5\nin/b/f.tar tar 5\nin/b/g.html.gz html packed "
               "5\nin/b/l.png image 5\n"
               "in/b/m.jpg image 5\n"
               "in/c/metadata.jsonl jsonl 5\nin/link.txt text 5\nin/z.txt text 5\n");
    CHECK_EQ(n_skipped, 9);
}

static void test_operands(struct arena *a)
{
    struct text packed;
    text_begin(&packed, a);
    packed_gzip(&packed, "WARC/1.0\r\n", 10);
    corpus_put(a, folder, "unknown", "WARC/1.1\r\n", 0);
    corpus_put(a, folder, "unknown.gz", packed.data, packed.n_bytes);
    corpus_put(a, folder, "words", "any words", 0);
    corpus_put(a, folder, "empty", "", 0);
    corpus_put(a, folder, "index", "MMIDIDX\0\0....", 13);
    check_operand(a, "unknown", "unknown warc 10\n");
    check_operand(a, "unknown.gz", arena_printf(a, "unknown.gz warc packed %zu\n", packed.n_bytes));
    check_operand(a, "words", "words text 9\n");
    check_operand(a, "empty", "empty text 0\n");
    check_operand(a, "index", "index megatron 13\n");
    check_operand(a, "in/b/h.json", "h.json json 5\n");
    check_operand(a, "in/b/i.csv", "i.csv csv 5\n");
    check_operand(a, "in/b/j.bin", "j.bin llmc 5\n");
    check_operand(a, "in/b/k.idx", "k.idx megatron 5\n");
    check_operand(a, "in/b/l.png", "l.png image 5\n");
    check_operand(a, "in/b/g.html.gz", "g.html.gz html packed 5\n");
    struct inputs inputs;
    char *bzip = arena_printf(a, "%s/in/b/n.txt.bz2", folder), *absent = arena_strdup(a, "/absent");
    CHECK_ERR(inputs_list(&bzip, 1, a, &inputs), ERR_DATA);
    CHECK_ERR(inputs_list(&absent, 1, a, &inputs), ERR_IO);
}

int main(void)
{
    struct arena a;
    arena_init(&a, "test");
    folder = corpus_folder(&a, "inputs");
    test_folder(&a);
    test_operands(&a);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
