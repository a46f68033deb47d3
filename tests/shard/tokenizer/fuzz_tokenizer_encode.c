// Encoding of any bytes with a small fixed vocabulary: pieces cover the input, ids stand for it,
// broken UTF-8 or not.
#include <string.h>

#include "shard/tokenizer/bpe_train.h"
#include "shard/tokenizer/pretokenize.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes);

static struct tokenizer *tokenizer_make(struct arena *a)
{
    static const char text[] =
        "aaaa aaaaaaaa the theme 'll we'll 11 12  \n\n \xE4\xBD\xA0\xE5\xA5\xBD";
    struct bpe_train *train;
    struct tokenizer *t;
    ASSERT(bpe_train_open(PRETOKENIZE_GPT2, 1, a, &train) == OK);
    ASSERT(bpe_train_add(train, 0, (struct span){(const uint8_t *)text, sizeof text - 1}) == OK);
    ASSERT(bpe_train_run(train, 290, a, &t) == OK);
    bpe_train_close(train);
    return t;
}

static void check_pieces(const struct pretokenize *p, enum pretokenize_rule rule, struct span text)
{
    while (text.n_bytes > 0) {
        size_t n = pretokenize_next(p, rule, text);
        ASSERT(n > 0 && n <= text.n_bytes);
        text = (struct span){text.data + n, text.n_bytes - n};
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n_bytes)
{
    static struct arena a;
    static struct tokenizer *t;
    static struct tokenizer_scratch *s;
    static const struct pretokenize *p;
    if (t == NULL) {
        arena_init(&a, "fuzz");
        t = tokenizer_make(&a);
        p = pretokenize_build(&a);
        ASSERT(tokenizer_scratch_open(&s) == OK);
    }
    const struct span text = {data, n_bytes};
    for (unsigned rule = 0; rule < PRETOKENIZE_N_RULES; rule++)
        check_pieces(p, (enum pretokenize_rule)rule, text);
    struct tokenizer_tokens tokens = {0};
    ASSERT(tokenizer_encode(t, s, text, &tokens) == OK);
    size_t at = 0;
    for (size_t i = 0; i < tokens.n_ids; i++) {
        struct span bytes = tokenizer_bytes(t, tokens.ids[i]);
        ASSERT(bytes.n_bytes > 0 && bytes.n_bytes <= n_bytes - at);
        ASSERT(memcmp(bytes.data, data + at, bytes.n_bytes) == 0);
        at += bytes.n_bytes;
    }
    ASSERT(at == n_bytes);
    tokenizer_tokens_free(&tokens);
    return 0;
}
