// Any bytes as a tar of samples, plain or compressed.
//     build/fuzz/fuzz_tar -rss_limit_mb=1024 CORPUS tests/data/read_corpus/tar

#include "tests/shard/read/read_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    devour("tar", data, n_bytes);
    return 0;
}
