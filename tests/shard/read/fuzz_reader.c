// Any bytes as input: the first byte chooses HTML, a line of JSONL or dataset.json.

#include "shard/dataset/dataset_index.h"
#include "shard/extract/html_text.h"
#include "shard/read/reader_jsonl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static enum err read_as(uint8_t kind, struct span bytes, struct arena *a)
{
    static const struct input_file file = {.path = "fuzz/lines.jsonl", .source = "lines.jsonl"};
    const struct reader_record record = {.file = &file, .raw = bytes, .number = 1};
    struct span text;
    struct document document;
    struct dataset_index index;
    if (kind == 'h') return html_text_extract(bytes, a, &text);
    if (kind == 'j') return reader_jsonl_parse(&record, a, &document);
    return dataset_index_decode(bytes, "fuzz", a, &index);
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
