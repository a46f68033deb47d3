// What a build writes for each kind of document, read by the independent decoder of shards: tokens,
// loss runs, images, addresses, languages, verdicts and scores.

#include <math.h>

#include "base/file.h"
#include "shard/build/dataset_build.h"
#include "shard/dataset/dataset_verify.h"
#include "shard/read/bin_edges.h"
#include "tests/check.h"
#include "tests/shard/format/corpus.h"
#include "tests/shard/format/shard_decoder.h"

static const unsigned char DOT[] = {
    0x89, 'P',  'N',  'G',  '\r', '\n', 0x1a, '\n', 0,    0,    0,   13,  'I',  'H',  'D',  'R',  0,
    0,    0,    1,    0,    0,    0,    1,    8,    6,    0,    0,   0,   0x1f, 0x15, 0xc4, 0x89, 0,
    0,    0,    13,   'I',  'D',  'A',  'T',  0x78, 0x9c, 0x63, 0,   1,   0,    0,    5,    0,    1,
    0x0d, 0x0a, 0x2d, 0xb4, 0,    0,    0,    0,    'I',  'E',  'N', 'D', 0xae, 0x42, 0x60, 0x82};

static const struct decoder_column *column(const struct decoder_file *f, const char *name)
{
    for (unsigned i = 0; i < f->n_columns; i++) {
        if (strcmp(f->columns[i].name, name) == 0) return &f->columns[i];
    }
    check_failed(__FILE__, __LINE__, "no column %s", name);
}

static uint64_t number(const struct decoder_file *f, const char *name, size_t i)
{
    const struct decoder_column *c = column(f, name);
    const int n = c->type == 2 ? 2 : c->type == 4 ? 8 : 4;
    CHECK(i < c->n_elems);
    return decoder_number(c->data + i * (size_t)n, n);
}

static void check_blob(const struct decoder_file *f, const char *name, size_t i, const void *bytes,
                       size_t n_bytes)
{
    const struct decoder_column *c = column(f, name);
    size_t at = 0;
    CHECK(i < c->n_elems);
    for (size_t k = 0; k < i; k++)
        at += decoder_number(c->lengths + 4 * k, 4);
    CHECK_EQ(decoder_number(c->lengths + 4 * i, 4), n_bytes);
    CHECK(n_bytes == 0 || memcmp(c->data + at, bytes, n_bytes) == 0);
}

static void check_string(const struct decoder_file *f, const char *name, size_t i, const char *text)
{
    check_blob(f, name, i, text, strlen(text));
}

// The elements of a column are these.
static void check_numbers(const struct decoder_file *f, const char *name, const uint64_t *expected,
                          size_t n)
{
    CHECK_EQ(column(f, name)->n_elems, n);
    for (size_t i = 0; i < n; i++)
        CHECK_EQ(number(f, name, i), expected[i]);
}

static void put_inputs(struct arena *a, const char *folder)
{
    corpus_put(a, folder, "in/0.jsonl",
               "{\"text\": \"too short\", \"url\": \"http://example.org/a\"}\n"
               "{\"messages\": [{\"role\": \"user\", \"content\": \"why\"}, {\"role\": "
               "\"assistant\", \"content\": \"because\"}]}\n"
               "{\"texts\": [\"before\", null, \"after\"], \"images\": [null, \"dot.bin\", null]}\n"
               "{\"instruction\": \"go\", \"steps\": [{\"observation\": [0], \"action\": [1]}]}\n",
               0);
    corpus_put(a, folder, "in/dot.bin", (const char *)DOT, sizeof DOT);
    double low[] = {0, 0}, high[] = {1, 1};
    const struct bin_edges edges = {.n_observation = 1, .n_action = 1, .low = low, .high = high};
    CHECK_OK(bin_edges_write(&edges, arena_printf(a, "%s/edges.json", folder)));
}

static void build(struct arena *a, const char *folder, struct decoder_file *out)
{
    char *inputs[] = {arena_printf(a, "%s/in", folder)};
    struct dataset_build_options o = corpus_options(arena_printf(a, "%s/out", folder), inputs, 1);
    o.judge.filter.profile = "gopher";
    o.judge.keep_dropped = true;
    o.bins = arena_printf(a, "%s/edges.json", folder);
    struct dataset_build_result result;
    struct span file;
    CHECK_OK(dataset_build(&o, a, &result));
    CHECK_EQ(result.n_documents, 4);
    CHECK_EQ(result.n_dropped, 1);
    CHECK(funnel_adds_up(&result.funnel));
    CHECK_OK(file_read(arena_printf(a, "%s/out/shard-00000.shard", folder), 1 << 20, a, &file));
    CHECK(decoder_read(file.data, file.n_bytes, out));
    CHECK(file_exists(arena_printf(a, "%s/out/bins.json", folder)));
    CHECK_OK(dataset_verify(o.out, NULL, NULL));
}

static void check_tokens(const struct decoder_file *f, size_t first, const char *text)
{
    for (size_t i = 0; text[i]; i++)
        CHECK_EQ(number(f, "tokens", first + i), (unsigned char)text[i]);
}

static void check_columns(const struct decoder_file *f)
{
    const char *chat = "<|user|>\nwhy\n<|end|>\n<|assistant|>\nbecause\n<|end|>\n";
    const uint64_t lengths[] = {10, 35 + 17, 12, 6};
    check_numbers(f, "lengths", lengths, 4);
    check_tokens(f, 0, "too short");
    check_tokens(f, 10, chat);
    check_tokens(f, 10 + 52, "beforeafter");
    check_tokens(f, 10 + 52 + 12, "go\n");
    const uint64_t numbers[] = {257, 257 + 255, 256};
    for (size_t i = 0; i < 3; i++)
        CHECK_EQ(number(f, "tokens", 10 + 52 + 12 + 3 + i), numbers[i]);
    CHECK_EQ(number(f, "vocabulary", 0), 257 + 256);
    check_numbers(f, "loss_run_counts", (const uint64_t[]){0, 2, 0, 2}, 4);
    check_numbers(f, "loss_runs", (const uint64_t[]){35, 17, 4, 2}, 4);
    check_numbers(f, "image_counts", (const uint64_t[]){0, 0, 1, 0}, 4);
    check_numbers(f, "image_offsets", (const uint64_t[]){6}, 1);
    check_numbers(f, "image_widths", (const uint64_t[]){1}, 1);
    check_numbers(f, "image_heights", (const uint64_t[]){1}, 1);
    check_blob(f, "images", 0, DOT, sizeof DOT);
    check_string(f, "url", 0, "http://example.org/a");
    check_string(f, "url", 1, "");
    check_string(f, "verdict", 0, "gopher_top_2_gram");
    for (size_t i = 1; i < 4; i++)
        check_string(f, "verdict", i, "kept");
    CHECK_EQ(column(f, "language")->n_elems, 4);
    check_string(f, "language", 1, "");
}

// Words of the first; the others were not measured.
static void check_scores(const struct decoder_file *f)
{
    const struct decoder_column *c = column(f, "score.words");
    CHECK_EQ(c->n_elems, 4);
    float scores[4];
    for (size_t i = 0; i < 4; i++) {
        const uint32_t bits = (uint32_t)decoder_number(c->data + 4 * i, 4);
        memcpy(&scores[i], &bits, sizeof bits);
    }
    CHECK_EQ(scores[0], 2);
    CHECK(isnan(scores[1]) && isnan(scores[2]) && isnan(scores[3]));
}

int main(void)
{
    struct arena a;
    struct decoder_file f;
    arena_init(&a, "test");
    const char *folder = corpus_folder(&a, "columns");
    put_inputs(&a, folder);
    build(&a, folder, &f);
    check_columns(&f);
    check_scores(&f);
    decoder_free(&f);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
