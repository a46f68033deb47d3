// What loaders refuse, and the line that they say it with.
#include "base/file.h"
#include "base/rng.h"
#include "shard/tokenizer/bpe_train.h"
#include "shard/tokenizer/tokenizer_model.h"
#include "tests/check.h"

static struct arena a;

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

// tokenizer.json of a small trained vocabulary.
static struct span small_json(void)
{
    struct bpe_train *t;
    struct tokenizer *tokenizer;
    struct span text;
    CHECK_OK(bpe_train_open(PRETOKENIZE_GPT2, 1, &a, &t));
    CHECK_OK(bpe_train_add(t, 0, span_of("the cat sat on the mat the hat")));
    CHECK_OK(bpe_train_run(t, 265, &a, &tokenizer));
    bpe_train_close(t);
    CHECK_OK(tokenizer_save(tokenizer, "test_tokenizer_load.json"));
    CHECK_OK(file_read("test_tokenizer_load.json", 1 << 20, &a, &text));
    CHECK_OK(file_remove_tree("test_tokenizer_load.json"));
    return text;
}

// text with the first `from` replaced by `to`.
static struct span edited(struct span text, const char *from, const char *to)
{
    const char *at = strstr((const char *)text.data, from);
    CHECK(at != NULL);
    return span_of(arena_printf(&a, "%.*s%s%s", (int)(at - (const char *)text.data),
                                (const char *)text.data, to, at + strlen(from)));
}

static void check_json(void)
{
    static const struct {
        const char *from, *to, *line;
    } cases[] = {
        {"\"normalizer\": null", "\"normalizer\": {\"type\": \"Lowercase\"}",
         "f: normalizer Lowercase is not supported; NFC, NFD, NFKC, NFKD, and Prepend and Replace "
         "as in Llama 2 are"},
        {"\"ByteLevel\"", "\"Whitespace\"",
         "f: pre_tokenizer Whitespace is not supported; ByteLevel, Split, Digits one by one and "
         "Metaspace are"},
        {"\"BPE\"", "\"Unigram\"", "f: model is not BPE"},
        {"\"byte_fallback\": false", "\"byte_fallback\": true",
         "f: neither byte-level (pre_tokenizer ByteLevel) nor with byte_fallback and U+2581 for "
         "spaces"},
        {"\"dropout\": null", "\"dropout\": 0.1", "f: model.dropout is not supported"},
        {"\"end_of_word_suffix\": null", "\"end_of_word_suffix\": \"</w>\"",
         "f: model.end_of_word_suffix is not supported"},
        {"\"merges\"", "\"mergers\"", "f: no model.vocab and model.merges"},
        {"\"!\": 0", "\"!\": -1", "f: the id of '!' is not a number from 0"},
        {"\"!\": 0", "\"!\": 1", "f: id 1 is given twice"},
        {"\"!\": 0", "\"!\": 1000000", "f: id 1000000 is too far from the 1 others"},
        {"\"!\": 0", "\"!!\": 0", "f: byte 0x21 is no token"},
        {"\"!\": 0", "\"\": 0", "f: id 0 is a token of 0 bytes; 1 to 4096 can be"},
        {"\"!\": 0", "\"\xE4\xBD\xA0\": 0",
         "f: token '\xE4\xBD\xA0': byte 0 is no character of GPT-2's alphabet"},
        {"\"!\": 0", "\" \": 0", "f: token ' ': U+0020 is no character of GPT-2's alphabet"},
        {"\"<|endoftext|>\": 264", "\"<|endoftext|>\": 7",
         "f: '<|endoftext|>' has the ids 264 and 7"},
        {"\"a t\"", "\"at\"", "f: merge 0 is not two tokens with a space between"},
        {"\"a t\"", "[\"a\"]", "f: model.merges[0] is neither 'a b' nor ['a', 'b']"},
        {"\"a t\"", "\"a !\"", "f: merge 0 needs the token 'a!', which is not in the vocabulary"},
    };
    struct span good = small_json();
    struct tokenizer *t, *pairs;
    CHECK_OK(tokenizer_load_json(good, "f", &a, &t));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct span bad = edited(good, cases[i].from, cases[i].to);
        CHECK_ERR(tokenizer_load_json(bad, "f", &a, &t), ERR_DATA);
        CHECK_LINE(cases[i].line);
    }
    CHECK_OK(tokenizer_load_json(edited(good, "\"a t\"", "[\"a\", \"t\"]"), "f", &a, &pairs));
    struct hash128 x = tokenizer_hash(t), y = tokenizer_hash(pairs);
    CHECK(x.lo == y.lo && x.hi == y.hi);
    for (size_t n = 0; n < good.n_bytes - 1; n += 97) // cut short anywhere
        CHECK_ERR(tokenizer_load_json((struct span){good.data, n}, "f", &a, &t), ERR_DATA);
    CHECK_ERR(tokenizer_load_json(span_of("[]"), "f", &a, &t), ERR_DATA);
    CHECK_LINE("f: not a JSON object");
    CHECK_ERR(tokenizer_load_json(span_of("{\"a\": 1, \"a\": 2}"), "f", &a, &t), ERR_DATA);
}

static void check_ranks(void)
{
    struct tokenizer *t;
    static const char *const bad[] = {
        "YQ==",           "YQ== x", "YQ= 1",   "YQ==  1",    "Y!== 1",   "YR== 1",
        "==== 1",         " 1",     "YQ== -1", "YWE=YWE= 1", "YQ== 1 2", "\xFF\xFF\xFF\xFF 1",
        "YQ== 9999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_ERR(tokenizer_load_ranks(span_of(bad[i]), PRETOKENIZE_N_RULES, "f", &a, &t),
                  ERR_DATA);
        CHECK_LINE("f:1: not 'base64 rank', as in tiktoken's files");
    }
    CHECK_ERR(tokenizer_load_ranks(span_of(""), PRETOKENIZE_N_RULES, "f", &a, &t), ERR_DATA);
    CHECK_LINE("f: no token in it");
    CHECK_ERR(tokenizer_load_ranks(span_of("YQ== 0\nYQ== 1\n"), PRETOKENIZE_N_RULES, "f", &a, &t),
              ERR_DATA);
    CHECK_LINE("f: ids 0 and 1 are the same token");
    CHECK_ERR(tokenizer_load_ranks(span_of("YQ== 0\r\n\nYWE= 1"), PRETOKENIZE_N_RULES, "f", &a, &t),
              ERR_DATA);
    CHECK_LINE("f: byte 0x00 is no token");
}

// A token that merging can't reach ("abc" without "ab" or "bc") is found as a whole piece, and only
// so.
static void check_whole_pieces(void)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *ranks = "";
    for (unsigned i = 0; i < 256; i++)
        ranks = arena_printf(&a, "%s%c%c== %u\n", ranks, digits[i >> 2], digits[(i & 3) << 4], i);
    struct tokenizer *t;
    CHECK_OK(tokenizer_load_ranks(span_of(arena_printf(&a, "%sYWJj 256\n", ranks)),
                                  PRETOKENIZE_N_RULES, "f", &a, &t));
    CHECK_EQ(tokenizer_end_of_text(t), 257);
    struct tokenizer_scratch *s;
    struct tokenizer_tokens tokens = {0};
    CHECK_OK(tokenizer_scratch_open(&s));
    CHECK_OK(tokenizer_encode(t, s, span_of("abc abc abc"), &tokens));
    CHECK_EQ(tokens.n_ids, 9);
    CHECK_EQ(tokens.ids[0], 256);
    tokenizer_tokens_free(&tokens);
    tokenizer_scratch_close(s);
    CHECK_OK(tokenizer_save(t, "test_tokenizer_load.json"));
    struct tokenizer *back;
    CHECK_OK(tokenizer_open("test_tokenizer_load.json", &a, &back));
    CHECK_OK(file_remove_tree("test_tokenizer_load.json"));
    struct hash128 x = tokenizer_hash(t), y = tokenizer_hash(back);
    CHECK(x.lo == y.lo && x.hi == y.hi);
}

// Any byte of a file may be wrong: an error or a tokenizer, never a crash.
static void check_flips(uint64_t seed)
{
    struct span good = small_json();
    uint64_t key = rng_key(seed, "flips");
    for (uint64_t i = 0; i < 3000; i++) {
        struct arena scratch;
        arena_init(&scratch, "flip");
        uint8_t *data = ARENA_ARRAY(&scratch, uint8_t, good.n_bytes + 1);
        memcpy(data, good.data, good.n_bytes);
        data[rng_u64(key, i, 0) % good.n_bytes] = (uint8_t)rng_u64(key, i, 1);
        struct tokenizer *t;
        enum err e = tokenizer_load_json((struct span){data, good.n_bytes}, "f", &scratch, &t);
        CHECK(e == OK || e == ERR_DATA);
        arena_fini(&scratch);
    }
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct tokenizer *t;
    arena_init(&a, "test");
    CHECK_ERR(tokenizer_open("absent", &a, &t), ERR_IO);
    CHECK_ERR(tokenizer_open(".", &a, &t), ERR_DATA);
    CHECK_LINE(
        ".: no tokenizer here: neither tokenizer.json, tokenizer.model nor encoder.json with "
        "vocab.bpe");
    check_json();
    check_ranks();
    check_whole_pieces();
    check_flips(seed);
    arena_fini(&a);
    return 0;
}
