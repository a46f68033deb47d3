// Seeds of the fuzz targets and seeded mutations of them. For the targets themselves:
//
//     test_dedup_corpus --write FOLDER        makes FOLDER/document-N and FOLDER/evaluation-N

#include "base/file.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/shard/dedup/document_devour.h"
#include "tests/shard/dedup/evaluation_devour.h"

enum { MUTATIONS = 400, SEED_LIMIT = 512 };

typedef void (*devour_fn)(const uint8_t *data, size_t n_bytes);

static const struct seed {
    const char *kind, *text;
    devour_fn devour;
} SEEDS[] = {
    {"document", "The Quick brown fox, 1,234.5 times;\n\n it's can't don't \tgonna",
     devour_document},
    {"document",
     "\xce\x9f\xce\x94\xce\xa5\xce\xa3\xce\xa3\xce\x95\xce\xa5\xce\xa3. "
     "\xce\xa3\xe2\x80\x99\xce\xa3",
     devour_document},
    {"document",
     "\xea\xb0\x81\xed\x9e\xa3 \xc4\xb0\xc8\xba\xc8\xbe \xe1\xbe\x82 "
     "\xd9\xa1\xd9\xab\xd9\xa2\xe2\x8e\x96\xdb\xb3",
     devour_document},
    {"document",
     "a\xf0\x96\xbf\xb0\xe3\x80\xae\xcc\x81\xe3\x80\xaf\xf0\x9d\x85\xa5 \xf0\x9d\x85\xa0",
     devour_document},
    {"document", "\xff\xfe\xc3 \xe2\x82 \xed\xa0\x80 \xf4\x90\x80\x80 \xc0\x80\x80",
     devour_document},
    {"document",
     "\x01\x1c\x85\xc2\x85\xc2\xa0\xe3\x80\x80\xef\xbc\x91\xef\xbc\x8c\xef\xbc\x92\r\n\v\f",
     devour_document},
    {"document", "http://example.org/a?b=c e.g. 10km 5am U.S. :-) <3 o'clock", devour_document},
    {"evaluation",
     "0{\"query\": \"a b c\", \"label\": [\"d\", {\"e\": \"f\"}]}\n\n\"g\"\n[1, null]",
     devour_evaluation},
    {"evaluation",
     "0{\"question\": 5, \"input\": \"q\", \"choices\": {\"text\": [\"\\ud83d\\ude00\\u0000\"]}}",
     devour_evaluation},
    {"evaluation", "0{\"a\": {\"a\": [[[[[[\"deep\"]]]]]]}}\r\n{", devour_evaluation},
    {"evaluation", "1\n \t\nfirst line\nsecond\n\n\nlast\xff", devour_evaluation},
};
enum { N_SEEDS = sizeof SEEDS / sizeof *SEEDS };

static size_t mutate(uint64_t key, uint64_t number, uint8_t *bytes, size_t n_bytes)
{
    const uint64_t n = 1 + rng_u64(key, number, 0) % 4;
    for (uint64_t i = 1; i <= n; i++) {
        const uint64_t r = rng_u64(key, number, i);
        const size_t at = r % n_bytes;
        bytes[at] = (uint8_t)(r >> 40);
        if (r >> 62 == 0) memmove(bytes + at, bytes, n_bytes - at); // repeats the front
        if (r >> 60 == 15) n_bytes = at + 1;
    }
    return n_bytes;
}

static void replay(const struct seed *s, uint64_t key)
{
    const size_t n_bytes = strlen(s->text);
    uint8_t bytes[SEED_LIMIT];
    CHECK(n_bytes <= sizeof bytes);
    for (uint64_t i = 0; i < MUTATIONS; i++) {
        memcpy(bytes, s->text, n_bytes);
        s->devour(bytes, i == 0 ? n_bytes : mutate(key, i, bytes, n_bytes));
    }
    s->devour(bytes, 0);
}

static void write_seeds(const char *folder)
{
    struct arena a;
    arena_init(&a, "seeds");
    CHECK_OK(file_make_folders(folder));
    for (size_t i = 0; i < N_SEEDS; i++)
        CHECK_OK(file_replace(arena_printf(&a, "%s/%s-%zu", folder, SEEDS[i].kind, i),
                              SEEDS[i].text, strlen(SEEDS[i].text)));
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    if (argc == 3 && strcmp(argv[1], "--write") == 0)
        write_seeds(argv[2]);
    else
        for (size_t i = 0; i < N_SEEDS; i++)
            replay(&SEEDS[i], rng_key(seed + i, "dedup corpus"));
    arena_fini(&devour_scratch);
    arena_fini(&devour_run);
    return 0;
}
