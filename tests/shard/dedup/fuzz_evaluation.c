#include "tests/shard/dedup/evaluation_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    devour_evaluation(data, n_bytes);
    return 0;
}
