// Rank files whose ranks come in any order, against tiktoken's definition: a piece that is a token
// is that; else of all neighbours the two whose bytes together have the lowest rank are joined, the
// leftmost on a tie.
#include "base/rng.h"
#include "shard/tokenizer/tokenizer_model.h"
#include "tests/check.h"

enum { N_TOKENS = 32, LIMIT_TOKEN = 6, LIMIT_PIECE = 90 };

static struct arena a;

// Tokens 256, 257, ...: different strings of the letters a to c, of at least two.
struct ranks {
    char tokens[N_TOKENS][LIMIT_TOKEN + 1];
    uint32_t n_tokens;
};

static uint32_t rank_of(const struct ranks *r, struct span bytes)
{
    if (bytes.n_bytes == 1) return bytes.data[0];
    for (uint32_t i = 0; i < r->n_tokens; i++)
        if (strlen(r->tokens[i]) == bytes.n_bytes &&
            memcmp(r->tokens[i], bytes.data, bytes.n_bytes) == 0)
            return 256 + i;
    return UINT32_MAX;
}

static void ranks_make(struct ranks *r, uint64_t key)
{
    *r = (struct ranks){0};
    for (uint64_t i = 0; i < N_TOKENS; i++) {
        char *token = r->tokens[r->n_tokens];
        size_t n = 2 + rng_u64(key, i, 0) % (LIMIT_TOKEN - 1);
        for (size_t k = 0; k < n; k++)
            token[k] = (char)('a' + rng_u64(key, i, 1 + k) % 3);
        token[n] = 0;
        struct span bytes = {(const uint8_t *)token, n};
        if (rank_of(r, bytes) == UINT32_MAX) r->n_tokens++;
    }
}

// Of 1 to 6 bytes.
static const char *base64(const uint8_t *bytes, size_t n_bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *out = ARENA_ARRAY(&a, char, 9);
    for (size_t i = 0, n = 0; i < n_bytes; i += 3) {
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (i + k < n_bytes ? bytes[i + k] : 0);
        for (size_t k = 0; k < 4; k++)
            out[n++] = k > n_bytes - i ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
    return out;
}

static struct tokenizer *ranks_load(const struct ranks *r)
{
    char *text = ARENA_ARRAY(&a, char, (256 + N_TOKENS) * 16);
    size_t n = 0;
    for (uint32_t id = 0; id < 256 + r->n_tokens; id++) {
        uint8_t byte = (uint8_t)id;
        const char *code =
            id < 256 ? base64(&byte, 1)
                     : base64((const uint8_t *)r->tokens[id - 256], strlen(r->tokens[id - 256]));
        n += (size_t)snprintf(text + n, 16, "%s %u\n", code, id);
    }
    struct tokenizer *t;
    const struct span bytes = {(const uint8_t *)text, n};
    CHECK_OK(tokenizer_load_ranks(bytes, PRETOKENIZE_GPT2, "ranks", &a, &t));
    return t;
}

// ends[i] is where token i of piece ends. Returns how many there are.
static size_t reference(const struct ranks *r, struct span piece, size_t *ends)
{
    if (rank_of(r, piece) != UINT32_MAX) {
        ends[0] = piece.n_bytes;
        return 1;
    }
    size_t n = piece.n_bytes;
    for (size_t i = 0; i < n; i++)
        ends[i] = i + 1;
    for (;;) {
        uint32_t best_rank = UINT32_MAX;
        size_t best = 0;
        for (size_t i = 0; i + 1 < n; i++) {
            size_t start = i == 0 ? 0 : ends[i - 1];
            uint32_t rank = rank_of(r, (struct span){piece.data + start, ends[i + 1] - start});
            if (rank >= best_rank) continue;
            best_rank = rank;
            best = i;
        }
        if (best_rank == UINT32_MAX) return n;
        n--;
        memmove(ends + best, ends + best + 1, (n - best) * sizeof *ends);
    }
}

static void check_piece(const struct ranks *r, const struct tokenizer *t,
                        struct tokenizer_scratch *s, struct span piece)
{
    size_t ends[LIMIT_PIECE], n = reference(r, piece, ends);
    struct tokenizer_tokens tokens = {0};
    CHECK_OK(tokenizer_encode(t, s, piece, &tokens));
    CHECK_EQ(tokens.n_ids, n);
    for (size_t i = 0, start = 0; i < n; start = ends[i++])
        CHECK_EQ(tokens.ids[i], rank_of(r, (struct span){piece.data + start, ends[i] - start}));
    tokenizer_tokens_free(&tokens);
}

int main(int argc, char **argv)
{
    uint64_t seed = check_seed(argc, argv);
    struct tokenizer_scratch *s;
    CHECK_OK(tokenizer_scratch_open(&s));
    for (uint64_t round = 0; round < 60; round++) {
        arena_init(&a, "test");
        uint64_t key = rng_key(seed + round, "ranks");
        struct ranks r;
        ranks_make(&r, key);
        const struct tokenizer *t = ranks_load(&r);
        for (uint64_t k = 0; k < 60; k++) {
            uint8_t data[LIMIT_PIECE];
            size_t n = 1 + rng_u64(key, 1000, k) % (k % 2 == 0 ? 12 : LIMIT_PIECE);
            for (size_t i = 0; i < n; i++)
                data[i] = (uint8_t)('a' + rng_u64(key, 2000 + k, i) % 3);
            check_piece(&r, t, s, (struct span){data, n});
        }
        arena_fini(&a);
    }
    tokenizer_scratch_close(s);
    return 0;
}
