// Packing against a reference that knows, token by token, which document it is in.

#include "datad/pack.h"

#include "base/arena.h"
#include "base/rng.h"
#include "tests/check.h"
#include "tests/datad/made.h"

struct flat {
    uint32_t *token, *document; // [n_tokens]
    uint32_t *ends;             // of documents that are not empty
    uint64_t n_tokens, n_ends;
};

static struct flat flatten(const struct made_bin *b, struct arena *a)
{
    struct flat f = {.token = b->tokens, .n_tokens = b->n_tokens};
    f.document = ARENA_ARRAY(a, uint32_t, b->n_tokens);
    f.ends = ARENA_ARRAY(a, uint32_t, b->n_documents);
    uint64_t at = 0;
    for (uint64_t d = 0; d < b->n_documents; d++) {
        for (uint32_t i = 0; i < b->lengths[d]; i++)
            f.document[at++] = (uint32_t)d;
        if (b->lengths[d] > 0) f.ends[f.n_ends++] = (uint32_t)at;
    }
    CHECK_EQ(at, b->n_tokens);
    return f;
}

struct arrays {
    int32_t tokens[512], targets[512], positions[512], document_start[512];
    float mask[512];
};

static void check_position(const struct flat *f, uint64_t T, uint64_t row, uint64_t i,
                           const struct arrays *got)
{
    const uint64_t at = row * T + i;
    const int real = at < f->n_tokens;
    const int counts = real && at + 1 < f->n_tokens && f->document[at + 1] == f->document[at];
    uint64_t start = i;
    while (real && start > 0 && f->document[row * T + start - 1] == f->document[at])
        start--;
    CHECK_EQ(got->tokens[i], real ? (long long)f->token[at] : 0);
    CHECK_EQ(got->targets[i], counts ? (long long)f->token[at + 1] : 0);
    CHECK(got->mask[i] == (counts ? 1.0F : 0.0F));
    CHECK_EQ(got->positions[i], i - start);
    CHECK_EQ(got->document_start[i], start);
}

static void check_bin(const struct made_bin *b, uint64_t T)
{
    struct arena a;
    arena_init(&a, "test");
    const struct flat f = flatten(b, &a);
    const struct pack_bin bin = {f.ends, f.n_ends, b->tokens, b->n_tokens};
    const uint64_t n_rows = pack_rows(b->n_tokens, T);
    CHECK(n_rows * T >= b->n_tokens && (n_rows == 0 || (n_rows - 1) * T < b->n_tokens));
    uint64_t all = 0;
    for (uint64_t row = 0; row < n_rows; row++) {
        struct arrays got;
        uint64_t counted = 0;
        pack_fill(&bin, T, row,
                  &(struct pack_row){got.tokens, got.targets, got.mask, got.positions,
                                     got.document_start});
        for (uint64_t i = 0; i < T; i++) {
            check_position(&f, T, row, i, &got);
            counted += got.mask[i] > 0;
        }
        CHECK_EQ(pack_loss_tokens(&bin, T, row), counted);
        all += counted;
    }
    CHECK_EQ(all, b->n_tokens - f.n_ends); // each token but a document's first is a target once
    arena_fini(&a);
}

int main(int argc, char **argv)
{
    const uint64_t seed = check_seed(argc, argv);
    struct arena a;
    arena_init(&a, "test");
    const struct source s = made_source("pack", 1, seed, 12, 800, &a);
    const struct made *m = s.context;
    for (uint64_t bin = 0; bin < m->n_bins; bin++) {
        const uint64_t lengths[] = {1, 2, 3, 7, 16, 64, 501, 1 + rng_u64(seed, bin, 0) % 512};
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
            check_bin(&m->bins[bin], lengths[i]);
    }
    arena_fini(&a);
    return 0;
}
