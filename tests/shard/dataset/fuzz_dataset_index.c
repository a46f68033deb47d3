// dataset.json of any bytes: the checksum on its last lines is made right, so that what is before
// them is read.

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/hash.h"
#include "shard/dataset/dataset_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    struct arena a;
    struct dataset_index index;
    arena_init(&a, "fuzz");
    char *text = arena_alloc(&a, n_bytes + 64, 1);
    if (n_bytes) memcpy(text, data, n_bytes);
    const int n_tail =
        snprintf(text + n_bytes, 64, "  \"crc32c\": \"%08x\"\n}\n", hash_crc32c(0, text, n_bytes));
    const struct span file = {(const uint8_t *)text, n_bytes + (size_t)n_tail};
    const enum err e = dataset_index_decode(file, "fuzz", &a, &index);
    if (e == OK) (void)funnel_chart(&index.funnel, &a);
    arena_fini(&a);
    return 0;
}
