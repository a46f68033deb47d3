// Any bytes as Megatron's pair of files or llm.c's file (the first byte chooses).
//     build/fuzz/fuzz_pretokenized -rss_limit_mb=1024 CORPUS tests/data/read_corpus/pretokenized

#include "tests/shard/read/read_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    devour("pretokenized", data, n_bytes);
    return 0;
}
