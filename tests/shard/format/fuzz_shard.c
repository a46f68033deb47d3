// Any bytes as a shard: an error, never a crash, an over-read or memory beyond the limits.
//     build/fuzz/fuzz_shard -rss_limit_mb=1024 CORPUS tests/data/shard_corpus

#include "tests/shard/format/shard_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    devour(data, n_bytes);
    return 0;
}
