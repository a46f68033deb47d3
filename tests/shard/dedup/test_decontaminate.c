// ranks: 1 3
// Which documents hold n-grams of evaluation files, where from, and the report over ranks.

#include <unistd.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/rng.h"
#include "shard/dedup/decontaminate.h"
#include "shard/dedup/decontaminate_report.h"
#include "shard/dedup/simplify.h"
#include "shard/dedup/word_grams.h"
#include "tests/check.h"

struct place {
    struct fabric *f;
    uint64_t seq;
    const char *folder; // of this rank
    struct arena *arena;
};

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static char *file_of(struct place *p, const char *name, const char *text)
{
    char *path = arena_printf(p->arena, "%s/%s", p->folder, name);
    CHECK_OK(file_replace(path, text, strlen(text)));
    return path;
}

static const struct decontaminate_index *index_of(struct place *p, char *path, size_t n_gram_words)
{
    const struct decontaminate_index *index = NULL;
    const struct decontaminate_options o = {&path, 1, n_gram_words, NULL, 0};
    CHECK_OK(decontaminate_open(&o, p->arena, &index));
    return index;
}

// "file:line: n-gram" of the hit without the folder, or "".
static const char *judged(struct place *p, const struct decontaminate_index *index,
                          const char *text)
{
    size_t n_words;
    struct decontaminate_hit hit;
    const struct span simple = simplify_text(span_of(text), p->arena);
    const struct span *words = word_grams_split(NULL, simple, p->arena, &n_words);
    if (!decontaminate_judge(index, words, n_words, p->arena, &hit)) return "";
    const struct span gram = decontaminate_gram(index, &hit);
    const struct span there =
        word_grams_at(words, hit.word, decontaminate_size(index).n_gram_words);
    CHECK(there.n_bytes == gram.n_bytes && memcmp(there.data, gram.data, gram.n_bytes) == 0);
    const char *item = decontaminate_item(index, hit.item, p->arena);
    return arena_printf(p->arena, "%s: %.*s", strrchr(item, '/') + 1, (int)gram.n_bytes, gram.data);
}

static void check_jsonl(struct place *p)
{
    char *path = file_of(p, "eval.jsonl",
                         "{\"id\": 7, \"question\": \"What is THE capital, of France?\", "
                         "\"choices\": {\"text\": [\"Lyon on the Rhone river\", \"Paris\"]}}\n"
                         "\n"
                         "{\"deep\": [{\"deeper\": {\"deepest\": \"one 2,5 three four five\"}}]}\n"
                         "\"a string of four\"\n"
                         "[\"too short\"]\n"
                         "{\"query\": \"ends with this\", \"label\": \"and goes on so\"}\n");
    const struct decontaminate_index *index = index_of(p, path, 4);
    const struct decontaminate_size size = decontaminate_size(index);
    CHECK_EQ(size.n_items, 5);
    CHECK_EQ(size.n_items_too_short, 1);
    CHECK_TEXT(judged(p, index, "so what is the capital"), "eval.jsonl:1: what is the capital");
    CHECK_TEXT(judged(p, index, "capital of France Paris"),
               "eval.jsonl:1: capital of france paris");
    CHECK_TEXT(judged(p, index, "of France: Lyon on!"), "eval.jsonl:1: of france lyon on");
    CHECK_TEXT(judged(p, index, "on the rhone river"), "eval.jsonl:1: on the rhone river");
    CHECK_TEXT(judged(p, index, "river Paris is a capital of"), "");
    CHECK_TEXT(judged(p, index, "One 77 three, four"), "eval.jsonl:3: one 0 three four");
    CHECK_TEXT(judged(p, index, "a string of four"), "eval.jsonl:4: a string of four");
    CHECK_TEXT(judged(p, index, "with this and goes"), "eval.jsonl:6: with this and goes");
    CHECK_TEXT(judged(p, index, "goes on so"), "");
    CHECK_TEXT(judged(p, index, ""), "");
}

static void check_paragraphs(struct place *p)
{
    char *path = file_of(p, "eval.txt", "\n\nfirst line of\nparagraph one\n \t\nlast words here\n");
    const struct decontaminate_index *index = index_of(p, path, 3);
    CHECK_EQ(decontaminate_size(index).n_items, 2);
    CHECK_TEXT(judged(p, index, "line of paragraph"), "eval.txt:3: line of paragraph");
    CHECK_TEXT(judged(p, index, "paragraph one last"), "");
    CHECK_TEXT(judged(p, index, "last words here"), "eval.txt:6: last words here");
}

static void check_errors(struct place *p)
{
    const struct decontaminate_index *index = NULL;
    char *path = file_of(p, "bad.jsonl", "{\"a\": 1}\n{\"a\": \n");
    struct decontaminate_options o = {&path, 1, 3, NULL, 0};
    CHECK_ERR(decontaminate_open(&o, p->arena, &index), ERR_DATA);
    CHECK(strstr(err_line(), "bad.jsonl:2: no JSON: ") != NULL);
    path = file_of(p, "short.jsonl", "{\"a\": \"one two\"}\n");
    CHECK_ERR(decontaminate_open(&o, p->arena, &index), ERR_DATA);
    CHECK_LINE("evaluation files: no text of 3 words in 1 items of 1 files");
    path = file_of(p, "long.txt", "one two three four five six seven");
    o.memory_bytes = 200;
    CHECK_ERR(decontaminate_open(&o, p->arena, &index), ERR_USAGE);
    CHECK_LINE("the index of evaluation files takes more than 200 bytes: too many files");
    path = arena_printf(p->arena, "%s/absent.txt", p->folder);
    CHECK_ERR(decontaminate_open(&o, p->arena, &index), ERR_IO);
}

// Random words of a small alphabet against a search for every n-gram in every item.
static void check_random(struct place *p, uint64_t key)
{
    enum { ITEMS = 20, ITEM_WORDS = 9, N = 5, DOCUMENTS = 300, DOCUMENT_WORDS = 30 };
    char *text = arena_strdup(p->arena, ""), *items[ITEMS];
    for (uint64_t i = 0; i < ITEMS; i++) {
        items[i] = arena_strdup(p->arena, " ");
        for (uint64_t w = 0; w < ITEM_WORDS; w++)
            items[i] =
                arena_printf(p->arena, "%s%c ", items[i], (char)('a' + rng_u64(key, i, w) % 4));
        text = arena_printf(p->arena, "%s%s\n\n", text, items[i]);
    }
    const struct decontaminate_index *index = index_of(p, file_of(p, "random.txt", text), N);
    size_t n_hit = 0;
    for (uint64_t d = 0; d < DOCUMENTS; d++) {
        char words[2 * DOCUMENT_WORDS + 1] = {0};
        for (size_t w = 0; w < DOCUMENT_WORDS; w++) {
            words[2 * w] = (char)('a' + rng_u64(key, ITEMS + d, w) % (3 + d % 6));
            words[2 * w + 1] = ' ';
        }
        const char *expected = "";
        for (size_t w = 0; w + N <= DOCUMENT_WORDS && *expected == 0; w++)
            for (size_t i = 0; i < ITEMS && *expected == 0; i++) {
                const char *gram = arena_printf(p->arena, " %.*s", 2 * N, words + 2 * w);
                if (strstr(items[i], gram) == NULL) continue;
                expected = arena_printf(p->arena, "random.txt:%zu: %.*s", 2 * i + 1, 2 * N - 1,
                                        words + 2 * w);
            }
        CHECK_TEXT(judged(p, index, words), expected);
        n_hit += *expected != 0;
    }
    CHECK(n_hit > DOCUMENTS / 10 && n_hit < DOCUMENTS);
}

static enum err write_report(struct place *p, const struct decontaminate_index *index,
                             const char *folder)
{
    static const char *const TEXTS[] = {"alpha beta gamma", "nothing in here", "delta epsilon zeta",
                                        "alpha beta gamma delta"};
    static const char *const IDS[] = {"", "unused", "https://example.org/a page\xff",
                                      "16 bytes exactly"};
    enum { N_TEXTS = sizeof TEXTS / sizeof *TEXTS, PARTS = 6 };
    struct decontaminate_report *report = NULL;
    enum err e = decontaminate_report_open(
        &(struct duplicates_options){p->f, &p->seq, p->folder, 1 << 16}, index, &report);
    CHECK_OK(e);
    for (uint64_t part = PARTS; part-- > 0;)
        for (uint64_t i = 0; i < N_TEXTS; i++) {
            if ((int)(part % (uint64_t)fabric_size(p->f)) != fabric_rank(p->f)) continue;
            struct decontaminate_hit hit;
            size_t n_words;
            const struct span *words =
                word_grams_split(NULL, span_of(TEXTS[i]), p->arena, &n_words);
            if (decontaminate_judge(index, words, n_words, p->arena, &hit) && e == OK)
                e = decontaminate_report_add(report, part << 32 | i, span_of(IDS[i]), &hit);
        }
    e = decontaminate_report_write(report, e, folder);
    if (e == OK) CHECK_EQ(decontaminate_report_n_dropped(report), 3 * PARTS);
    decontaminate_report_close(report);
    return e;
}

static const char *contents(struct place *p, const char *folder, const char *name)
{
    struct span text;
    CHECK_OK(file_read(arena_printf(p->arena, "%s/%s", folder, name), 1 << 20, p->arena, &text));
    return (const char *)text.data;
}

static void check_report(struct place *p)
{
    // The same names on every rank, for the reports name files.
    const char *folder = arena_printf(p->arena, "decontaminate-%d.tmp", fabric_size(p->f));
    char *path = arena_printf(p->arena, "%s/eval.txt", folder);
    const char *text = "alpha beta gamma\n\n\"delta\" epsilon zeta\n";
    if (fabric_rank(p->f) == 0) {
        CHECK_OK(file_make_folders(folder));
        CHECK_OK(file_replace(path, text, strlen(text)));
    }
    CHECK_OK(fabric_agree(p->f, OK));
    const struct decontaminate_index *index = index_of(p, path, 3);
    CHECK_OK(write_report(p, index, folder));
    if (fabric_rank(p->f) == 0) {
        const char *lines = contents(p, folder, DECONTAMINATE_REPORT_NAME);
        const char *start = arena_printf(
            p->arena,
            "{\"id\":\"\",\"part\":0,\"document\":0,\"item\":\"%s:1\",\"ngram\":\"alpha beta "
            "gamma\"}\n"
            "{\"id\":\"https://example.org/a page\xef\xbf\xbd\",\"part\":0,\"document\":2,"
            "\"item\":\"%s:3\",\"ngram\":\"delta epsilon zeta\"}\n"
            "{\"id\":\"16 bytes "
            "exactly\",\"part\":0,\"document\":3,\"item\":\"%s:1\",\"ngram\":\"alpha beta "
            "gamma\"}\n"
            "{\"id\":\"\",\"part\":1,\"document\":0,",
            path, path, path);
        CHECK(strncmp(lines, start, strlen(start)) == 0);
        CHECK_TEXT(contents(p, folder, DECONTAMINATE_TABLE_NAME),
                   arena_printf(p->arena,
                                "2 evaluation items (0 of them too short), 2 3-grams\n"
                                "   documents  item\n"
                                "          12  %s:1\n"
                                "           6  %s:3\n",
                                path, path));
    }
    // Rank 0 fails at each call in turn: everyone hears of it, and the old report stays whole.
    for (uint64_t k = 1;; k++) {
        if (fabric_rank(p->f) == 0) fault_arm("*", k, FAULT_ENOSPC, false);
        const enum err e = write_report(p, index, folder);
        fault_disarm();
        if (e == OK) break;
        CHECK_ERR(e, ERR_IO);
        if (fabric_rank(p->f) == 0) {
            struct file_list list;
            CHECK_OK(file_list(folder, p->arena, &list));
            CHECK_EQ(list.n_names, 3);
            CHECK(k < 100);
        }
    }
    CHECK_OK(fabric_agree(p->f, OK));
    if (fabric_rank(p->f) == 0) CHECK_OK(file_remove_tree(folder));
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "decontaminate");
    struct arena a;
    arena_init(&a, "test");
    struct place p = {.seq = 1, .arena = &a};
    if (fabric_launched())
        CHECK_OK(fabric_open_mpi(NULL, &a, &p.f));
    else
        CHECK_OK(fabric_open_alone(&a, &p.f));
    p.folder = arena_printf(&a, "decontaminate-%d-of-%d.tmp", fabric_rank(p.f), fabric_size(p.f));
    CHECK_OK(file_make_folders(p.folder));
    check_jsonl(&p);
    check_paragraphs(&p);
    check_errors(&p);
    check_random(&p, key);
    check_report(&p);
    CHECK_OK(file_remove_tree(p.folder));
    fabric_close(p.f);
    arena_fini(&a);
    return 0;
}
