// Any bytes as input: the first byte chooses HTML, a line of JSONL (by both readers) or
// dataset.json.

#include "shard/dataset/dataset_index.h"
#include "shard/extract/html_text.h"
#include "tests/shard/read/json_twice.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static enum err read_as(uint8_t kind, struct span bytes, struct arena *a)
{
    struct span text;
    struct dataset_index index;
    bool plain;
    if (kind == 'h') return html_text_extract(bytes, a, &text);
    if (kind != 'j') return dataset_index_decode(bytes, "fuzz", a, &index);
    ASSERT(json_twice_agree(bytes, a, &plain));
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes == 0) return 0;
    struct arena a;
    arena_init(&a, "fuzz");
    const enum err e = read_as(data[0], (struct span){data + 1, n_bytes - 1}, &a);
    (void)e;
    arena_fini(&a);
    return 0;
}
