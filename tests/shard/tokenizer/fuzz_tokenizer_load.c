// Loaders on any bytes. The first byte says the format; for GPT-2's two files a NUL byte is between
// them. What loads must encode the input itself to ids whose bytes are the input again, and come
// back from its own tokenizer.json the same.
#include <string.h>

#include "base/file.h"
#include "shard/tokenizer/tokenizer_model.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static enum err load(struct span input, struct arena *a, struct tokenizer **out)
{
    const struct span text = {input.data + 1, input.n_bytes - 1};
    if (input.data[0] == 'j') return tokenizer_load_json(text, "fuzz", a, out);
    if (input.data[0] == 'r')
        return tokenizer_load_ranks(text, PRETOKENIZE_N_RULES, "fuzz", a, out);
    const uint8_t *end = memchr(text.data, 0, text.n_bytes);
    size_t n = end == NULL ? text.n_bytes : (size_t)(end - text.data);
    const struct span merges = {text.data + n, text.n_bytes - n};
    return tokenizer_load_gpt2((struct span){text.data, n}, merges, "fuzz", a, out);
}

static void check_round_trip(const struct tokenizer *t, struct span text)
{
    struct tokenizer_scratch *s;
    struct tokenizer_tokens tokens = {0};
    ASSERT(tokenizer_scratch_open(&s) == OK);
    ASSERT(tokenizer_encode(t, s, text, &tokens) == OK);
    size_t at = 0;
    for (size_t i = 0; i < tokens.n_ids; i++) {
        struct span bytes = tokenizer_bytes(t, tokens.ids[i]);
        ASSERT(bytes.n_bytes > 0 && bytes.n_bytes <= text.n_bytes - at);
        ASSERT(memcmp(bytes.data, text.data + at, bytes.n_bytes) == 0);
        at += bytes.n_bytes;
    }
    ASSERT(at == text.n_bytes);
    tokenizer_tokens_free(&tokens);
    tokenizer_scratch_close(s);
}

static void check_save(const struct tokenizer *t, struct arena *a)
{
    static const char path[] = "fuzz_tokenizer_load.json";
    struct tokenizer *back;
    ASSERT(tokenizer_save(t, path) == OK);
    ASSERT(tokenizer_open(path, a, &back) == OK);
    struct hash128 x = tokenizer_hash(t), y = tokenizer_hash(back);
    ASSERT(x.lo == y.lo && x.hi == y.hi);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    if (n_bytes < 1) return 0;
    const struct span input = {data, n_bytes};
    struct arena a;
    arena_init(&a, "fuzz");
    struct tokenizer *t;
    enum err e = load(input, &a, &t);
    ASSERT(e == OK || e == ERR_DATA);
    if (e == OK) {
        check_round_trip(t, input);
        check_save(t, &a);
    }
    arena_fini(&a);
    return 0;
}
