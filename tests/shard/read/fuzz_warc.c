// Any bytes as WARC, plain or compressed.
//     build/fuzz/fuzz_warc -rss_limit_mb=1024 CORPUS tests/data/read_corpus/warc

#include "tests/shard/read/read_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    devour("warc", data, n_bytes);
    return 0;
}
