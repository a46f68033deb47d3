// Words and sentences. With --lines, prints the words of each line of standard input, tabs between
// them, for tests that compare.
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/grow.h"
#include "base/rng.h"
#include "shard/filter/filter_text.h"
#include "shard/filter/filter_tokens.h"
#include "shard/filter/words.h"
#include "tests/check.h"

struct splitter {
    const struct filter_characters *characters;
    const struct words *words;
};

// The words of a line, with bars between them.
static void split_line(const struct splitter *s, struct span line, FILE *out, char bar)
{
    const uint8_t *at = line.data, *end = line.data + line.n_bytes;
    bool first = true;
    while (at < end) {
        struct filter_character c = filter_character_at(s->characters, at);
        if (c.classes & CHARACTER_SPACE) {
            at += c.n_bytes;
            continue;
        }
        const uint8_t *start = at;
        while (at < end && !(c.classes & CHARACTER_SPACE)) {
            at += c.n_bytes;
            if (at < end) c = filter_character_at(s->characters, at);
        }
        uint16_t ends[WORDS_CHUNK_LIMIT];
        const struct span chunk = {start, (size_t)(at - start)};
        const size_t n = words_split(s->words, chunk, ends);
        for (size_t i = 0, from = 0; i < n; from = ends[i++]) {
            if (!first) fputc(bar, out);
            fwrite(chunk.data + from, 1, ends[i] - from, out);
            first = false;
        }
    }
}

static void print_lines(const struct splitter *s)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    while ((n = getline(&line, &capacity, stdin)) > 0) {
        const size_t n_bytes = (size_t)n - (line[n - 1] == '\n');
        split_line(s, (struct span){(const uint8_t *)line, n_bytes}, stdout, '\t');
        putchar('\n');
    }
    grow_free(line);
}

static void check_split(const struct splitter *s, const char *line, const char *expected)
{
    char *text = NULL;
    size_t n_bytes;
    FILE *out = open_memstream(&text, &n_bytes);
    split_line(s, (struct span){(const uint8_t *)line, strlen(line)}, out, '|');
    fclose(out);
    CHECK_TEXT(text, expected);
    grow_free(text);
}

static void check_words(const struct splitter *s)
{
    check_split(s, "", "");
    check_split(s, "Hello, world!", "Hello|,|world|!");
    check_split(s, "I can't. You'll've (e.g. it)", "I|ca|n't|.|You|'ll|'ve|(|e.g.|it|)");
    check_split(s, "don\u2019t cannot gonna were", "do|n\u2019t|can|not|gon|na|were");
    check_split(s, "well-known and/or 3-4 a/b x,y", "well|-|known|and/or|3|-|4|a|/|b|x|,|y");
    check_split(s, "see http://example.com/x-y?z=1, os.path",
                "see|http://example.com/x-y?z=1|,|os.path");
    check_split(s, "Mr. Smith, J. R. lives in the U.S.A.", "Mr.|Smith|,|J.|R.|lives|in|the|U.S.A.");
    check_split(s, "10km 5% $20 20\u20ac wait... \"so\"",
                "10|km|5|%|$|20|20|\u20ac|wait|...|\"|so|\"");
    check_split(s, "me@example.org f(x): end.Begin", "me@example.org|f(x|):|end|.|Begin");
    check_split(s, "\u4e2d\u6587\u3002 caf\u00e9\u3000x", "\u4e2d\u6587|\u3002|caf\u00e9|x");
}

static void check_sentences(const struct splitter *s, const char *line, uint32_t n_words,
                            uint32_t n_sentences)
{
    struct filter_tokens t = {0};
    struct filter_line_sums sums;
    filter_tokens_use(&t, s->characters, s->words);
    CHECK_OK(filter_tokens_count(&t, (struct span){(const uint8_t *)line, strlen(line)}, &sums));
    CHECK_EQ(sums.n_words, n_words);
    CHECK_EQ(sums.n_sentences, n_sentences);
}

// Any bytes: words are not empty and join to the chunk, long chunks too.
static void check_random(const struct splitter *s, uint64_t seed)
{
    static const char *const parts[] = {"a",      "B", ".",  "-", "'",  "s",      "(",
                                        ")",      "3", "km", ":", "/",  "\u2019", "\u4e2d",
                                        "\u0301", "@", "#",  "+", "..."};
    const uint64_t key = rng_key(seed, "words");
    uint64_t counter = 0;
    for (uint64_t k = 0; k < 20000; k++) {
        uint8_t text[WORDS_CHUNK_LIMIT];
        size_t n = 0;
        const size_t limit = k % 100 ? 24 : sizeof text - 4;
        while (n + 4 < limit) {
            const char *part = parts[rng_u64(key, 0, counter++) % (sizeof parts / sizeof parts[0])];
            memcpy(text + n, part, strlen(part));
            n += strlen(part);
        }
        uint16_t ends[WORDS_CHUNK_LIMIT];
        const size_t n_words = words_split(s->words, (struct span){text, n}, ends);
        CHECK(n_words > 0 && ends[n_words - 1] == n);
        for (size_t i = 0; i < n_words; i++)
            CHECK(ends[i] > (i > 0 ? ends[i - 1] : 0));
    }
}

int main(int argc, char **argv)
{
    struct arena a;
    arena_init(&a, "test words");
    struct splitter s = {filter_characters_build(&a), NULL};
    s.words = words_build(s.characters, &a);
    if (argc > 1 && strcmp(argv[1], "--lines") == 0) {
        print_lines(&s);
        arena_fini(&a);
        return 0;
    }
    const uint64_t seed = check_seed(argc, argv);
    check_words(&s);
    check_sentences(&s, "", 0, 1);
    check_sentences(&s, "One. Two! Three", 5, 3);
    check_sentences(&s, "Mr. A. said: wait... (Yes.) No?", 12, 2);
    check_sentences(&s, "One.  \"Two.\" Three", 7, 3);
    check_random(&s, seed);
    arena_fini(&a);
    return 0;
}
