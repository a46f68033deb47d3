#include "tests/shard/dedup/document_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    devour_document(data, n_bytes);
    return 0;
}
