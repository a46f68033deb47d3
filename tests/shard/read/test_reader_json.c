// The shapes of JSON documents, one line each: what the pieces are, which count for the loss, and
// what is refused. Lists in .json files, compressed lines, lines that are too long.

#include <unistd.h>

#include "tests/shard/read/json_twice.h"
#include "tests/shard/read/packed.h"
#include "tests/shard/read/read_dump.h"

static const char *folder;

static void check_file(struct arena *a, const char *name, const char *content, const char *expected,
                       uint64_t n_lost)
{
    struct reader_loss loss;
    corpus_put(a, folder, name, content, 0);
    CHECK_TEXT(read_dump_file(arena_printf(a, "%s/%s", folder, name), a, &loss), expected);
    CHECK_EQ(loss.n_documents, n_lost);
}

static void check_line(struct arena *a, const char *line, const char *expected)
{
    check_file(a, "line.jsonl", arena_printf(a, "%s\n", line), arena_printf(a, "%s\n", expected),
               0);
}

static void test_text(struct arena *a)
{
    check_line(a, "{\"text\": \"a\"}", "line.jsonl:1 [text+ a]");
    check_line(a, "{\"text\": \"a\", \"id\": \"x\", \"meta\": [1, {}]}", "x [text+ a]");
    check_line(a, "{\"text\": \"\\u00e9\", \"id\": 7}", "7 [text+ \xc3\xa9]");
    check_line(a, "{\"text\": \"\"}", "line.jsonl:1 ");
    check_line(a,
               "{\"text\": \"a\", \"hash\": 18446744073709551615, \"k\": 123456789012345678901234}",
               "line.jsonl:1 [text+ a]");
    check_line(a, "{\"text\": \"a\", \"id\": -7, \"content\": 0, \"hash\": 18446744073709551615}",
               "-7 [text+ a]");
    check_line(a, "{\"text\": \"a\", \"hash\": [18446744073709551615]}", "line.jsonl:1 [text+ a]");
    check_line(a, "{\"text\": \"a\", \"id\": 18446744073709551615}",
               "bad: line.jsonl:1: \"id\" is neither a string nor an integer");
    check_line(a, "{\"text\": 1}", "bad: line.jsonl:1: \"text\" is not a string");
    check_line(a, "{\"id\": 1}",
               "bad: line.jsonl:1: no \"text\" in the object, nor another shape of document");
    check_line(a, "[1]", "bad: line.jsonl:1: not a JSON object");
    check_line(a, "{\"text\": \"a\", \"id\": []}",
               "bad: line.jsonl:1: \"id\" is neither a string nor an integer");
}

static void test_chat(struct arena *a)
{
    check_line(a,
               "{\"messages\": [{\"role\": \"system\", \"content\": \"s\"}, {\"role\": \"user\", "
               "\"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"a\"}]}",
               "line.jsonl:1 [text <|system|>\n][text s][text \n<|end|>\n][text <|user|>\n]"
               "[text q][text \n<|end|>\n][text <|assistant|>\n][text+ a][text+ \n<|end|>\n]");
    check_line(a,
               "{\"conversations\": [{\"from\": \"human\", \"value\": \"q\"}, {\"from\": \"gpt\", "
               "\"value\": \"a\"}]}",
               "line.jsonl:1 [text <|user|>\n][text q][text \n<|end|>\n]"
               "[text <|assistant|>\n][text+ a][text+ \n<|end|>\n]");
    check_line(
        a,
        "{\"system\": \"s\", \"conversations\": [{\"role\": \"function\", \"content\": \"r\"}, "
        "{\"role\": \"assistant\", \"content\": \"a\", \"weight\": 0}]}",
        "line.jsonl:1 [text <|system|>\n][text s][text \n<|end|>\n][text <|tool|>\n]"
        "[text r][text \n<|end|>\n][text <|assistant|>\n][text a][text \n<|end|>\n]");
    check_line(a,
               "{\"messages\": [{\"role\": \"assistant\", \"content\": \"I ask.\", \"tool_calls\": "
               "[{\"type\": \"function\"}]}]}",
               "bad: line.jsonl:1: a message that calls tools, which is not read");
    check_line(a, "{\"messages\": [{\"role\": \"bard\", \"content\": \"s\"}]}",
               "bad: line.jsonl:1: a message of unknown role 'bard'");
    check_line(a, "{\"messages\": [{\"role\": \"user\"}]}",
               "bad: line.jsonl:1: a message whose content is neither text nor parts");
    check_line(a, "{\"messages\": 3}", "bad: line.jsonl:1: a chat that is not a list of messages");
}

static void test_images(struct arena *a)
{
    static const char jpeg[] = "\xff\xd8\xff\xe0 and so on";
    corpus_put(a, folder, "in/a.jpg", jpeg, sizeof jpeg);
    corpus_put(a, folder, "in/a.txt", "caption", 0);
    corpus_put(a, folder, "in/b.PNG", jpeg, sizeof jpeg);
    corpus_put(a, folder, "in/b.txt", "caption of b", 0);
    corpus_put(a, folder, "in/alone.jpg", jpeg, sizeof jpeg);
    corpus_put(a, folder, "secret.jpg", jpeg, sizeof jpeg);
    CHECK(symlink("../secret.jpg", arena_printf(a, "%s/in/link.jpg", folder)) == 0);
    struct reader_loss loss;
    CHECK_TEXT(read_dump_file(arena_printf(a, "%s/in", folder), a, &loss),
               "in/a.jpg [image 15][text+ caption]\nin/alone.jpg [image 15]\n"
               "in/b.PNG [image 15][text+ caption of b]\n"
               "bad: link.jpg: image 'link.jpg': Too many levels of symbolic links\n");
    check_file(a, "in/i.jsonl",
               "{\"content\": [{\"type\": \"text\", \"text\": \"x\"}, {\"type\": \"image\", "
               "\"path\": \"./a.jpg\"}]}\n"
               "{\"texts\": [\"x\", null], \"images\": [null, \"a.jpg\"]}\n"
               "{\"texts\": [\"x\"], \"images\": [null, \"a.jpg\"]}\n"
               "{\"texts\": [null], \"images\": [\"../secret.jpg\"]}\n"
               "{\"texts\": [null], \"images\": [\"link.jpg\"]}\n"
               "{\"texts\": [null], \"images\": [\"/etc/passwd\"]}\n"
               "{\"texts\": [null], \"images\": [\"http://a.b/c.jpg\"]}\n"
               "{\"texts\": [null], \"images\": [\"a.txt\"]}\n"
               "{\"texts\": [null], \"images\": [null]}\n",
               "i.jsonl:1 [text+ x][image 15]\n"
               "i.jsonl:2 [text+ x][image 15]\n"
               "bad: i.jsonl:3: 1 \"texts\" and 2 \"images\"\n"
               "bad: secret.jpg': Permission denied\n"
               "bad: i.jsonl:5: image 'link.jpg': Too many levels of symbolic links\n"
               "bad: passwd': Permission denied\n"
               "bad: c.jpg': No such file or directory\n"
               "bad: i.jsonl:8: image a.txt: neither JPEG nor PNG nor WebP\n"
               "bad: i.jsonl:9: place 0 has neither text nor image\n",
               0);
    check_file(a, "in/llava.jsonl",
               "{\"image\": \"a.jpg\", \"conversations\": [{\"from\": \"human\", \"value\": "
               "\"<image>\\nq\"}, {\"from\": \"gpt\", \"value\": \"a\"}]}\n"
               "{\"images\": [\"a.jpg\", \"alone.jpg\"], \"messages\": [{\"role\": \"user\", "
               "\"content\": \"x<image><image>\"}]}\n"
               "{\"image\": \"a.jpg\", \"messages\": [{\"role\": \"user\", \"content\": \"q\"}]}\n"
               "{\"images\": [\"a.jpg\"], \"messages\": [{\"role\": \"user\", \"content\": "
               "\"<image><image>\"}]}\n"
               "{\"images\": [], \"messages\": [{\"role\": \"user\", \"content\": \"<image>\"}]}\n",
               "llava.jsonl:1 [text <|user|>\n][image 15][text \nq][text \n<|end|>\n]"
               "[text <|assistant|>\n][text+ a][text+ \n<|end|>\n]\n"
               "llava.jsonl:2 [text <|user|>\n][text x][image 15][image 15][text \n<|end|>\n]\n"
               "bad: llava.jsonl:3: 1 images of the chat and 0 <image> in its text\n"
               "bad: llava.jsonl:4: more <image> than the 1 images of the chat\n"
               "llava.jsonl:5 [text <|user|>\n][text <image>][text \n<|end|>\n]\n",
               0);
    check_file(a, "in/metadata.jsonl",
               "{\"file_name\": \"alone.jpg\", \"text\": \"one\"}\n"
               "{\"file_name\": \"alone.jpg\", \"caption\": \"two\"}\n"
               "{\"file_name\": \"alone.jpg\", \"text\": null}\n"
               "{\"file_name\": \"alone.jpg\", \"text\": \"\"}\n{\"file_name\": \"alone.jpg\"}\n",
               "metadata.jsonl:1 [image 15][text+ one]\nmetadata.jsonl:2 [image 15][text+ two]\n"
               "metadata.jsonl:3 [image 15]\nmetadata.jsonl:4 [image 15]\n"
               "metadata.jsonl:5 [image 15]\n",
               0);
    struct inputs inputs;
    char *in[] = {arena_printf(a, "%s/in", folder)};
    CHECK_OK(inputs_list(in, 1, a, &inputs));
    CHECK_EQ(inputs.n_files,
             5); // a.jpg, b.PNG, i.jsonl, llava.jsonl, metadata.jsonl; it speaks for the others
    CHECK_EQ(inputs.n_skipped, 0);
}

// A byte order mark, as programs of Windows put it before UTF-8.
static void test_mark(struct arena *a)
{
    static const char line[] = "\xef\xbb\xbf{\"text\": \"a\"}\r\n{\"text\": \"b\"}\r\n";
    check_file(a, "m.jsonl", line, "m.jsonl:1 [text+ a]\nm.jsonl:2 [text+ b]\n", 0);
    check_file(a, "m.json", line, "m.json#1 [text+ a]\nm.json#2 [text+ b]\n", 0);
    check_file(a, "m.csv",
               "\xef\xbb\xbf"
               "episode,action\r\n",
               "", 0);
}

static void test_lists(struct arena *a)
{
    check_file(a, "l.json",
               " [ {\"text\": \"a } ] \\\" {\"} ,\n{\"text\": \"b\", \"x\": [[{}]]}]\n",
               "l.json#1 [text+ a } ] \" {]\nl.json#2 [text+ b]\n", 0);
    check_file(a, "one.json", "{\"text\": \"a\"}\n", "one.json#1 [text+ a]\n", 0);
    check_file(a, "two.json", "{\"text\": \"a\"}\n{\"text\": \"b\"}",
               "two.json#1 [text+ a]\ntwo.json#2 [text+ b]\n", 0);
    check_file(a, "empty.json", "[]", "", 0);
    check_file(a, "cut.json", "[{\"text\": \"a\"}, {\"text\"", "cut.json#1 [text+ a]\n", 1);
    check_file(a, "open.json", "[{\"text\": \"a\"}", "open.json#1 [text+ a]\n", 1);
    check_file(a, "number.json", "[1, {\"text\": \"a\"}]", "", 1);
}

static void test_trajectories(struct arena *a)
{
    static const char lines[] =
        "{\"instruction\": \"go\", \"steps\": [{\"observation\": [0, 5], "
        "\"action\": [1]}, {\"observation\": [10, 7], \"action\": [0.5]}]}\n"
        "{\"steps\": [{\"action\": [1]}]}\n"
        "{\"steps\": [{\"observation\": [0, 1e999], \"action\": [1]}]}\n"
        "{\"steps\": [{\"observation\": [0, 1]}]}\n";
    static const char csv[] = "episode,action.x,instruction,observation.a,note,observation.b\r\n"
                              "4,1,go,0,\"n, \"\"o\"\"\",5\r\n"
                              "4,0.5,,10,,7\r\n"
                              "5,1,\"a, \"\"b\"\"\",0,,1\r\n"
                              "6,1,x,0,,\r\n"
                              "7,nan,x,0,,1\r\n"
                              "8,1,x,-inf,,1\r\n"
                              "9,1,x,0,,1\r\n9,1,x,0,\"two\r\n";
    double low[] = {0, 5, 0}, high[] = {10, 5, 1};
    const struct bin_edges edges = {2, 1, low, high};
    const struct reader_options options = {.skip_bad = true, .bin_edges = &edges};
    struct reader_loss loss;
    corpus_put(a, folder, "t.jsonl", lines, 0);
    corpus_put(a, folder, "t.csv", csv, 0);
    char *paths[] = {arena_printf(a, "%s/t.jsonl", folder), arena_printf(a, "%s/t.csv", folder)};
    CHECK_TEXT(read_dump(paths, 2, &options, a, &loss),
               "t.jsonl:1 [text go][text \n][bins 0 0][bins+ 255][bins 255 255][bins+ 128]\n"
               "bad: t.jsonl:2: steps of 0 + 1 numbers; the bin edges are of 2 + 1\n"
               "bad: t.jsonl:3: column 36: real number overflow near '1e999'\n"
               "bad: t.jsonl:4: a step without a list \"action\", or \"observation\" is no list\n"
               "t.csv#4 [text go][text \n][bins 0 0][bins+ 255][bins 255 255][bins+ 128]\n"
               "t.csv#5 [text a, \"b\"][text \n][bins 0 0][bins+ 255]\n"
               "bad: t.csv#3: '' is no finite number\n"
               "bad: t.csv#4: 'nan' is no finite number\n"
               "bad: t.csv#5: '-inf' is no finite number\n"
               "bad: t.csv#6: a quoted field goes on beyond its line\n");
    corpus_put(a, folder, "blanks.csv",
               "episode, action.x, observation.a, observation.b\n1, 1, 0, 5\n", 0);
    char *blanks = arena_printf(a, "%s/blanks.csv", folder);
    CHECK_TEXT(read_dump(&blanks, 1, &options, a, &loss), "blanks.csv#1 [bins 0 0][bins+ 255]\n");
    struct text apart;
    text_begin(&apart, a);
    text_printf(&apart, "episode,action\n");
    for (int i = 0; i < 200; i++)
        text_printf(&apart, "%d,1\n", i % 100 == 50 ? 50 : i);
    corpus_put(a, folder, "apart.csv", apart.data, apart.n_bytes);
    char *apart_path = arena_printf(a, "%s/apart.csv", folder);
    CHECK_ERR(read_dump_error(apart_path, a), ERR_DATA);
    CHECK(strstr(err_line(), "apart.csv#151: lines of episode 50 stand apart; sort them"));
    read_dump_file(apart_path, a, &loss);
    CHECK_EQ(loss.n_documents, 1);
    CHECK_EQ(loss.n_bytes, strlen("50,1\n"));
    corpus_put(a, folder, "seen.csv", "episode,observation\n1,2\n", 0);
    char *seen = arena_printf(a, "%s/seen.csv", folder);
    CHECK_TEXT(read_dump(&seen, 1, &options, a, &loss),
               "bad: seen.csv#1: no column that begins \"action\"\n");
    check_file(a, "no.csv", "a,b\n1,2\n", "", 1);
}

// Lines that are small and want much memory: an image again and again, nothing but values.
static void test_greedy(struct arena *a)
{
    static const char jpeg[16] = "\xff\xd8\xff\xe0";
    enum { IMAGE_BYTES = 8 << 20, VALUES = 5 << 20 };
    char *image = arena_alloc(a, IMAGE_BYTES, 1);
    memcpy(image, jpeg, sizeof jpeg);
    corpus_put(a, folder, "8.jpg", image, IMAGE_BYTES);
    struct text line;
    text_begin(&line, a);
    text_printf(&line, "{\"content\": [");
    for (int i = 0; i < 9; i++)
        text_printf(&line, "%s{\"type\": \"image\", \"path\": \"8.jpg\"}", i ? "," : "");
    text_printf(&line, "]}");
    check_line(a, line.data, "bad: line.jsonl:1: images of more than 64 MiB in a document");
    text_begin(&line, a);
    text_printf(&line, "{\"text\": \"a\", \"x\": [0");
    for (int i = 0; i < VALUES; i++)
        text_put(&line, ",0", 2);
    text_printf(&line, "]}");
    check_line(a, line.data, "bad: line.jsonl:1: more than 4 Mi values");
    struct reader_loss loss;
    text_begin(&line, a);
    for (int i = 0; i < 200000; i++)
        text_printf(&line, "\"a\"\"\",");
    text_printf(&line, "\n1\n");
    corpus_put(a, folder, "wide.csv", line.data, line.n_bytes);
    CHECK_TEXT(read_dump_file(arena_printf(a, "%s/wide.csv", folder), a, &loss), "");
    CHECK_EQ(loss.n_documents, 1);
}

// Compressed lines; a line longer than the limit is gone past, others are not lost with it.
static void test_lines(struct arena *a)
{
    struct text lines, packed;
    text_begin(&lines, a);
    text_printf(&lines, "{\"text\": \"a\"}\n\n{\"text\": \"");
    char *long_text = arena_alloc(a, READER_DOCUMENT_LIMIT, 1);
    memset(long_text, 'x', READER_DOCUMENT_LIMIT);
    text_put(&lines, long_text, READER_DOCUMENT_LIMIT);
    text_printf(&lines, "\"}\n{\"text\": \"b\"}");
    void (*const packs[])(struct text *, const char *, size_t) = {packed_gzip, packed_zstd};
    static const char *const names[] = {"long.jsonl.gz", "long.jsonl.zst"};
    for (int i = 0; i < 2; i++) {
        text_begin(&packed, a);
        packs[i](&packed, lines.data, lines.n_bytes);
        corpus_put(a, folder, names[i], packed.data, packed.n_bytes);
        struct reader_loss loss;
        const char *path = arena_printf(a, "%s/%s", folder, names[i]);
        CHECK_TEXT(read_dump_file(path, a, &loss),
                   arena_printf(a, "%s:1 [text+ a]\n%s:4 [text+ b]\n", names[i], names[i]));
        CHECK_EQ(loss.n_documents, 1);
        CHECK(loss.n_bytes > READER_DOCUMENT_LIMIT);
        CHECK_ERR(read_dump_error(path, a), ERR_DATA);
    }
}

static void test_packed_page(struct arena *a)
{
    struct text packed;
    text_begin(&packed, a);
    packed_gzip(&packed, "<p>a page", 9);
    corpus_put(a, folder, "p.html.gz", packed.data, packed.n_bytes);
    struct reader_loss loss;
    CHECK_TEXT(read_dump_file(arena_printf(a, "%s/p.html.gz", folder), a, &loss),
               "p.html.gz (html ) [text+ <p>a page]\n");
}

// Frames of zstd between skippable ones, as pzstd writes them.
static void test_skippable(struct arena *a)
{
    static const char skippable[] = "\x50\x2a\x4d\x18\x04\0\0\0size";
    static const char *const lines[] = {"{\"text\": \"a\"}\n{\"te", "xt\": \"b\"}\n"};
    struct text packed;
    text_begin(&packed, a);
    for (int i = 0; i < 2; i++) {
        text_put(&packed, skippable, sizeof skippable - 1);
        packed_zstd(&packed, lines[i], strlen(lines[i]));
    }
    corpus_put(a, folder, "p.jsonl.zst", packed.data, packed.n_bytes);
    struct reader_loss loss;
    CHECK_TEXT(read_dump_file(arena_printf(a, "%s/p.jsonl.zst", folder), a, &loss),
               "p.jsonl.zst:1 [text+ a]\np.jsonl.zst:2 [text+ b]\n");
    CHECK_EQ(loss.n_documents, 0);
}

// Lines that two libraries must see alike, and seeded changes of them.
static void test_twice(uint64_t seed)
{
    static const char *const lines[] = {
        "{\"text\": \"plain\", \"id\": \"x\", \"url\": \"http://a.b\"}",
        "{\"text\": \"esc \\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u0000 \\u00e9 \\ud83d\\ude00\"}",
        "{\"text\": \"caf\xc3\xa9 \xf0\x9f\x98\x80 \xe2\x82\xac\", \"id\": -12345678901}",
        "{\"meta\": {\"a\": [1, 2.5e-3, true, null, {\"b\": 2}]}, \"text\": \"\", \"id\": null}",
        " \t{ \"id\" : 9223372036854775807 , \"n\" : 18446744073709551615, \"text\" : \"\" } \r",
        "{\"text\": \"\\ud800\", \"x\": 1e400, \"y\": -0, \"z\": 0.1E+2, \"text\": \"two\"}",
        "\xef\xbb\xbf{\"text\": \"behind a mark\", \"a\\u0000b\": 1}"};
    enum { N_LINES = sizeof lines / sizeof lines[0], CHANGES = 20000 };
    const uint64_t key = rng_key(seed, "twice");
    size_t n_plain = 0;
    for (uint64_t i = 0; i < N_LINES * CHANGES; i++) {
        struct arena scratch;
        arena_init(&scratch, "twice");
        const char *line = lines[i % N_LINES];
        const size_t n = strlen(line);
        char *copy = arena_strndup(&scratch, line, n);
        for (uint64_t k = 0; i >= N_LINES && k <= rng_u64(key, i, 0) % 3; k++) {
            const uint64_t r = rng_u64(key, i, k + 1);
            copy[r % n] = r >> 60 < 8 ? line[(r >> 20) % n] : (char)(r >> 40);
        }
        bool plain;
        if (!json_twice_agree((struct span){(const uint8_t *)copy, n}, &scratch, &plain))
            check_failed(__FILE__, __LINE__, "the readers differ on: %s", copy);
        n_plain += plain;
        arena_fini(&scratch);
    }
    CHECK(n_plain > N_LINES * CHANGES / 20);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    folder = corpus_folder(&a, "json");
    test_twice(seed);
    test_text(&a);
    test_chat(&a);
    test_images(&a);
    test_mark(&a);
    test_lists(&a);
    test_trajectories(&a);
    test_greedy(&a);
    test_lines(&a);
    test_skippable(&a);
    test_packed_page(&a);
    corpus_clean(&a);
    arena_fini(&a);
    return 0;
}
