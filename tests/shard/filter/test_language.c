// Languages by CLD2, and damaged fastText models: each is refused with a line, or predicts shares.
// With --lines MODEL ("-" = CLD2), labels standard input line by line (labels_parity.py).
#include "shard/filter/language.h"

#include "base/little.h"
#include "base/rng.h"
#include "base/text.h"
#include "shard/filter/fasttext.h"
#include "tests/check.h"

static struct arena a;

static struct span of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static void label_lines(const char *model)
{
    struct language *l;
    CHECK_OK(language_open(strcmp(model, "-") == 0 ? NULL : model, &a, &l));
    struct arena scratch;
    arena_init(&scratch, "scratch");
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t n; (n = getline(&line, &capacity, stdin)) > 0;) {
        struct language_label label;
        const struct span text = {(const uint8_t *)line, (size_t)n - (line[n - 1] == '\n')};
        language_detect(l, text, &scratch, &label);
        printf("%s %.6f\n", label.code, (double)label.score);
        arena_reset(&scratch);
    }
    arena_fini(&scratch);
}

static void check_cld2(void)
{
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"The weather was fine, and we went for a long walk along the river before dinner.", "en"},
        {"Das Wetter war schoen, und wir gingen vor dem Essen noch lange am Fluss spazieren.",
         "de"},
        {"Il faisait beau, et nous avons longtemps march\xc3\xa9 le long de la rivi\xc3\xa8re.",
         "fr"},
        {"El tiempo era bueno y dimos un largo paseo junto al r\xc3\xado antes de cenar.", "es"},
        {"The weather was \xff\xfe fine, and we went for a long walk along the river \xc0 today.",
         "en"},
        {"", "un"},
        {"\xff\xff\xff", "un"}};
    struct language *l;
    CHECK_OK(language_open(NULL, &a, &l));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct language_label label;
        language_detect(l, of(cases[i].text), &a, &label);
        CHECK_TEXT(label.code, cases[i].code);
        CHECK(label.score >= 0 && label.score <= 1);
    }
}

static void put_u32(struct text *t, uint32_t v)
{
    uint8_t bytes[4];
    little_put_u32(bytes, v);
    text_put(t, (const char *)bytes, 4);
}

static void put_u64(struct text *t, uint64_t v)
{
    put_u32(t, (uint32_t)v);
    put_u32(t, (uint32_t)(v >> 32));
}

static void put_float(struct text *t, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    put_u32(t, bits);
}

static void put_entry(struct text *t, const char *word, uint64_t count, bool label)
{
    text_put(t, word, strlen(word) + 1);
    put_u64(t, count);
    text_put(t, label ? "\1" : "\0", 1);
}

static void put_matrix(struct text *t, uint64_t n_rows, uint64_t n_columns, uint64_t key)
{
    text_put(t, "\0", 1);
    put_u64(t, n_rows);
    put_u64(t, n_columns);
    for (uint64_t i = 0; i < n_rows * n_columns; i++)
        put_float(t, rng_normal(key, n_rows, i));
}

/// A model of two words, three labels, dimension 4, eight buckets and pairs of words.
static struct span small_model(uint32_t loss)
{
    const uint32_t arguments[] = {793712314, 12, 4, 5, 1, 1, 5, 2, loss, 3, 8, 2, 3, 100};
    const uint64_t key = rng_key(7, "small model");
    struct text t;
    text_begin(&t, &a);
    for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++)
        put_u32(&t, arguments[i]);
    put_u64(&t, 0); // sampling threshold
    put_u32(&t, 5);
    put_u32(&t, 2);
    put_u32(&t, 3);
    put_u64(&t, 100);
    put_u64(&t, UINT64_MAX); // not pruned
    put_entry(&t, "</s>", 50, false);
    put_entry(&t, "river", 20, false);
    put_entry(&t, "__label__en", 30, true);
    put_entry(&t, "__label__de", 20, true);
    put_entry(&t, "__label__fr", 10, true);
    put_matrix(&t, 2 + 8, 4, key);
    put_matrix(&t, 3, 4, key);
    return (struct span){(const uint8_t *)t.data, t.n_bytes};
}

/// Shares of labels add up to 1: exactly for softmax, but for 1e-5 a node in the tree.
static void check_small_model(uint32_t loss)
{
    struct fasttext *f;
    float shares[3], sum = 0;
    CHECK_OK(fasttext_open_memory(small_model(loss), "small", &a, &f));
    CHECK_EQ(fasttext_n_labels(f), 3);
    CHECK_TEXT(fasttext_label(f, 2), "fr");
    fasttext_predict(f, of("the river\nruns"), &a, shares);
    for (int i = 0; i < 3; i++)
        sum += shares[i];
    CHECK(sum > 0.999F && sum < 1.001F);
}

static void check_damage(uint64_t seed, uint32_t loss)
{
    const uint64_t key = rng_key(seed, "damage");
    const struct span whole = small_model(loss);
    struct fasttext *f;
    float shares[16];
    for (size_t n = 0; n < whole.n_bytes; n++) {
        const struct span cut = {whole.data, n};
        CHECK_ERR(fasttext_open_memory(cut, "cut", &a, &f), ERR_DATA);
    }
    for (uint64_t i = 0; i < 5000; i++) {
        uint8_t *bytes = arena_alloc(&a, whole.n_bytes, 1);
        memcpy(bytes, whole.data, whole.n_bytes);
        const uint64_t at = rng_u64(key, loss, 2 * i) % 140; // arguments and dictionary
        bytes[at] ^= (uint8_t)(1 << rng_u64(key, loss, 2 * i + 1) % 8);
        const struct span damaged = {bytes, whole.n_bytes};
        if (fasttext_open_memory(damaged, "damaged", &a, &f) != OK) continue;
        CHECK(fasttext_n_labels(f) <= 16);
        fasttext_predict(f, of("a river"), &a, shares);
    }
}

int main(int argc, char **argv)
{
    arena_init(&a, "test_language");
    if (argc == 3 && strcmp(argv[1], "--lines") == 0) {
        label_lines(argv[2]);
    } else {
        const uint64_t seed = check_seed(argc, argv);
        check_cld2();
        check_small_model(1);
        check_small_model(3);
        check_damage(seed, 1);
        check_damage(seed, 3);
    }
    arena_fini(&a);
    return 0;
}
