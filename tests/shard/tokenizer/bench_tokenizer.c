// How fast a tokenizer encodes text that it has not seen: each round begins with an empty cache.
//
//     bench_tokenizer TOKENIZER ROUNDS FILE...      the fastest round of each file, in CPU time
//
// Files should be of some megabytes, or filling the cache is all that is measured.
#include <stdlib.h>
#include <time.h>

#include "base/file.h"
#include "shard/tokenizer/tokenizer.h"
#include "tests/check.h"

enum { LIMIT_FILE_BYTES = 1 << 30 };

static double cpu_seconds(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// Of one round; tokens gets the ids.
static double round_seconds(const struct tokenizer *t, struct span text,
                            struct tokenizer_tokens *tokens)
{
    struct tokenizer_scratch *scratch;
    CHECK_OK(tokenizer_scratch_open(&scratch));
    tokens->n_ids = 0;
    double start = cpu_seconds();
    CHECK_OK(tokenizer_encode(t, scratch, text, tokens));
    double seconds = cpu_seconds() - start;
    tokenizer_scratch_close(scratch);
    return seconds;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        printf("bench_tokenizer TOKENIZER ROUNDS FILE...\n");
        return 2;
    }
    struct arena a;
    arena_init(&a, "bench");
    struct tokenizer *t;
    CHECK_OK(tokenizer_open(argv[1], &a, &t));
    struct tokenizer_tokens tokens = {0};
    for (int i = 3; i < argc; i++) {
        struct span text;
        CHECK_OK(file_read(argv[i], LIMIT_FILE_BYTES, &a, &text));
        double best = 0;
        for (long round = 0; round < strtol(argv[2], NULL, 10); round++) {
            double speed = (double)text.n_bytes / 1e6 / round_seconds(t, text, &tokens);
            best = speed > best ? speed : best;
        }
        printf("%s: %zu tokens, %.1f MB/s\n", argv[i], tokens.n_ids, best);
    }
    tokenizer_tokens_free(&tokens);
    arena_fini(&a);
    return 0;
}
