// A dataset exported as Megatron and llm.c read it: an independent decoder finds its tokens, and a
// dataset built from the files has them again; with u16 and with u32 tokens, in one file and
// several.

#include "shard/dataset/dataset.h"
#include "shard/export/dataset_export.h"
#include "tests/shard/export/export_decoder.h"
#include "tests/shard/format/corpus.h"

static const char *folder;

static enum err put_line(void *context, const uint32_t *tokens, uint32_t n_tokens)
{
    for (uint32_t i = 0; i < n_tokens; i++)
        text_printf(context, "%u ", tokens[i]);
    text_put(context, "\n", 1);
    return OK;
}

static const char *lines_of(const char *path, struct arena *a, struct dataset_info *info)
{
    struct dataset *d;
    struct text t;
    text_begin(&t, a);
    CHECK_OK(dataset_open(path, a, &d));
    CHECK_OK(dataset_export_documents(d, put_line, &t));
    *info = *dataset_info(d);
    dataset_close(d);
    return t.data;
}

static void build(const char *out, const char *tokenizer, char **inputs, size_t n_inputs,
                  struct arena *a)
{
    struct dataset_build_options options = corpus_options(out, inputs, n_inputs);
    struct dataset_build_result result;
    options.tokenizer = tokenizer;
    options.bin_tokens = 3000;
    CHECK_OK(dataset_build(&options, a, &result));
}

static void export(const char *format, const char *from, const char *out, uint64_t file_tokens,
                   struct arena *a)
{
    const struct dataset_export_format *row;
    const struct dataset_export_options options = {out, file_tokens};
    struct dataset_export_result result;
    struct dataset *d;
    CHECK_OK(dataset_export_find(format, &row));
    CHECK_OK(dataset_open(from, a, &d));
    CHECK_OK(row->write(d, &options, a, &result));
    CHECK_EQ(result.n_tokens, dataset_info(d)->n_tokens);
    CHECK_ERR(row->write(d, &options, a, &result), ERR_USAGE); // nothing is overwritten
    dataset_close(d);
}

// A tokenizer.json of bytes and so many more tokens that ids take 32 bits.
static const char *large_tokenizer(struct arena *a)
{
    struct text t;
    text_begin(&t, a);
    // tiktoken's ranks: base64 of the token's bytes, and its number.
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (unsigned i = 0; i < 256; i++)
        text_printf(&t, "%c%c== %u\n", digits[i >> 2], digits[i << 4 & 63], i);
    for (unsigned i = 0; i < 70000; i++)
        text_printf(&t, "%c%c%c%c %u\n", digits[i >> 18 & 63], digits[i >> 12 & 63],
                    digits[i >> 6 & 63], digits[i & 63], 256 + i);
    corpus_put(a, folder, "large.tiktoken", t.data, t.n_bytes);
    return arena_printf(a, "%s/large.tiktoken", folder);
}

static void check_formats(const char *name, const char *tokenizer, char *text, struct arena *a)
{
    char *from = arena_printf(a, "%s/%s", folder, name);
    struct dataset_info info, again;
    build(from, tokenizer, &text, 1, a);
    const char *expected = lines_of(from, a, &info);
    CHECK(info.n_documents == 300);

    char *out = arena_printf(a, "%s/%s-m", folder, name);
    export("megatron", from, out, 0, a);
    CHECK_TEXT(export_decode_megatron(out, a), expected);
    char *idx = arena_printf(a, "%s.idx", out), *back = arena_printf(a, "%s-again", out);
    build(back, tokenizer, &idx, 1, a);
    CHECK_TEXT(lines_of(back, a, &again), expected);

    out = arena_printf(a, "%s/%s-l", folder, name);
    export("llmc", from, out, info.n_tokens / 3 + 1, a);
    char *files[3];
    struct text t;
    text_begin(&t, a);
    for (int i = 0; i < 3; i++) {
        files[i] = arena_printf(a, "%s_%s_%06d.bin", out, i ? "train" : "val", i);
        export_decode_llmc(files[i], info.end_of_text, &t);
    }
    CHECK_TEXT(t.data, expected);
    back = arena_printf(a, "%s-again", out);
    build(back, tokenizer, files, 3, a);
    CHECK_TEXT(lines_of(back, a, &again), expected);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    folder = corpus_folder(&a, "export");
    char *text = arena_printf(&a, "%s/text.jsonl", folder);
    corpus_random_jsonl(&a, text, seed, 300);
    check_formats("bytes", NULL, text, &a);
    check_formats("large", large_tokenizer(&a), text, &a);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
