// Keys of documents, paragraphs and lines, and texts without some of them.

#include "base/arena.h"
#include "base/rng.h"
#include "shard/dedup/exact.h"
#include "shard/dedup/simplify.h"
#include "tests/check.h"

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static const char *text_of(struct span text, struct arena *a)
{
    return arena_strndup(a, (const char *)text.data, text.n_bytes);
}

// The items of text, one in brackets after another; a star before those that do not count.
static const char *listed(const char *rule_name, const char *text, struct arena *a)
{
    struct exact_rule rule;
    size_t n;
    const char *out = "";
    CHECK_OK(exact_rule(rule_name, &rule));
    const struct exact_item *items = exact_items(rule, span_of(text), a, &n);
    for (size_t i = 0; i < n; i++)
        out = arena_printf(a, "%s%s[%.*s]", out, items[i].counts ? "" : "*",
                           (int)(items[i].bytes.last - items[i].bytes.first),
                           text + items[i].bytes.first);
    return out;
}

static void check_items(struct arena *a)
{
    CHECK_TEXT(listed("document", "a\n\nb", a), "[a\n\nb]");
    CHECK_TEXT(listed("document", "", a), "*[]");
    CHECK_TEXT(listed("line", "a\n\nb\n", a), "[a]*[][b]*[]");
    CHECK_TEXT(listed("line", "", a), "*[]");
    CHECK_TEXT(listed("ccnet", "a\n \t\n--\n\x01\n", a), "[a]*[ \t][--]*[\x01]*[]");
    CHECK_TEXT(listed("paragraph", "\n\na\nb\n\n\nc\n", a), "[a\nb][c]");
    CHECK_TEXT(listed("paragraph", "\n\n", a), "");
    CHECK_TEXT(listed("c4-spans", "One. Two", a), "");
    CHECK_TEXT(listed("c4-spans", " One. Two? (Three!)  Four 4.5 m.\nfive ", a),
               "[One. Two? (Three!)][Two? (Three!)  Four 4.5 m.][(Three!)  Four 4.5 m.\nfive ]");
    CHECK_TEXT(listed("c4-spans", "A... b\n\n\nc\n", a), "[A... b\n\n\nc]");
    CHECK_TEXT(listed("c4-spans", "\n. . .\n", a), "*[. . .]");
    struct exact_rule rule;
    CHECK_ERR(exact_rule("word", &rule), ERR_USAGE);
    CHECK_LINE("no exact rule word: document, paragraph, line, c4, ccnet or c4-spans");
}

static uint64_t key_of(const char *rule_name, const char *text, struct arena *a)
{
    struct exact_rule rule;
    size_t n;
    CHECK_OK(exact_rule(rule_name, &rule));
    return exact_items(rule, span_of(text), a, &n)[0].key;
}

static void check_keys(struct arena *a)
{
    CHECK(key_of("ccnet", "  Page 12 of 345\r", a) == key_of("ccnet", "page 98 of 111", a));
    CHECK(key_of("ccnet", "it\xe2\x80\x99s", a) == key_of("ccnet", "ITS", a));
    CHECK(key_of("ccnet", "it's", a) != key_of("ccnet", "its", a)); // ASCII punctuation stays
    CHECK(key_of("ccnet", "page 1 of 2", a) != key_of("ccnet", "page 11 of 2", a));
    CHECK(key_of("c4", " Page 1 ", a) == key_of("c4", "page 1", a));
    CHECK(key_of("c4", "page 1", a) != key_of("c4", "page 2", a));
    CHECK(key_of("line", "Page 1", a) != key_of("line", "page 1", a));
    CHECK(key_of("c4-spans", "A: 1. B! C?", a) == key_of("c4-spans", "a 2.\nb? c.", a));
}

static const char *without(const char *rule_name, const char *text, uint32_t dropped_bits,
                           struct arena *a)
{
    struct exact_rule rule;
    size_t n;
    bool dropped[32] = {false};
    CHECK_OK(exact_rule(rule_name, &rule));
    const struct exact_item *items = exact_items(rule, span_of(text), a, &n);
    for (size_t i = 0; i < n; i++)
        dropped[i] = dropped_bits >> i & 1;
    return text_of(exact_remove(span_of(text), items, n, dropped, a), a);
}

static void check_remove(struct arena *a)
{
    CHECK_TEXT(without("line", "a\nb\nc\n", 0, a), "a\nb\nc\n");
    CHECK_TEXT(without("line", "a\nb\nc\n", 1, a), "b\nc\n");
    CHECK_TEXT(without("line", "a\nb\nc\n", 2, a), "a\nc\n");
    CHECK_TEXT(without("line", "a\nb\nc", 4, a), "a\nb");
    CHECK_TEXT(without("line", "a\nb\nc", 7, a), "");
    CHECK_TEXT(without("paragraph", "\na\nb\n\n\nc\n\nd\n", 2, a), "\na\nb\n\nd\n");
    CHECK_TEXT(without("paragraph", "\na\nb\n\n\nc\n\nd\n", 1, a), "c\n\nd\n");
    CHECK_TEXT(without("document", "a\nb", 1, a), "");
    CHECK_TEXT(without("c4-spans", "A. B. C. D. E. F.", 2, a), "A. E. F.");
    CHECK_TEXT(without("c4-spans", "A. B. C. D. E. F.", 3, a), "E. F.");
    CHECK_TEXT(without("c4-spans", "A. B. C. D. E. F. G.", 17, a), "D. ");
    CHECK_TEXT(without("c4-spans", "A. B. C.", 1, a), "");
}

// Whatever is dropped, the lines that stay are the text.
static void check_random_lines(uint64_t key, struct arena *a)
{
    for (uint64_t round = 0; round < 300; round++) {
        char text[40] = {0}, expected[64] = {0};
        const uint32_t bits = (uint32_t)rng_u64(key, 0, round);
        for (size_t i = 0; i < sizeof text - 1; i++)
            text[i] = "ab\n\n"[rng_u64(key, 1 + round, i) % 4];
        size_t n = 0, line = 0;
        for (char *at = text;; line++) {
            const size_t n_bytes = strcspn(at, "\n");
            if (!(bits >> line & 1)) {
                n += (size_t)snprintf(
                    expected + n, sizeof expected - n, "%s%.*s",
                    n > 0 || (line > 0 && (bits & ((1U << line) - 1)) != ((1U << line) - 1)) ? "\n"
                                                                                             : "",
                    (int)n_bytes, at);
            }
            if (at[n_bytes] == 0 || line == 31) break;
            at += n_bytes + 1;
        }
        if (line < 31) CHECK_TEXT(without("line", text, bits, a), expected);
    }
}

// Bytes that are no UTF-8, marks without end, capital sigmas: no surprise in size or time.
static void check_hostile(struct arena *a)
{
    enum { N = 300000 };
    static const char *const PIECES[] = {"\xff",      "\xe3\x80\xae", "\xf0\x96\xbf\xb0",
                                         "\xce\xa3'", "\xea\xb0\x81", "\xc8\xba",
                                         "9.",        "\xc4\xb0"};
    uint8_t *text = ARENA_ARRAY(a, uint8_t, N);
    for (size_t piece = 0; piece < sizeof PIECES / sizeof *PIECES; piece++) {
        const size_t n = strlen(PIECES[piece]);
        size_t n_bytes = 0;
        for (; n_bytes + 2 * n <= N; n_bytes += n)
            memcpy(text + n_bytes, PIECES[piece], n);
        struct arena scratch;
        arena_init(&scratch, "hostile");
        const struct span simple = simplify_text((struct span){text, n_bytes}, &scratch);
        CHECK(simple.n_bytes <= 9 * n_bytes);
        CHECK(scratch.used_bytes <= 40 * n_bytes);
        arena_fini(&scratch);
    }
    const struct span marks = simplify_text(
        span_of("a\xf0\x96\xbf\xb0\xe3\x80\xae\xf0\x96\xbf\xb0"), a); // classes 6, 224, 6
    CHECK_TEXT(text_of(marks, a), "a\xf0\x96\xbf\xb0\xf0\x96\xbf\xb0\xe3\x80\xae");
    CHECK_TEXT(text_of(simplify_text(span_of("\xff"
                                             "A\xc3"),
                                     a),
                       a),
               "\xef\xbf\xbd"
               "a\xef\xbf\xbd");
    CHECK_EQ(simplify_text((struct span){NULL, 0}, a).n_bytes, 0);
}

int main(int argc, char **argv)
{
    const uint64_t key = rng_key(check_seed(argc, argv), "exact");
    struct arena a;
    arena_init(&a, "test");
    check_items(&a);
    check_keys(&a);
    check_remove(&a);
    check_random_lines(key, &a);
    check_hostile(&a);
    arena_fini(&a);
    return 0;
}
