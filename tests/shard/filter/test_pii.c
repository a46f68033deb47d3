// Masks of personal data: cases by hand. With --lines, masks standard input line by line, for
// labels_parity.py, which compares random texts with datatrove.
#include "shard/filter/pii.h"

#include "tests/check.h"

static struct arena a;

static struct span of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static const char *masked(const char *text)
{
    struct pii_counts counts = {0};
    const struct span out = pii_mask(of(text), &a, &counts);
    return arena_strndup(&a, (const char *)out.data, out.n_bytes);
}

static void mask_lines(void)
{
    char *line = NULL;
    size_t capacity = 0;
    for (ssize_t n; (n = getline(&line, &capacity, stdin)) > 0;) {
        struct pii_counts counts = {0};
        const struct span text = {(const uint8_t *)line, (size_t)n - (line[n - 1] == '\n')};
        const struct span out = pii_mask(text, &a, &counts);
        fwrite(out.data, 1, out.n_bytes, stdout);
        putchar('\n');
        arena_reset(&a);
    }
}

static void check_cases(void)
{
    CHECK_TEXT(masked("write to jo.doe+x@mail.example.com."), "write to email@example.com.");
    CHECK_TEXT(masked("a@b.c, d@e.f, g@h.i"),
               "email@example.com, firstname.lastname@example.org, email@example.com");
    CHECK_TEXT(masked("a@b is none, nor @b.c, nor a@b-.c"), "a@b is none, nor @b.c, nor a@b-.c");
    CHECK_TEXT(masked("a..b@c.de"), "a..email@example.com");
    CHECK_TEXT(masked("x@y.z-"), "email@example.com-");
    CHECK_TEXT(masked("p@[1.2.3.4] q@[1.2.3.x:]"),
               "email@example.com firstname.lastname@example.org");
    CHECK_TEXT(masked("\xc3\xa9x@y.zz"), "\xc3\xa9x@y.zz");
    CHECK_TEXT(masked("8.8.8.8 and 10.0.0.1"), "22.214.171.124 and 10.0.0.1");
    CHECK_TEXT(masked("1234.5.6.799"), "122.214.171.1249");
    CHECK_TEXT(masked("8.8.8.08, 192.0.0.8, 192.0.0.9"), "8.8.8.08, 192.0.0.8, 22.214.171.124");
    CHECK_TEXT(masked("192.0.0.-"), "192.0.0.-");
    CHECK_TEXT(masked(""), "");
}

/// A megabyte of the worst: every @ looks back over a run that ends at the one before.
static void check_long(void)
{
    char *text = arena_alloc(&a, (1 << 20) + 1, 1);
    memset(text, 'a', 1 << 20);
    for (size_t i = 1; i < 1 << 20; i += 2)
        text[i] = '@';
    CHECK_TEXT(masked(text), text);
}

int main(int argc, char **argv)
{
    arena_init(&a, "test_pii");
    if (argc == 2 && strcmp(argv[1], "--lines") == 0) {
        mask_lines();
    } else {
        check_cases();
        check_long();
    }
    arena_fini(&a);
    return 0;
}
