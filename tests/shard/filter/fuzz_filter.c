// Any bytes through every profile: no crash, no over-read, every score finite, the same verdict
// when the scores are asked again.
//     build/fuzz/fuzz_filter -max_len=4096 CORPUS

#include "tests/shard/filter/filter_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static struct devour d;
    static bool begun;
    if (!begun) devour_begin(&d);
    begun = true;
    devour_text(&d, data, n_bytes);
    return 0;
}
