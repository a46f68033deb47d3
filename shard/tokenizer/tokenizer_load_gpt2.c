// GPT-2's two files: encoder.json, an object from token to id, and vocab.bpe, a "#version" line and
// then a line a merge, "left right", in rank order.
#include <string.h>

#include "shard/tokenizer/tokenizer_json.h"

static enum err load_merges(struct tokenizer_draft *d, struct span text)
{
    bool first = true;
    while (text.n_bytes > 0) {
        const uint8_t *end = memchr(text.data, '\n', text.n_bytes);
        size_t n = end == NULL ? text.n_bytes : (size_t)(end - text.data);
        size_t n_taken = n + (end != NULL);
        if (n > 0 && text.data[n - 1] == '\r') n--;
        bool version = first && n >= 8 && memcmp(text.data, "#version", 8) == 0;
        if (n > 0 && !version) TRY(tokenizer_json_merge_line(d, (struct span){text.data, n}));
        first = false;
        text = (struct span){text.data + n_taken, text.n_bytes - n_taken};
    }
    return OK;
}

enum err tokenizer_load_gpt2(struct span vocabulary, struct span merges, const char *name,
                             struct arena *a, struct tokenizer **out)
{
    json_t *json;
    TRY(tokenizer_json_parse(vocabulary, name, &json));
    struct tokenizer_draft d = {0};
    enum err e = tokenizer_draft_begin(&d, name, json_object_size(json), a);
    d.pipeline = tokenizer_pipeline_of(PRETOKENIZE_GPT2);
    if (e == OK) e = tokenizer_json_vocabulary(&d, json);
    if (e == OK) e = tokenizer_draft_merges_begin(&d);
    if (e == OK) e = load_merges(&d, merges);
    if (e == OK) tokenizer_draft_finish(&d, out);
    tokenizer_draft_end(&d);
    json_decref(json);
    return e;
}
