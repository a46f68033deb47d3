// What dedup makes of documents, for comparison with datatrove (dedup_parity.py), and how fast:
//
//     bench_dedup sign IN OUT          signatures, on the words given and on our own
//     bench_dedup ccnet IN OUT         CCNet's form of each text, taken as a line
//     bench_dedup judge EVAL IN OUT    decontamination by 12-grams, on the words given
//     bench_dedup speed IN ROUNDS      MB and CPU seconds of each round, simplified to signed
//
// IN holds documents: u32 bytes, text, u32 words, then u32 first and end of each word in the
// simplified text. OUT of sign: u32 bytes, simplified text, then twice u8 has a signature and
// 112 u64; of ccnet: u32 bytes, text; of judge: u8 hit. All little-endian.
#include <time.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/little.h"
#include "base/text.h"
#include "shard/dedup/decontaminate.h"
#include "shard/dedup/minhash.h"
#include "shard/dedup/simplify.h"
#include "shard/dedup/word_grams.h"
#include "shard/filter/words.h"
#include "tests/check.h"

static const size_t FILE_LIMIT_BYTES = (size_t)4 << 30;

struct bench {
    struct arena run, scratch;
    struct span in;
    size_t at;
    struct text out;
    const struct minhash *minhash;
    const struct words *splitter;
};

struct given {
    struct span text;
    const uint8_t *words;
    size_t n_words;
};

static bool next(struct bench *b, struct given *out)
{
    if (b->at == b->in.n_bytes) return false;
    const uint8_t *p = b->in.data + b->at;
    out->text = (struct span){p + 4, little_get_u32(p)};
    p += 4 + out->text.n_bytes;
    out->n_words = little_get_u32(p);
    out->words = p + 4;
    b->at = (size_t)(p + 4 + 8 * out->n_words - b->in.data);
    arena_reset(&b->scratch);
    return true;
}

static const struct span *given_words(struct bench *b, const struct given *g, struct span simple)
{
    struct span *words = ARENA_ARRAY(&b->scratch, struct span, g->n_words);
    for (size_t i = 0; i < g->n_words; i++) {
        const uint32_t first = little_get_u32(g->words + 8 * i);
        const uint32_t end = little_get_u32(g->words + 8 * i + 4);
        CHECK(first <= end && end <= simple.n_bytes);
        words[i] = (struct span){simple.data + first, end - first};
    }
    return words;
}

static void put_bytes(struct bench *b, struct span bytes)
{
    uint8_t size[4];
    little_put_u32(size, (uint32_t)bytes.n_bytes);
    text_put(&b->out, (const char *)size, sizeof size);
    text_put(&b->out, (const char *)bytes.data, bytes.n_bytes);
}

static void put_signature(struct bench *b, struct span simple, const struct span *words,
                          size_t n_words)
{
    enum { N_VALUES = 14 * 8 };
    uint64_t signature[N_VALUES] = {0};
    const char has =
        minhash_sign(b->minhash, simple, words, n_words, &b->scratch, signature) ? 1 : 0;
    text_put(&b->out, &has, 1);
    for (size_t i = 0; i < N_VALUES; i++) {
        uint8_t bytes[8];
        little_put_u64(bytes, signature[i]);
        text_put(&b->out, (const char *)bytes, sizeof bytes);
    }
}

static void sign(struct bench *b)
{
    struct given g;
    while (next(b, &g)) {
        const struct span simple = simplify_text(g.text, &b->scratch);
        size_t n_words;
        put_bytes(b, simple);
        put_signature(b, simple, given_words(b, &g, simple), g.n_words);
        const struct span *words = word_grams_split(b->splitter, simple, &b->scratch, &n_words);
        put_signature(b, simple, words, n_words);
    }
}

static void ccnet(struct bench *b)
{
    struct given g;
    while (next(b, &g)) {
        struct simplify_buffer buffer;
        simplify_buffer_begin(&buffer, 16, &b->scratch);
        put_bytes(b, simplify_ccnet(g.text, &buffer));
    }
}

static void judge(struct bench *b, char *eval)
{
    const struct decontaminate_options o = {&eval, 1, 12, b->splitter, 0};
    const struct decontaminate_index *index;
    struct decontaminate_hit hit;
    struct given g;
    CHECK_OK(decontaminate_open(&o, &b->run, &index));
    while (next(b, &g)) {
        const struct span simple = simplify_text(g.text, &b->scratch);
        const struct span *words = given_words(b, &g, simple);
        const char found = decontaminate_judge(index, words, g.n_words, &b->scratch, &hit) ? 1 : 0;
        text_put(&b->out, &found, 1);
    }
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void speed(struct bench *b, long n_rounds)
{
    for (long round = 0; round < n_rounds; round++) {
        uint64_t signature[14 * 8], keys[14], sum = 0;
        size_t n_bytes = 0, n_words;
        struct given g;
        const double start_s = cpu_s();
        for (b->at = 0; next(b, &g); n_bytes += g.text.n_bytes) {
            const struct span simple = simplify_text(g.text, &b->scratch);
            const struct span *words = word_grams_split(b->splitter, simple, &b->scratch, &n_words);
            if (!minhash_sign(b->minhash, simple, words, n_words, &b->scratch, signature)) continue;
            minhash_keys(b->minhash, signature, keys);
            sum += keys[13];
        }
        printf("%.3f MB %.4f s sum %llx\n", (double)n_bytes * 1e-6, cpu_s() - start_s,
               (unsigned long long)sum);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    struct minhash_params params;
    if (argc < 4) {
        fprintf(stderr, "bench_dedup sign|ccnet|judge|speed ...\n");
        return 64;
    }
    const char *mode = argv[1];
    const bool judging = strcmp(mode, "judge") == 0, timing = strcmp(mode, "speed") == 0;
    arena_init(&b.run, "bench");
    arena_init(&b.scratch, "document");
    text_begin(&b.out, &b.run);
    CHECK_OK(minhash_preset("fineweb", &params));
    CHECK_OK(minhash_open(&params, &b.run, &b.minhash));
    b.splitter = words_build(filter_characters_build(&b.run), &b.run);
    CHECK_OK(file_read(argv[judging ? 3 : 2], FILE_LIMIT_BYTES, &b.run, &b.in));
    if (judging) judge(&b, argv[2]);
    if (timing) speed(&b, strtol(argv[3], NULL, 10));
    if (strcmp(mode, "sign") == 0) sign(&b);
    if (strcmp(mode, "ccnet") == 0) ccnet(&b);
    if (!timing) CHECK_OK(file_replace(argv[judging ? 4 : 3], b.out.data, b.out.n_bytes));
    arena_fini(&b.scratch);
    arena_fini(&b.run);
    return 0;
}
