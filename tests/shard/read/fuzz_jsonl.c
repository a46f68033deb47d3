// Any bytes as JSONL, a JSON file, CSV or split text (the first byte chooses).
//     build/fuzz/fuzz_jsonl -rss_limit_mb=1024 CORPUS tests/data/read_corpus/jsonl

#include "tests/shard/read/read_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    devour("jsonl", data, n_bytes);
    return 0;
}
