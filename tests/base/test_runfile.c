#include "base/runfile.h"

#include <stdbool.h>

#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"

enum kind { KIND_GPT, KIND_VISION, KIND_CLIP, KIND_CLIPS };

struct source {
    const char *path;
    double weight;
    int kind;
    uint64_t tiles;
};

struct config {
    const char *name;
    uint64_t n_layers, width, image_size;
    int kind;
    double lr, decay;
    bool tied;
    struct source sources[4];
    size_t n_sources;
    double betas[3];
    size_t n_betas;
};

#define SOURCE(field)                                                                          \
    .offset = offsetof(struct source, field), .list_offset = offsetof(struct config, sources), \
    .list_stride = sizeof(struct source), .list_limit = 4,                                     \
    .count_offset = offsetof(struct config, n_sources)

static const struct runfile_key keys[] = {
    {.path = "name", .type = RUNFILE_TEXT, .offset = offsetof(struct config, name), .fallback = ""},
    {.path = "model.kind",
     .type = RUNFILE_CHOICE,
     .offset = offsetof(struct config, kind),
     .choices = "gpt vision clip clips",
     .help = "which",
     .fallback = "gpt"},
    {.path = "model.layers",
     .type = RUNFILE_U64,
     .offset = offsetof(struct config, n_layers),
     .help = "a number: [1, 2] # or so",
     .min = 1,
     .max = 1000},
    {.path = "model.width",
     .type = RUNFILE_U64,
     .offset = offsetof(struct config, width),
     .fallback = "64",
     .min = 1,
     .max = 1e18},
    {.path = "model.image.size",
     .type = RUNFILE_U64,
     .offset = offsetof(struct config, image_size),
     .when = "model.kind=vision|clip"},
    {.path = "model.tied",
     .type = RUNFILE_BOOL,
     .offset = offsetof(struct config, tied),
     .fallback = "false"},
    {.path = "train.lr",
     .type = RUNFILE_F64,
     .offset = offsetof(struct config, lr),
     .fallback = "3e-4",
     .min = 0,
     .max = 10,
     .alias = "learning_rate"},
    {.path = "train.decay",
     .type = RUNFILE_F64,
     .offset = offsetof(struct config, decay),
     .fallback = "0"},
    {.path = "train.betas[]",
     .type = RUNFILE_F64,
     .offset = 0,
     .min = 0,
     .max = 1,
     .list_offset = offsetof(struct config, betas),
     .list_stride = sizeof(double),
     .list_limit = 3,
     .count_offset = offsetof(struct config, n_betas)},
    {.path = "data.sources[].path", .type = RUNFILE_TEXT, SOURCE(path)},
    {.path = "data.sources[].weight", .type = RUNFILE_F64, .fallback = "1", SOURCE(weight)},
    {.path = "data.sources[].kind",
     .type = RUNFILE_CHOICE,
     .choices = "text image",
     .fallback = "text",
     SOURCE(kind)},
    {.path = "data.sources[].tiles",
     .type = RUNFILE_U64,
     .when = "data.sources[].kind=image",
     SOURCE(tiles)},
};
static const struct runfile_table table = {keys, sizeof keys / sizeof keys[0]};

static enum err parse(const char *text, struct arena *a, struct config *c)
{
    memset(c, 0, sizeof *c);
    return runfile_parse(text, strlen(text), "run.yaml", NULL, 0, &table, a, c);
}

static void test_good(struct arena *a)
{
    struct config c;
    CHECK_OK(parse("name: \"a \\\"b\\\" \\u00e9\"\n"
                   "model:\n"
                   "  layers: 12 # comment\n"
                   "  tied: true\n"
                   "train: {lr: 1.5e-3, betas: [0.9, 0.95]}\n"
                   "data:\n"
                   "  sources:\n"
                   "    - path: books\n"
                   "    - {path: 'web', weight: 0.25}\n"
                   "    - path: null.img\n"
                   "      kind: image\n"
                   "      tiles: 7\n",
                   a, &c));
    CHECK_TEXT(c.name, "a \"b\" \xc3\xa9");
    CHECK(c.n_layers == 12 && c.width == 64 && c.kind == KIND_GPT && c.tied);
    CHECK(c.lr == 1.5e-3 && c.decay == 0 && c.n_betas == 2 && c.betas[1] == 0.95);
    CHECK(c.n_sources == 3 && c.sources[1].weight == 0.25 && c.sources[2].tiles == 7);
    CHECK_TEXT(c.sources[0].path, "books");
    CHECK(c.sources[0].weight == 1 && c.sources[0].kind == 0 && c.sources[2].kind == 1);

    CHECK_OK(
        parse("---\nmodel: {kind: vision, layers: 1, image: {size: 18446744073709551615}}\n...\n",
              a, &c));
    CHECK(c.kind == KIND_VISION && c.image_size == UINT64_MAX && c.n_sources == 0);
    CHECK_OK(parse("name: 'true'\nmodel: {layers: 1}\ndata: {sources: []}\n", a, &c));
    CHECK_TEXT(c.name, "true");
    CHECK_OK(parse("\xef\xbb\xbfmodel:\r\n  layers: 3\r\n", a, &c)); // byte order mark, CRLF
    CHECK(c.n_layers == 3);
}

static const struct {
    const char *text, *line;
} bad[] = {
    {"", "run.yaml: the file is empty"},
    {"# nothing\n", "run.yaml: the file is empty"},
    {"---\n", "run.yaml:2: expected lines of the form key: value"},
    {"- a\n", "run.yaml:1: expected lines of the form key: value"},
    {"text\n", "run.yaml:1: expected lines of the form key: value"},
    {"name: x\n", "run.yaml: missing key 'model.layers', a whole number from 1 to 1000"},
    {"name: x\nmodel:\n  width: 3\n",
     "run.yaml:2: missing key 'model.layers', a whole number from 1 to 1000"},
    {"model:\n  layers: 3\n  layrs: 4\n",
     "run.yaml:3: unknown key 'model.layrs'; did you mean 'model.layers'?"},
    {"model:\n  layers: 3\nlr: 4\n", "run.yaml:3: unknown key 'lr'; did you mean 'train.lr'?"},
    {"learning_rate: 4\n", "run.yaml:1: unknown key 'learning_rate'; did you mean 'train.lr'?"},
    {"train:\n  learning_rte: 4\n",
     "run.yaml:2: unknown key 'train.learning_rte'; did you mean 'train.lr'?"},
    {"modle:\n  layers: 3\n", "run.yaml:1: unknown key 'modle'; did you mean 'model'?"},
    {"zzzzzzzz: 1\n", "run.yaml:1: unknown key 'zzzzzzzz'"},
    {"zzzzzzzz: {}\n", "run.yaml:1: unknown key 'zzzzzzzz'"},
    {"model: {layers: 3, 'wid\\nth': 1}\n",
     "run.yaml:1: unknown key 'model.wid\\nth'; did you mean 'model.width'?"},
    {"model: {layers: 3, \"wid\\nth\": 1}\n",
     "run.yaml:1: unknown key 'model.wid?th'; did you mean 'model.width'?"},
    {"model:\n  layers: 3\n  layers: 4\n",
     "run.yaml:3: key 'model.layers' is already at run.yaml:2"},
    {"model: {layers: 3}\nname: x\nmodel: {width: 3}\n",
     "run.yaml:3: key 'model' is already at run.yaml:1"},
    {"model.layers: 3\n",
     "run.yaml:1: key 'model.layers' may not contain . [ ] or =; nest it instead"},
    {"model: {layers: 5.5}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '5.5'"},
    {"model: {layers: 1_000}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '1_000'"},
    {"model: {layers: 010}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '010'"},
    {"model: {layers: 0x10}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '0x10'"},
    {"model: {layers: +5}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '+5'"},
    {"model: {layers: -5}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '-5'"},
    {"model: {layers: 1e2}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '1e2'"},
    {"model: {layers: 0}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '0'"},
    {"model: {layers: 1001}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '1001'"},
    {"model: {layers: 1, width: 18446744073709551616}\n",
     "run.yaml:1: 'model.width' must be a whole number from 1, not '18446744073709551616'"},
    {"model: {layers: \"5\"}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, without quotes"},
    {"model:\n  layers:\n  width: 3\n",
     "run.yaml:2: 'model.layers' must be a whole number from 1 to 1000, not ''"},
    {"model: {layers: ~}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not '~'"},
    {"model: {layers: [3]}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not a list"},
    {"model: {layers: {a: 3}}\n",
     "run.yaml:1: 'model.layers' must be a whole number from 1 to 1000, not a group of keys"},
    {"train: {lr: 3e-4x}\n", "run.yaml:1: 'train.lr' must be a number from 0 to 10, not '3e-4x'"},
    {"train: {lr: nan}\n", "run.yaml:1: 'train.lr' must be a number from 0 to 10, not 'nan'"},
    {"train: {lr: .inf}\n", "run.yaml:1: 'train.lr' must be a number from 0 to 10, not '.inf'"},
    {"train: {decay: 1e9999}\n", "run.yaml:1: 'train.decay' must be a number, not '1e9999'"},
    {"train: {decay: 1e-9999}\n", "run.yaml:1: 'train.decay' must be a number, not '1e-9999'"},
    {"train: {decay: 1.}\n", "run.yaml:1: 'train.decay' must be a number, not '1.'"},
    {"train: {decay: .5}\n", "run.yaml:1: 'train.decay' must be a number, not '.5'"},
    {"train: {lr: -1}\n", "run.yaml:1: 'train.lr' must be a number from 0 to 10, not '-1'"},
    {"train: {lr: '1'}\n", "run.yaml:1: 'train.lr' must be a number from 0 to 10, without quotes"},
    {"model: {tied: maybe}\n", "run.yaml:1: 'model.tied' must be true or false, not 'maybe'"},
    {"model: {tied: yes}\n", "run.yaml:1: 'model.tied' must be true or false, not 'yes'"},
    {"model: {tied: True}\n", "run.yaml:1: 'model.tied' must be true or false, not 'True'"},
    {"model: {tied: 'true'}\n", "run.yaml:1: 'model.tied' must be true or false, without quotes"},
    {"model: {kind: gtp}\n",
     "run.yaml:1: 'model.kind' must be one of: gpt vision clip clips, not 'gtp'"},
    {"model: {kind: gpt vision}\n",
     "run.yaml:1: 'model.kind' must be one of: gpt vision clip clips, not 'gpt vision'"},
    {"model: {kind: ''}\n",
     "run.yaml:1: 'model.kind' must be one of: gpt vision clip clips, not ''"},
    {"name:\nmodel: {layers: 1}\n",
     "run.yaml:1: 'name' must be a text; write \"\" for an empty one"},
    {"name: null\n", "run.yaml:1: 'name' must be a text; write \"\" for an empty one"},
    {"name: a\n  b\n", "run.yaml:1: a text over several lines needs quotes"},
    {"name: \"a\\0b\"\n", "run.yaml:1: a NUL byte in a text"},
    {"name: {a: 1}\n", "run.yaml:1: 'name' must be a text, not a group of keys"},
    {"model: 3\n", "run.yaml:1: 'model' must be a group of keys, not a value"},
    {"model:\nname: x\n", "run.yaml:1: 'model' must be a group of keys, not a value"},
    {"model: [3]\n", "run.yaml:1: 'model' must be a group of keys, not a list"},
    {"model: {layers: 1, image: {size: 3}}\n",
     "run.yaml:1: key 'model.image.size' is only valid with model.kind=vision|clip"},
    {"model: {layers: 1, kind: clips, image: {size: 3}}\n",
     "run.yaml:1: key 'model.image.size' is only valid with model.kind=vision|clip"},
    {"model:\n  layers: 1\n  kind: clip\n",
     "run.yaml:1: missing key 'model.image.size', a whole number"},
    {"data: {sources: books}\n", "run.yaml:1: 'data.sources' must be a list, not a value"},
    {"data: {sources: {path: x}}\n",
     "run.yaml:1: 'data.sources' must be a list, not a group of keys"},
    {"data:\n  sources:\n    - books\n",
     "run.yaml:3: 'data.sources[0]' must be a group of keys, not a value"},
    {"model: {layers: 1}\ndata:\n  sources:\n    - path: x\n    - weight: 2\n",
     "run.yaml:5: missing key 'data.sources[1].path', a text"},
    {"data:\n  sources:\n    - path: x\n      wieght: 2\n",
     "run.yaml:4: unknown key 'data.sources[0].wieght'; did you mean 'data.sources[].weight'?"},
    {"model: {layers: 1}\ndata: {sources: [{path: a, kind: image}]}\n",
     "run.yaml:2: missing key 'data.sources[0].tiles', a whole number"},
    {"model: {layers: 1}\ndata: {sources: [{path: a, tiles: 3}]}\n",
     "run.yaml:2: key 'data.sources[0].tiles' is only valid with data.sources[].kind=image"},
    {"data: {sources: [{path: a}, {path: a}, {path: a}, {path: a}, {path: a}]}\n",
     "run.yaml:1: 'data.sources' has more than 4 elements"},
    {"train: {betas: [0.9, 2]}\n",
     "run.yaml:1: 'train.betas[1]' must be a number from 0 to 1, not '2'"},
    {"train: {betas: [[0.9]]}\n",
     "run.yaml:1: 'train.betas[0]' must be a number from 0 to 1, not a list"},
    {"model: {layers: 1}\n---\nmodel: {layers: 2}\n",
     "run.yaml:2: a second document begins; one is expected"},
    {"model: &m {layers: 1}\n", "run.yaml:1: anchors and aliases are not supported (&m)"},
    {"name: *m\n", "run.yaml:1: anchors and aliases are not supported (*m)"},
    {"name: !!str x\n", "run.yaml:1: tags are not supported (tag:yaml.org,2002:str)"},
    {"name: ! x\n", "run.yaml:1: tags are not supported (!)"},
    {"%YAML 1.1\n---\nname: x\n", "run.yaml:1: YAML directives are not supported"},
    {"? {a: b}\n: c\n", "run.yaml:1: a key must be a word"},
    {"\"\": 1\n", "run.yaml:1: empty key"},
    {"a: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}\n", "run.yaml:1: nested deeper than 8 levels"},
    {"a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}\n", "run.yaml:1: unknown key 'a'"},
    {"model:\n\tlayers: 3\n", "run.yaml:2: found character that cannot start any token"},
    {"model: {layers: 3\n", "run.yaml:2: did not find expected ',' or '}'"},
    {"name: \"x\n", "run.yaml:2: found unexpected end of stream"},
    {"name: x\n  y: z\n", "run.yaml:1: a text over several lines needs quotes"},
    {"model: gpt: x\n", "run.yaml:1: mapping values are not allowed in this context"},
    {"name: \xff\n", "run.yaml: byte 6: invalid leading UTF-8 octet"},
    {"name: \x01\n", "run.yaml: byte 6: control characters are not allowed"},
};

static void test_bad(struct arena *a)
{
    struct config c;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        enum err e = parse(bad[i].text, a, &c);
        if (e != ERR_CONFIG) printf("case %zu: %s", i, bad[i].text);
        CHECK(e == ERR_CONFIG);
        CHECK_LINE(bad[i].line);
    }
    memset(&c, 0, sizeof c);
    CHECK_ERR(runfile_parse("name: \0x\n", 9, "run.yaml", NULL, 0, &table, a, &c), ERR_CONFIG);
    CHECK_LINE("run.yaml: byte 6: a NUL byte");
    CHECK_ERR(runfile_read("absent.yaml", NULL, 0, &table, a, &c), ERR_IO);
    CHECK_LINE("open absent.yaml: No such file or directory");
}

static enum err parse_set(const char *override, struct arena *a, struct config *c)
{
    static const char text[] = "model: {layers: 2}\ndata: {sources: [{path: x}]}\n";
    memset(c, 0, sizeof *c);
    return runfile_parse(text, sizeof text - 1, "run.yaml", &override, 1, &table, a, c);
}

static void test_set(struct arena *a)
{
    struct config c;
    CHECK_OK(parse_set("model.layers=5", a, &c));
    CHECK(c.n_layers == 5);
    CHECK_OK(parse_set("train.lr=0.5", a, &c));
    CHECK(c.lr == 0.5);
    CHECK_OK(parse_set("name=a=b", a, &c));
    CHECK_TEXT(c.name, "a=b");
    CHECK_OK(parse_set("name=", a, &c));
    CHECK_TEXT(c.name, "");
    CHECK_OK(parse_set("data.sources[0].weight=2", a, &c));
    CHECK(c.sources[0].weight == 2);
    CHECK_OK(parse_set("data.sources[1].path=y", a, &c));
    CHECK(c.n_sources == 2 && c.sources[1].weight == 1);
    CHECK_TEXT(c.sources[1].path, "y");
    CHECK_OK(parse_set("train.betas[0]=0.5", a, &c));
    CHECK(c.n_betas == 1);

    static const struct {
        const char *override, *line;
    } cases[] = {
        {"model.layers", "--set model.layers: expected key=value"},
        {"=3", "--set =3: expected key=value"},
        {"model.layers=x",
         "--set model.layers=x: 'model.layers' must be a whole number from 1 to 1000, not 'x'"},
        {"model.layrs=3",
         "--set model.layrs=3: unknown key 'model.layrs'; did you mean 'model.layers'?"},
        {"model=3", "--set model=3: 'model' holds several keys; set one of them"},
        {"data.sources[2].path=z",
         "--set data.sources[2].path=z: 'data.sources' has only 1 elements"},
        {"data.sources[x].path=z",
         "--set data.sources[x].path=z: a list index is written [0], [1], ..."},
        {"data.sources[].path=z",
         "--set data.sources[].path=z: a list index is written [0], [1], ..."},
        {"name=\xff", "--set name=\xff: 'name' must be a text in UTF-8"},
        {"model.image.size=3",
         "--set model.image.size=3: key 'model.image.size' is only valid with "
         "model.kind=vision|clip"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK_ERR(parse_set(cases[i].override, a, &c), ERR_CONFIG);
        CHECK_LINE(cases[i].line);
    }
}

static void check_round_trip(const struct config *c, struct arena *a)
{
    struct config again = {0};
    const char *printed = runfile_print(&table, c, a);
    enum err e = runfile_parse(printed, strlen(printed), "printed", NULL, 0, &table, a, &again);
    if (e != OK) printf("%s", printed);
    CHECK_OK(e);
    CHECK_TEXT(runfile_print(&table, &again, a), printed);
    CHECK_TEXT(again.name, c->name);
    CHECK(again.n_layers == c->n_layers && again.width == c->width && again.kind == c->kind);
    CHECK(again.lr == c->lr && again.decay == c->decay && again.tied == c->tied);
    CHECK(c->kind == KIND_GPT || c->kind == KIND_CLIPS || again.image_size == c->image_size);
    CHECK(again.n_sources == c->n_sources && again.n_betas == c->n_betas);
    for (size_t i = 0; i < c->n_sources; i++) {
        const struct source *x = &c->sources[i], *y = &again.sources[i];
        CHECK_TEXT(y->path, x->path);
        CHECK(x->weight == y->weight && x->kind == y->kind);
        CHECK(x->kind == 0 || x->tiles == y->tiles);
    }
    for (size_t i = 0; i < c->n_betas; i++)
        CHECK(again.betas[i] == c->betas[i]);
}

// Text of random characters, of every length of UTF-8, many of them special in YAML.
static const char *random_text(uint64_t key, uint64_t i, struct arena *a)
{
    static const char *const pieces[] = {
        "a",        " ",        "\n",       "\t",           "\"",           "\\",
        "'",        "#",        ": ",       "- ",           "\x01",         "\x7f",
        "\xc2\x85", "\xc2\xa0", "\xc3\xa9", "\xe2\x80\xa8", "\xef\xbb\xbf", "\xf0\x9f\x98\x80",
        "%",        "null"};
    char *text = arena_strdup(a, "");
    for (uint64_t n = rng_u64(key, i, 0) % 8; n > 0; n--)
        text = arena_printf(a, "%s%s", text,
                            pieces[rng_u64(key, i, n) % (sizeof pieces / sizeof pieces[0])]);
    return text;
}

static void test_round_trip(uint64_t seed, struct arena *a)
{
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t key = seed + 1000 * i;
        struct config c = {.name = random_text(key, 1, a),
                           .n_layers = 1 + rng_u64(key, 2, 0) % 1000,
                           .width = 1 + (rng_u64(key, 2, 1) >> 12),
                           .image_size = rng_u64(key, 2, 2),
                           .kind = (int)(rng_u64(key, 2, 3) % 4),
                           .lr = (double)rng_uniform(key, 2, 4) * 10,
                           .decay = (double)rng_normal(key, 2, 5) * 1e-30,
                           .tied = rng_u64(key, 2, 6) % 2,
                           .n_sources = rng_u64(key, 2, 7) % 5,
                           .n_betas = rng_u64(key, 2, 8) % 4};
        for (size_t k = 0; k < c.n_sources; k++)
            c.sources[k] = (struct source){.path = random_text(key, 3 + k, a),
                                           .weight = (double)rng_uniform(key, 3 + k, 100) / 3,
                                           .kind = (int)(rng_u64(key, 3 + k, 101) % 2),
                                           .tiles = rng_u64(key, 3 + k, 102)};
        for (size_t k = 0; k < c.n_betas; k++)
            c.betas[k] = (double)rng_uniform(key, 9, k);
        check_round_trip(&c, a);
    }
}

static void test_print(struct arena *a)
{
    struct config c;
    CHECK_OK(
        parse("model: {layers: 2}\ntrain: {betas: [0.5]}\ndata: {sources: [{path: x}]}\n", a, &c));
    CHECK_TEXT(runfile_print(&table, &c, a), "name: \"\"\n"
                                             "model:\n"
                                             "  kind: gpt # which (gpt vision clip clips)\n"
                                             "  layers: 2 # a number: [1, 2] # or so\n"
                                             "  width: 64\n"
                                             "  tied: false\n"
                                             "train:\n"
                                             "  lr: 0.0003\n"
                                             "  decay: 0\n"
                                             "  betas:\n"
                                             "    - 0.5\n"
                                             "data:\n"
                                             "  sources:\n"
                                             "    - path: \"x\"\n"
                                             "      weight: 1\n"
                                             "      kind: text\n");
}

// Broken files never crash, and what is accepted can be printed and read again.
static void test_mutants(uint64_t seed)
{
    static const char good[] = "name: \"x\"\nmodel:\n  layers: 12\n  kind: vision\n  image:\n"
                               "    size: 3\ntrain: {lr: 1.5e-3, betas: [0.9, 0.95]}\ndata:\n"
                               "  sources:\n    - path: books\n    - {path: 'web', weight: 0.25}\n";
    static const char alphabet[] = "\n\n  :-[]{}#'\"0123456789.eax,&*!|>%\t\\\x80";
    struct arena a;
    arena_init(&a, "mutants");
    int n_accepted = 0;
    for (uint64_t i = 0; i < 3000; i++) {
        char text[sizeof good];
        memcpy(text, good, sizeof good);
        for (uint64_t n = 1 + rng_u64(seed, i, 0) % 3; n > 0; n--)
            text[rng_u64(seed, i, 2 * n) % (sizeof good - 1)] =
                alphabet[rng_u64(seed, i, 2 * n + 1) % (sizeof alphabet - 1)];
        struct config c;
        enum err e = parse(text, &a, &c);
        CHECK(e == OK || (e == ERR_CONFIG && strncmp(err_line(), "run.yaml:", 9) == 0));
        CHECK(e == OK || strpbrk(err_line(), "\n\r") == NULL);
        if (e == OK) check_round_trip(&c, &a);
        n_accepted += e == OK;
        arena_reset(&a);
    }
    CHECK(n_accepted > 100 && n_accepted < 2900);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    test_good(&a);
    test_bad(&a);
    test_set(&a);
    test_print(&a);
    test_round_trip(seed, &a);
    test_mutants(seed);
    arena_fini(&a);
    return 0;
}
