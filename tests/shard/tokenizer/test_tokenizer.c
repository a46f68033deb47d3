// The tokenizer as its users see it: train, encode, decode, save, load in each format.
#include "shard/tokenizer/tokenizer.h"

#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "shard/tokenizer/bpe_train.h"
#include "shard/tokenizer/byte_alphabet.h"
#include "shard/tokenizer/tokenizer_model.h"
#include "tests/check.h"

static struct arena a;

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

static const char *temp_path(const char *name)
{
    return arena_printf(&a, "test_tokenizer.%d.%s", (int)getpid(), name);
}

static struct tokenizer *train(const char *text, uint64_t vocabulary)
{
    struct bpe_train *t;
    struct tokenizer *tokenizer;
    CHECK_OK(bpe_train_open(PRETOKENIZE_GPT2, 1, &a, &t));
    CHECK_OK(bpe_train_add(t, 0, span_of(text)));
    CHECK_OK(bpe_train_run(t, vocabulary, &a, &tokenizer));
    bpe_train_close(t);
    return tokenizer;
}

static const char corpus[] =
    "the cat sat on the mat; the hat that the cat had sat on.\n"
    "\xC3\xA9t\xC3\xA9, \xC3\xA9t\xC3\xA9 !  12 123 1234's it's the cat's\n";

static void check_round_trip(const struct tokenizer *t, struct tokenizer_scratch *s,
                             struct span bytes)
{
    struct tokenizer_tokens tokens = {0};
    CHECK_OK(tokenizer_encode(t, s, bytes, &tokens));
    size_t at = 0;
    for (size_t i = 0; i < tokens.n_ids; i++) {
        struct span token = tokenizer_bytes(t, tokens.ids[i]);
        CHECK(token.n_bytes > 0 && token.n_bytes <= bytes.n_bytes - at);
        CHECK(memcmp(token.data, bytes.data + at, token.n_bytes) == 0);
        at += token.n_bytes;
    }
    CHECK_EQ(at, bytes.n_bytes);
    tokenizer_tokens_free(&tokens);
}

static void check_round_trips(const struct tokenizer *t, uint64_t seed)
{
    struct tokenizer_scratch *s;
    CHECK_OK(tokenizer_scratch_open(&s));
    check_round_trip(t, s, span_of(""));
    check_round_trip(t, s, span_of(corpus));
    uint64_t key = rng_key(seed, "round trip");
    for (uint64_t round = 0; round < 300; round++) {
        uint8_t data[400];
        size_t n = rng_u64(key, round, 0) % sizeof data;
        uint64_t kinds = 1 + rng_u64(key, round, 1) % 256; // few different bytes or many
        for (size_t i = 0; i < n; i++)
            data[i] = (uint8_t)(rng_u64(key, round, 2 + i) % kinds + (kinds < 128 ? 'a' : 0));
        check_round_trip(t, s, (struct span){data, n});
    }
    tokenizer_scratch_close(s);
}

static void check_same(const struct tokenizer *x, const struct tokenizer *y)
{
    struct hash128 hx = tokenizer_hash(x), hy = tokenizer_hash(y);
    CHECK(hx.lo == hy.lo && hx.hi == hy.hi);
    CHECK_EQ(tokenizer_vocabulary(x), tokenizer_vocabulary(y));
    CHECK_EQ(tokenizer_end_of_text(x), tokenizer_end_of_text(y));
}

static void check_json(const struct tokenizer *t)
{
    const char *path = temp_path("json");
    struct tokenizer *back;
    CHECK_OK(tokenizer_save(t, path));
    CHECK_OK(tokenizer_open(path, &a, &back));
    check_same(t, back);
    CHECK_OK(file_remove_tree(path));
}

static char *base64(struct span bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = ARENA_ARRAY(&a, char, (bytes.n_bytes + 2) / 3 * 4 + 1);
    size_t n = 0;
    for (size_t i = 0; i < bytes.n_bytes; i += 3) {
        size_t n_left = bytes.n_bytes - i;
        uint32_t bits = (uint32_t)bytes.data[i] << 16;
        if (n_left > 1) bits |= (uint32_t)bytes.data[i + 1] << 8;
        if (n_left > 2) bits |= bytes.data[i + 2];
        for (size_t k = 0; k < 4; k++)
            out[n++] = k > n_left ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    return out;
}

// The same vocabulary as a rank file and as GPT-2's two files loads to the same tokenizer.
static void check_formats(const struct tokenizer *t)
{
    const char *ranks = "", *encoder = "{", *merges = "#version: 0.2\n";
    for (uint32_t id = 0; id < t->n_ids; id++) {
        struct span bytes = tokenizer_bytes(t, id);
        bool quote = bytes.n_bytes == 1 && (bytes.data[0] == '"' || bytes.data[0] == '\\');
        encoder = arena_printf(&a, "%s%s\"%s%s\": %u", encoder, id > 0 ? ", " : "",
                               quote ? "\\" : "", byte_alphabet_encode(bytes, &a), id);
        if (t->tokens[id].kind == TOKENIZER_SPECIAL) continue;
        ranks = arena_printf(&a, "%s%s %u\n", ranks, base64(bytes), id);
    }
    encoder = arena_printf(&a, "%s}", encoder);
    for (size_t i = 0; i < t->bpe.n_merges; i++)
        merges = arena_printf(&a, "%s%s %s\n", merges,
                              byte_alphabet_encode(tokenizer_bytes(t, t->bpe.merges[i].left), &a),
                              byte_alphabet_encode(tokenizer_bytes(t, t->bpe.merges[i].right), &a));
    struct tokenizer *back;
    CHECK_OK(tokenizer_load_ranks(span_of(ranks), PRETOKENIZE_N_RULES, "ranks", &a, &back));
    check_same(t, back);
    CHECK_OK(tokenizer_load_gpt2(span_of(encoder), span_of(merges), "gpt2", &a, &back));
    check_same(t, back);
    const char *folder = temp_path("gpt2");
    CHECK_OK(file_make_folders(folder));
    CHECK_OK(file_replace(arena_printf(&a, "%s/encoder.json", folder), encoder, strlen(encoder)));
    CHECK_ERR(tokenizer_open(folder, &a, &back), ERR_IO);
    CHECK_OK(file_replace(arena_printf(&a, "%s/vocab.bpe", folder), merges, strlen(merges)));
    CHECK_OK(tokenizer_open(folder, &a, &back));
    check_same(t, back);
    CHECK_OK(file_remove_tree(folder));
}

// A scratch that has seen another tokenizer gives nothing of it.
static void check_scratch_is_shared(const struct tokenizer *t)
{
    const struct tokenizer *other = train("zz zz zz", 258);
    struct tokenizer_scratch *s;
    struct tokenizer_tokens tokens = {0};
    CHECK_OK(tokenizer_scratch_open(&s));
    CHECK_OK(tokenizer_encode(t, s, span_of("zzzz"), &tokens));
    CHECK_EQ(tokens.n_ids, 4);
    CHECK_OK(tokenizer_encode(other, s, span_of("zzzz"), &tokens));
    CHECK_EQ(tokens.n_ids, 6);
    tokenizer_tokens_free(&tokens);
    tokenizer_scratch_close(s);
}

// Pieces that differ only in how many NUL bytes end them are different pieces to the cache.
static void check_nul_bytes(const struct tokenizer *t)
{
    struct tokenizer_scratch *s;
    CHECK_OK(tokenizer_scratch_open(&s));
    const uint8_t data[40] = {0};
    for (size_t n = 1; n <= sizeof data; n++)
        check_round_trip(t, s, (struct span){data, n});
    for (size_t n = 1; n <= sizeof data; n++)
        check_round_trip(t, s, (struct span){data, n});
    tokenizer_scratch_close(s);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    arena_init(&a, "test");
    const struct tokenizer *t = train(corpus, 280);
    CHECK_EQ(tokenizer_vocabulary(t), 280);
    CHECK_EQ(tokenizer_end_of_text(t), 279);
    CHECK_EQ(tokenizer_bytes(t, 280).n_bytes, 0);
    check_round_trips(t, seed);
    check_json(t);
    check_formats(t);
    check_scratch_is_shared(t);
    check_nul_bytes(t);
    arena_fini(&a);
    return 0;
}
