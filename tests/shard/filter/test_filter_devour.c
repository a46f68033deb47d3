// What the fuzz target fuzz_filter does, on texts made of the fragments that the rules look for.
// With --corpus FOLDER, writes some of them there as a corpus to begin with.
#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/shard/filter/filter_devour.h"

enum { N_TEXTS = 3000, N_CORPUS = 60, TEXT_LIMIT = 4096 };

static const char *const fragments[] = {"the ",
                                        "of ",
                                        "word",
                                        "\n",
                                        "\n\n",
                                        "\r\n",
                                        ". ",
                                        "...",
                                        "#",
                                        "\xE2\x80\xA6",
                                        "\xE2\x80\xA2 ",
                                        "- ",
                                        "{",
                                        "lorem ipsum",
                                        "javascript",
                                        "[1]",
                                        "[edit]",
                                        "[citation needed]",
                                        "can't ",
                                        "\xE2\x80\x99s ",
                                        ":)",
                                        "http://a.b/c",
                                        "10km ",
                                        "\xE2\x80\xA8",
                                        "\xC2\x85",
                                        "\xE4\xB8\xAD",
                                        "\xE3\x80\x82",
                                        "\xFF",
                                        "\xE2\x80",
                                        "\xF0\x9F\x98\x80",
                                        "terms of use ",
                                        "use cookies ",
                                        "\"",
                                        "'",
                                        "(",
                                        ")",
                                        "@",
                                        "1.2.3.4",
                                        "\t",
                                        "\xC2\xA0",
                                        "x x x x x x x x x x x x "};

static size_t make_text(uint64_t key, uint64_t k, uint8_t *out)
{
    size_t n = 0;
    out[n++] = (uint8_t)rng_u64(key, k, 0);
    out[n++] = (uint8_t)rng_u64(key, k, 1);
    const size_t limit = 2 + rng_u64(key, k, 2) % (TEXT_LIMIT - 64);
    for (uint64_t i = 3; n < limit; i++) {
        const uint64_t which = rng_u64(key, k, i) % (sizeof fragments / sizeof fragments[0]);
        const size_t n_bytes = strlen(fragments[which]);
        memcpy(out + n, fragments[which], n_bytes);
        n += n_bytes;
    }
    return n;
}

static void write_corpus(const char *folder, uint64_t key)
{
    CHECK_OK(file_make_folders(folder));
    for (uint64_t k = 0; k < N_CORPUS; k++) {
        uint8_t text[TEXT_LIMIT];
        char path[512];
        const size_t n = make_text(key, k, text);
        snprintf(path, sizeof path, "%s/text-%02llu", folder, (unsigned long long)k);
        CHECK_OK(file_replace(path, text, n));
    }
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv), key = rng_key(seed, "devour");
    if (argc > 2 && strcmp(argv[1], "--corpus") == 0) {
        write_corpus(argv[2], key);
        return 0;
    }
    struct devour d;
    devour_begin(&d);
    for (uint64_t k = 0; k < N_TEXTS; k++) {
        uint8_t text[TEXT_LIMIT];
        devour_text(&d, text, make_text(key, k, text));
    }
    devour_end(&d);
    return 0;
}
