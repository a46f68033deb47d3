// Any bytes as files that are cut: in pieces they read as they do whole.
//     build/fuzz/fuzz_survey CORPUS tests/data/read_corpus/warc tests/data/read_corpus/jsonl

#include "tests/shard/build/survey_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static struct arena a;
    static struct survey_twice s;
    if (!s.pool) {
        arena_init(&a, "fuzz");
        survey_twice_open(&s, 1, &a);
    }
    const bool agree = survey_twice_agree(&s, data, n_bytes);
    ASSERT(agree);
    return 0;
}
