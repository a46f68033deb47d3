// Loaders on any bytes, and what loads on the bytes themselves. Seeds, one a shape:
//     build/dev/test_tokenizer_corpus --write CORPUS_FOLDER
#include "tests/shard/tokenizer/tokenizer_devour.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    (void)devour((struct span){data, n_bytes}, true);
    return 0;
}
