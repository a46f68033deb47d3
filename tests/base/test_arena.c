#include "base/arena.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/rng.h"
#include "base/text.h"
#include "tests/check.h"

struct piece {
    unsigned char *at;
    size_t n_bytes;
    unsigned char mark;
};

// Pieces are zeroed, aligned and keep what is written to them while others are made.
static void test_pieces(uint64_t seed, struct arena *a)
{
    enum { PIECES = 500 };
    struct piece pieces[PIECES];
    for (uint64_t i = 0; i < PIECES; i++) {
        size_t n_bytes = rng_u64(seed, 0, i) % (i % 50 == 0 ? 100000 : 300);
        size_t align = (size_t)1 << rng_u64(seed, 1, i) % 13;
        unsigned char *at = arena_alloc(a, n_bytes, align);
        CHECK((uintptr_t)at % align == 0);
        for (size_t k = 0; k < n_bytes; k++)
            CHECK(at[k] == 0);
        pieces[i] = (struct piece){at, n_bytes, (unsigned char)(i + 1)};
        memset(at, pieces[i].mark, n_bytes);
    }
    for (int i = 0; i < PIECES; i++)
        for (size_t k = 0; k < pieces[i].n_bytes; k++)
            CHECK(pieces[i].at[k] == pieces[i].mark);
}

// After a reset the same requests fit into what is there: the second round adds no chunk.
static void test_reset(void)
{
    struct arena a;
    arena_init(&a, "reset");
    const void *chunks = NULL;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 100; i++)
            arena_alloc(&a, 5000, 64);
        CHECK(a.used_bytes == 500000);
        CHECK(round == 0 || a.chunks == chunks);
        arena_reset(&a);
        CHECK(a.used_bytes == 0 && (round == 0 || a.chunks == chunks));
        chunks = a.chunks;
    }
    const unsigned char *at = arena_alloc(&a, 5000, 1);
    for (int i = 0; i < 5000; i++)
        CHECK(at[i] == 0);
    arena_fini(&a);
    CHECK(a.chunks == NULL);
}

static void test_texts(struct arena *a)
{
    CHECK_TEXT(arena_strdup(a, "abc"), "abc");
    CHECK_TEXT(arena_strdup(a, NULL), "");
    CHECK_TEXT(arena_strndup(a, "abc", 2), "ab");
    CHECK_TEXT(arena_printf(a, "%d-%s", 7, "x"), "7-x");
    struct text t;
    text_begin(&t, a);
    CHECK_TEXT(t.data, "");
    char expected[8000] = "";
    for (int i = 0; i < 1000; i++) {
        text_printf(&t, "%d,", i);
        snprintf(expected + strlen(expected), sizeof expected - strlen(expected), "%d,", i);
    }
    CHECK_TEXT(t.data, expected);
    text_put(&t, "x\0y", 3);
    CHECK(t.n_bytes == strlen(expected) + 3 && t.data[t.n_bytes] == '\0');
}

static void overflow_array(void)
{
    struct arena a;
    arena_init(&a, "overflow");
    arena_array(&a, SIZE_MAX / 2, 4, 8);
}

static void run_over_the_end(void)
{
    struct arena a;
    arena_init(&a, "overrun");
    volatile char *at = arena_alloc(&a, 12, 4);
    arena_alloc(&a, 12, 4);
    at[12] = 1;
}

// Runs body in a child that must die; its complaint goes to /dev/null.
static void check_dies(void (*body)(void))
{
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(0);
        body();
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && status != 0);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    fflush(stdout);
    struct arena a;
    arena_init(&a, "test");
    test_pieces(seed, &a);
    arena_reset(&a);
    test_pieces(seed + 1, &a);
    test_reset();
    test_texts(&a);
    arena_fini(&a);
    check_dies(overflow_array);
#ifdef WEFT_ASAN
    check_dies(run_over_the_end);
#else
    (void)run_over_the_end;
#endif
    return 0;
}
