// The trainer against one that counts all pairs anew for each merge, and what must not matter to
// it.
#include "shard/tokenizer/bpe_train.h"

#include <stdbool.h>

#include "base/rng.h"
#include "shard/tokenizer/byte_alphabet.h"
#include "shard/tokenizer/tokenizer_model.h"
#include "tests/check.h"

enum { LIMIT_BYTES = 4000, LIMIT_MERGES = 200 };

static struct arena a;

static struct span span_of(const char *text)
{
    return (struct span){(const uint8_t *)text, strlen(text)};
}

// A text as tokens; ends[i] says that a piece ends after token i.
struct reference {
    uint32_t ids[LIMIT_BYTES];
    bool ends[LIMIT_BYTES];
    size_t n;
    struct bpe_merge merges[LIMIT_MERGES];
    size_t n_merges;
};

static void reference_begin(struct reference *r, struct span text)
{
    const struct pretokenize *p = pretokenize_build(&a);
    r->n = r->n_merges = 0;
    while (text.n_bytes > 0) {
        size_t n = pretokenize_next(p, PRETOKENIZE_GPT2, text);
        for (size_t i = 0; i < n; i++) {
            r->ends[r->n] = i + 1 == n;
            r->ids[r->n++] = byte_alphabet_order(text.data[i]);
        }
        text = (struct span){text.data + n, text.n_bytes - n};
    }
}

static size_t reference_count(const struct reference *r, uint32_t left, uint32_t right)
{
    size_t count = 0;
    for (size_t i = 0; i + 1 < r->n; i++)
        count += !r->ends[i] && r->ids[i] == left && r->ids[i + 1] == right;
    return count;
}

// Most frequent pair, then lowest left, then lowest right. False when there is none.
static bool reference_best(const struct reference *r, struct bpe_merge *best)
{
    size_t best_count = 0;
    for (size_t i = 0; i + 1 < r->n; i++) {
        if (r->ends[i]) continue;
        uint32_t left = r->ids[i], right = r->ids[i + 1];
        size_t count = reference_count(r, left, right);
        bool lower = left < best->left || (left == best->left && right < best->right);
        if (count > best_count || (count == best_count && lower)) {
            best_count = count;
            *best = (struct bpe_merge){left, right, 0};
        }
    }
    return best_count > 0;
}

static void reference_join(struct reference *r, struct bpe_merge merge)
{
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++, n++) {
        bool join =
            i + 1 < r->n && !r->ends[i] && r->ids[i] == merge.left && r->ids[i + 1] == merge.right;
        r->ids[n] = join ? merge.id : r->ids[i];
        i += join;
        r->ends[n] = r->ends[i];
    }
    r->n = n;
}

static void reference_train(struct reference *r, size_t n_merges)
{
    struct bpe_merge best;
    while (r->n_merges < n_merges && reference_best(r, &best)) {
        best.id = (uint32_t)(256 + r->n_merges);
        r->merges[r->n_merges++] = best;
        reference_join(r, best);
    }
}

static struct tokenizer *train(const struct span *texts, size_t n_texts, uint64_t vocabulary)
{
    struct bpe_train *t;
    struct tokenizer *tokenizer;
    CHECK_OK(bpe_train_open(PRETOKENIZE_GPT2, 1, &a, &t));
    for (size_t i = 0; i < n_texts; i++)
        CHECK_OK(bpe_train_add(t, 0, texts[i]));
    CHECK_OK(bpe_train_run(t, vocabulary, &a, &tokenizer));
    bpe_train_close(t);
    return tokenizer;
}

static struct reference reference;

static void check_against_reference(struct span text, size_t n_merges)
{
    reference_begin(&reference, text);
    reference_train(&reference, n_merges);
    const struct tokenizer *t = train(&text, 1, 257 + n_merges);
    CHECK_EQ(t->bpe.n_merges, reference.n_merges);
    for (size_t i = 0; i < reference.n_merges; i++) {
        CHECK_EQ(t->bpe.merges[i].left, reference.merges[i].left);
        CHECK_EQ(t->bpe.merges[i].right, reference.merges[i].right);
        CHECK_EQ(t->bpe.merges[i].id, reference.merges[i].id);
    }
}

static void check_random(uint64_t seed)
{
    for (uint64_t round = 0; round < 60; round++) {
        uint64_t key = rng_key(seed + round, "train");
        static uint8_t data[LIMIT_BYTES];
        size_t n = 1 + rng_u64(key, 0, 0) % (round % 10 == 0 ? 1500 : 300);
        uint64_t n_letters = 1 + rng_u64(key, 0, 1) % 8, n_words = 2 + rng_u64(key, 0, 2) % 12;
        for (size_t i = 0; i < n; i++) {
            uint64_t r = rng_u64(key, 1, i);
            data[i] = (uint8_t)(r % n_words == 0 ? ' ' : 'a' + (r >> 32) % n_letters);
            if (round % 7 == 6) data[i] = (uint8_t)(r >> 8);
        }
        check_against_reference((struct span){data, n}, 1 + rng_u64(key, 0, 3) % 60);
    }
    check_against_reference(span_of("aaaaaaaaaaaaaaaaaaaaaaa aaaa aaaaaaa"), 20);
    check_against_reference(span_of("abababababab ababab babab aba"), 20);
}

static bool same(const struct tokenizer *x, const struct tokenizer *y)
{
    struct hash128 hx = tokenizer_hash(x), hy = tokenizer_hash(y);
    return hx.lo == hy.lo && hx.hi == hy.hi;
}

static void check_order_does_not_matter(void)
{
    const struct span forth[] = {span_of("the cat sat on the mat"), span_of("that hat, that cat"),
                                 span_of("a theme then a throne"), span_of("zzzzzzz zzzz")};
    const struct span back[] = {forth[3], forth[2], forth[1], forth[0]};
    CHECK(same(train(forth, 4, 290), train(back, 4, 290)));
    CHECK(!same(train(forth, 4, 290), train(forth, 3, 290)));
}

// Texts of random words, given to several threads' counters and settled in the pool now and then,
// give what one counter gives.
static void check_threads_do_not_matter(uint64_t seed)
{
    enum { TEXTS = 300, TEXT_BYTES = 400 };
    struct span texts[TEXTS];
    uint64_t key = rng_key(seed, "threads");
    for (uint64_t i = 0; i < TEXTS; i++) {
        uint8_t *data = ARENA_ARRAY(&a, uint8_t, TEXT_BYTES);
        for (uint64_t k = 0; k < TEXT_BYTES; k++) {
            uint64_t r = rng_u64(key, i, k);
            data[k] = (uint8_t)(r % 5 == 0 ? ' ' : 'a' + (r >> 32) % (1 + i % 26));
        }
        texts[i] = (struct span){data, TEXT_BYTES};
    }
    const struct tokenizer *one = train(texts, TEXTS, 700);
    for (size_t n_threads = 2; n_threads <= 5; n_threads++) {
        struct bpe_train *t;
        struct tokenizer *many;
        struct pool *pool;
        CHECK_OK(pool_open(&a, n_threads, &pool));
        CHECK_OK(bpe_train_open(PRETOKENIZE_GPT2, n_threads, &a, &t));
        for (size_t i = 0; i < TEXTS; i++) {
            CHECK_OK(bpe_train_add(t, rng_u64(key, i, TEXT_BYTES) % n_threads, texts[i]));
            if (i % 100 == 50) CHECK_OK(bpe_train_settle(t, pool, true));
        }
        CHECK_EQ(bpe_train_bytes(t), TEXTS * TEXT_BYTES);
        CHECK_OK(bpe_train_run(t, 700, &a, &many));
        CHECK(same(one, many));
        bpe_train_close(t);
        pool_close(pool);
    }
}

static void check_limits(void)
{
    struct bpe_train *t;
    struct tokenizer *tokenizer;
    CHECK_OK(bpe_train_open(PRETOKENIZE_GPT2, 1, &a, &t));
    CHECK_ERR(bpe_train_run(t, 256, &a, &tokenizer), ERR_CONFIG);
    CHECK_LINE("a vocabulary of 256 tokens; from 257 (the bytes and <|endoftext|>) to 4194304 are "
               "possible");
    CHECK_ERR(bpe_train_run(t, (uint64_t)1 << 32, &a, &tokenizer), ERR_CONFIG);
    CHECK_ERR(bpe_train_run(t, 257, &a, &tokenizer), ERR_DATA);
    CHECK_LINE("no text to train a tokenizer on");
    CHECK_OK(bpe_train_add(t, 0, span_of("abc abc")));
    CHECK_OK(bpe_train_run(t, 257, &a, &tokenizer));
    CHECK_EQ(tokenizer_vocabulary(tokenizer), 257);
    bpe_train_close(t);
    const struct span text = span_of("abc abc");
    tokenizer = train(&text, 1, 5000); // "abc", " abc": three merges and no more
    CHECK_EQ(tokenizer_vocabulary(tokenizer), 260);
    CHECK_EQ(tokenizer_end_of_text(tokenizer), 259);
}

// A piece of a million equal letters: tokens double up to the limit of their length.
static void check_long_run(void)
{
    size_t n = 1000000;
    uint8_t *data = ARENA_ARRAY(&a, uint8_t, n);
    memset(data, 'a', n);
    const struct span text = {data, n};
    const struct tokenizer *t = train(&text, 1, 400);
    size_t longest = 0;
    for (uint32_t id = 0; id < tokenizer_vocabulary(t); id++)
        if (tokenizer_bytes(t, id).n_bytes > longest) longest = tokenizer_bytes(t, id).n_bytes;
    CHECK_EQ(longest, TOKENIZER_TOKEN_LIMIT_BYTES);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    arena_init(&a, "test");
    check_random(seed);
    check_order_does_not_matter();
    check_threads_do_not_matter(seed);
    check_limits();
    check_long_run();
    arena_fini(&a);
    return 0;
}
