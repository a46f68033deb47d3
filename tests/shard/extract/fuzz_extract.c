// Pages: see devour_page. A corpus to begin with: the pages in pages/, each with a byte before it.

#include "tests/shard/extract/extract_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    devour_page((struct span){data, n_bytes});
    return 0;
}
