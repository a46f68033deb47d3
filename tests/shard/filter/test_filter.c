#include "shard/filter/filter.h"

#include <math.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/grow.h"
#include "base/rng.h"
#include "shard/filter/filter_grams.h"
#include "shard/filter/filter_text.h"
#include "tests/check.h"

// A filter with what it needs to judge one text after another.
struct bench {
    struct arena a;
    struct filter *f;
    struct filter_scratch *s;
    struct filter_verdict v;
};

static void begin(struct bench *b, const char *profile, char *const *overrides, size_t n)
{
    arena_init(&b->a, "test filter");
    const struct filter_options options = {profile, overrides, n};
    CHECK_OK(filter_open(&options, &b->a, &b->f));
    b->s = filter_scratch_open(&b->a);
}

static void end(struct bench *b)
{
    filter_scratch_close(b->s);
    arena_fini(&b->a);
}

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static void judge(struct bench *b, struct span text)
{
    const struct filter_page page = {.text = text, .language = "en", .language_score = 1};
    CHECK_OK(filter_judge(b->f, b->s, &page, &b->a, &b->v));
    CHECK_EQ(b->v.n_scores, filter_n_scores(b->f));
    CHECK_EQ(filter_ask(b->f, b->v.scores), b->v.rule);
    for (size_t i = 0; i < b->v.n_scores; i++)
        CHECK(isfinite(b->v.scores[i]));
}

static void check_rule(const struct bench *b, const char *expected)
{
    CHECK_TEXT(b->v.rule < 0 ? "kept" : filter_rule(b->f, (size_t)b->v.rule)->name, expected);
}

static void check_score(const struct bench *b, const char *name, double expected)
{
    for (size_t i = 0; i < filter_n_scores(b->f); i++) {
        if (strcmp(filter_score_name(b->f, i), name) != 0) continue;
        const float score = b->v.scores[i];
        if (score != (float)expected)
            check_failed(__FILE__, __LINE__, "%s is %.9g, expected %.9g", name, (double)score,
                         expected);
        return;
    }
    check_failed(__FILE__, __LINE__, "no score %s", name);
}

static void check_line_dropped(const struct bench *b, const char *name, uint32_t expected)
{
    for (size_t i = 0; i < filter_n_line_rules(b->f); i++)
        if (strcmp(filter_line_rule(b->f, i)->name, name) == 0) {
            CHECK_EQ(b->v.lines_dropped[i], expected);
            return;
        }
    check_failed(__FILE__, __LINE__, "no rule of lines %s", name);
}

static void test_profiles(void)
{
    for (size_t i = 0; filter_profile_name(i); i++) {
        struct bench b;
        begin(&b, filter_profile_name(i), NULL, 0);
        CHECK(filter_n_scores(b.f) <= FILTER_SCORE_LIMIT);
        CHECK(filter_n_line_rules(b.f) <= FILTER_LINE_RULE_LIMIT);
        for (size_t k = 0; k < filter_n_rules(b.f); k++) {
            const struct filter_rule *r = filter_rule(b.f, k);
            CHECK_TEXT(filter_score_name(b.f, r->score_idx), r->score);
        }
        judge(&b, span_of("One line."));
        end(&b);
    }
}

static void test_edges(void)
{
    struct bench b;
    begin(&b, "fineweb", NULL, 0);
    judge(&b, span_of(""));
    check_rule(&b, "gopher_empty");
    CHECK_EQ(b.v.text.n_bytes, 0);
    judge(&b, (struct span){NULL, 0});
    check_rule(&b, "gopher_empty");
    judge(&b, span_of("word"));
    check_rule(&b, "gopher_words_min");
    check_score(&b, "words", 1);
    check_score(&b, "word_length", 4);
    check_score(&b, "top_2_gram", 0);
    judge(&b, span_of("... ?! \xE3\x80\x82 - ( )"));
    check_score(&b, "words", 0);
    check_score(&b, "alphabetic_words", 0);
    judge(&b, span_of(" \n\n \t \n"));
    check_score(&b, "lines", 0);
    judge(&b,
          span_of("\xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82\n\xE4\xB8\xAD\xE6\x96\x87\xE3\x80\x82"));
    check_score(&b, "characters", 7);
    check_score(&b, "duplicate_line_characters", 3.0 / 7);
    judge(&b, span_of("a\xFF\xC3\x28\xE2\x82 b\xF0\x9F\x98"));
    check_score(&b, "characters", 8);
    check_score(&b, "words", 6);
    end(&b);
}

static void test_lines(void)
{
    struct bench b;
    begin(&b, "c4-paper", NULL, 0);
    judge(
        &b,
        span_of("  A line of words.[1] \r\nno end here at all\nToo few.\nPlease enable JavaScript "
                "for this.\vWe have a Privacy Policy here.\n\"It goes on...\n[citation needed]It "
                "is 'right'\xE2\x80\xA8He said: so? Yes! No.\n"));
    CHECK_EQ(b.v.text.n_bytes, strlen("A line of words.\nIt is 'right'\nHe said: so? Yes! No."));
    CHECK(memcmp(b.v.text.data, "A line of words.\nIt is 'right'\nHe said: so? Yes! No.",
                 b.v.text.n_bytes) == 0);
    check_line_dropped(&b, "c4_line_end", 2);
    check_line_dropped(&b, "c4_line_words", 1);
    check_line_dropped(&b, "c4_line_javascript", 1);
    check_line_dropped(&b, "c4_line_policy", 1);
    check_score(&b, "sentences", 5);
    check_rule(&b, "kept");
    judge(&b, span_of("One is it. Two is it. Three is it. Four is it. Lorem ipsum { is it."));
    check_rule(&b, "c4_lorem_ipsum");
    check_score(&b, "curly_bracket_lines", 1);
    judge(&b, span_of("Some lorem [1]ipsum.\nThe java[2]script of it.\nUse coo[edit]kies for it."));
    check_score(&b, "lorem_ipsum_lines", 1);
    check_line_dropped(&b, "c4_line_javascript", 1);
    check_line_dropped(&b, "c4_line_policy", 1);
    end(&b);
    begin(&b, "c4-tfds", NULL, 0);
    judge(&b,
          span_of("He wrote of 'these words'\nOne two three four [1].\nOne two three four five."));
    check_line_dropped(&b, "c4_line_end", 1);
    check_line_dropped(&b, "c4_line_words", 0);
    end(&b);
}

static void test_overrides(void)
{
    char *const overrides[] = {(char[]){"gopher_words_min=2"}, (char[]){"language=de,fr"},
                               (char[]){"characters_max=30"}};
    struct bench b;
    begin(&b, "none", overrides, 3);
    CHECK_EQ(filter_n_line_rules(b.f), 0);
    CHECK_EQ(filter_n_rules(b.f), 3);
    const struct filter_page page = {.text = span_of("to the end of it"), .language = "de"};
    CHECK_OK(filter_judge(b.f, b.s, &page, &b.a, &b.v));
    check_rule(&b, "kept");
    judge(&b, span_of("to the end of all the words that there are"));
    check_rule(&b, "language");
    judge(&b, span_of("to"));
    check_rule(&b, "gopher_words_min");
    end(&b);
    char *const changed[] = {(char[]){"gopher_words_min=off"}, (char[]){"gopher_stop_words=9"}};
    begin(&b, "gopher", changed, 2);
    judge(&b, span_of("all sorts of things are said to be the end"));
    check_score(&b, "stop_words", 4);
    CHECK(!filter_rule_passes(b.f, filter_n_rules(b.f) - 1, b.v.scores));
    for (size_t i = 0; i < filter_n_rules(b.f); i++)
        CHECK(strcmp(filter_rule(b.f, i)->name, "gopher_words_min") != 0);
    end(&b);
}

static void check_refused(const char *profile, char *override, const char *line)
{
    struct arena a;
    arena_init(&a, "test filter");
    struct filter *f;
    const struct filter_options options = {profile, &override, override != NULL};
    CHECK_ERR(filter_open(&options, &a, &f), ERR_USAGE);
    CHECK_LINE(line);
    arena_fini(&a);
}

static void test_refused(void)
{
    check_refused("finewep", NULL, "no profile 'finewep'; did you mean 'fineweb'?");
    check_refused("gopher", (char[]){"gopher_word_min=3"},
                  "no rule 'gopher_word_min'; did you mean 'gopher_words_min'?");
    check_refused("gopher", (char[]){"gopher_words_min=many"},
                  "gopher_words_min=many: the threshold is a number, or off");
    check_refused("gopher", (char[]){"gopher_words_min"},
                  "'gopher_words_min' is not rule=threshold");
    check_refused("gopher", (char[]){"c4_bad_words=1"},
                  "c4_bad_words needs the list: badwords=FILE");
}

static void write_list(const char *path, const char *list)
{
    CHECK_OK(file_replace(path, list, strlen(list)));
}

static void test_bad_words(void)
{
    char path[] = "/tmp/test_filter_XXXXXX", option[64];
    const int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_OK(file_close(fd, path));
    snprintf(option, sizeof option, "badwords=%s", path);
    char *const overrides[] = {option};
    const struct filter_options options = {"none", overrides, 1};
    struct arena a;
    arena_init(&a, "test filter");
    struct filter *f;
    write_list(path, " \n\n");
    CHECK_ERR(filter_open(&options, &a, &f), ERR_DATA);
    arena_fini(&a);
    write_list(path, "bad\n two words \nx\n\xC3\xBC");
    struct bench b;
    begin(&b, "none", overrides, 1);
    judge(&b, span_of("badly not_bad, TwoWords two  words xx"));
    check_score(&b, "bad_words", 0);
    check_rule(&b, "kept");
    judge(&b, span_of("BAD,two Words\nX \xC3\x9C bad"));
    check_score(&b, "bad_words", 5);
    check_rule(&b, "c4_bad_words");
    const struct filter_page page = {.text = span_of("notbad"), .language = "ja"};
    CHECK_OK(filter_judge(b.f, b.s, &page, &b.a, &b.v));
    check_score(&b, "bad_words", 1);
    end(&b);
    CHECK_OK(file_remove_tree(path));
}

static void test_given_words(void)
{
    const uint32_t starts[] = {0, 4, 9}, ends[] = {3, 8, 12}, bad_ends[] = {3, 8, 13};
    const uint32_t line_words[] = {3}, line_sentences[] = {7};
    struct filter_words words = {starts, ends, 3, line_words, line_sentences, 1};
    struct bench b;
    begin(&b, "fineweb", NULL, 0);
    const struct filter_page page = {.text = span_of("one two. 3 4"), .words = &words};
    CHECK_OK(filter_judge(b.f, b.s, &page, &b.a, &b.v));
    check_score(&b, "words", 3);
    check_score(&b, "sentences", 7);
    words.ends = bad_ends;
    CHECK_ERR(filter_judge(b.f, b.s, &page, &b.a, &b.v), ERR_DATA);
    CHECK_LINE("word 2: bytes 9 to 13 do not follow 8 in a text of 12, or cut a character");
    words.ends = ends;
    const struct filter_page cut = {.text = span_of("one two\xC3\xA9 3 4"), .words = &words};
    CHECK_ERR(filter_judge(b.f, b.s, &cut, &b.a, &b.v), ERR_DATA);
    words.n_lines = 0;
    CHECK_ERR(filter_judge(b.f, b.s, &page, &b.a, &b.v), ERR_DATA);
    end(&b);
}

// 64 MiB of one word; 8 MiB of words, of lines, of brackets, of emoji.
static void test_huge(void)
{
    enum { HUGE_BYTES = 64 << 20 };
    static const char *const units[] = {"x", "ab ", "ab\n", "(", "\xF0\x9F\x98\x80"};
    uint8_t *text = NULL;
    size_t capacity = 0;
    CHECK_OK(grow_array(&text, &capacity, HUGE_BYTES, 1));
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        const size_t n = strlen(units[u]), n_units = (u == 0 ? HUGE_BYTES : HUGE_BYTES / 8) / n;
        for (size_t i = 0; i < n_units; i++)
            memcpy(text + i * n, units[u], n);
        struct bench b;
        begin(&b, "fineweb", NULL, 0);
        judge(&b, (struct span){text, n_units * n});
        CHECK(b.v.rule >= 0);
        end(&b);
    }
    grow_free(text);
}

// Runs of words the slow way: every pair of runs is compared.
enum { RUN_BYTES = 256 };

struct runs {
    const char *const *words; // [n_words]
    size_t n_words;
};

static size_t join(const struct runs *r, size_t first, size_t n, const char *between, char *out)
{
    size_t n_bytes = 0;
    for (size_t i = first; i < first + n; i++)
        n_bytes += (size_t)snprintf(out + n_bytes, RUN_BYTES - n_bytes, "%s%s",
                                    i > first ? between : "", r->words[i]);
    return n_bytes;
}

static bool runs_equal(const struct runs *r, size_t a, size_t b, size_t n, const char *between)
{
    char x[RUN_BYTES], y[RUN_BYTES];
    (void)join(r, a, n, between, x);
    (void)join(r, b, n, between, y);
    return strcmp(x, y) == 0;
}

static uint64_t slow_top(const struct runs *r, size_t n)
{
    uint64_t best = 0, count_of_best = 0;
    char text[RUN_BYTES];
    for (size_t i = 0; i + n <= r->n_words; i++) {
        uint64_t count = 0;
        for (size_t k = 0; k + n <= r->n_words; k++)
            count += runs_equal(r, i, k, n, " ");
        if (count <= count_of_best) continue;
        count_of_best = count;
        best = join(r, i, n, " ", text) * count;
    }
    return best;
}

static uint64_t slow_duplicate(const struct runs *r, size_t n)
{
    size_t seen[512], n_seen = 0;
    uint64_t sum = 0;
    char text[RUN_BYTES];
    for (size_t i = 0; i + n <= r->n_words;) {
        bool before = false;
        for (size_t k = 0; k < n_seen; k++)
            before |= runs_equal(r, i, seen[k], n, "");
        if (before) sum += join(r, i, n, "", text);
        if (!before) seen[n_seen++] = i;
        i += before ? n : 1;
    }
    return sum;
}

static void check_grams(struct filter_grams *g, struct filter_tokens *t, const struct runs *r)
{
    filter_tokens_begin(t);
    for (size_t i = 0; i < r->n_words; i++)
        CHECK_OK(filter_tokens_take(t, span_of(r->words[i])));
    struct filter_gram_sums sums;
    CHECK_OK(filter_grams_measure(g, t, &sums));
    for (size_t n = FILTER_TOP_MIN; n <= FILTER_TOP_MAX; n++)
        CHECK_EQ(sums.top[n], slow_top(r, n));
    for (size_t n = FILTER_DUPLICATE_MIN; n <= FILTER_DUPLICATE_MAX; n++)
        CHECK_EQ(sums.duplicate[n], slow_duplicate(r, n));
}

static void test_grams(uint64_t seed)
{
    static const char *const vocabulary[] = {"a", "b", "ab", "ba", "abc", "c"};
    const uint64_t key = rng_key(seed, "grams");
    struct arena a;
    arena_init(&a, "test grams");
    struct filter_tokens t = {0};
    filter_tokens_use(&t, filter_characters_build(&a), NULL);
    struct filter_grams g = {0};
    for (uint64_t k = 0; k < 60; k++) {
        const char *words[80];
        const struct runs r = {words, (size_t)(rng_u64(key, k, 0) % 80)};
        const uint64_t n_different = 1 + rng_u64(key, k, 1) % 6;
        for (size_t i = 0; i < r.n_words; i++)
            words[i] = vocabulary[rng_u64(key, k, 2 + i) % n_different];
        check_grams(&g, &t, &r);
    }
    filter_grams_fini(&g);
    filter_tokens_fini(&t);
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    test_profiles();
    test_edges();
    test_lines();
    test_overrides();
    test_refused();
    test_bad_words();
    test_given_words();
    test_grams(seed);
    test_huge();
    return 0;
}
