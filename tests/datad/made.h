#pragma once
// A source made in memory from a seed: bins of documents of random lengths (some of one token, some
// longer than several rows, some empty), each ending in end of text; a token tells nothing by
// itself, so two places rarely look alike.

#include <stdlib.h>

#include "base/arena.h"
#include "base/rng.h"
#include "datad/source.h"

enum { MADE_VOCABULARY = 5000, MADE_END_OF_TEXT = 4999 };

struct made_bin {
    uint32_t *lengths, *tokens;
    uint64_t n_documents, n_tokens, first_document;
};

struct made {
    struct made_bin *bins;
    uint64_t n_bins;
    uint64_t bad_bin; // whose reading fails; UINT64_MAX = none
};

__attribute__((unused)) static struct source_bin made_bin_of(const void *context, uint64_t bin)
{
    const struct made *m = context;
    return (struct source_bin){.n_documents = m->bins[bin].n_documents,
                               .n_tokens = m->bins[bin].n_tokens,
                               .first_document = m->bins[bin].first_document};
}

__attribute__((unused)) static enum err made_lengths(const void *context, uint64_t bin,
                                                     uint32_t *out)
{
    const struct made *m = context;
    for (uint64_t i = 0; i < m->bins[bin].n_documents; i++)
        out[i] = m->bins[bin].lengths[i];
    return OK;
}

__attribute__((unused)) static enum err made_tokens(const void *context, uint64_t bin,
                                                    uint32_t *out)
{
    const struct made *m = context;
    if (bin == m->bad_bin) return fail(ERR_CORRUPT, "made bin %d is damaged", (int)bin);
    for (uint64_t i = 0; i < m->bins[bin].n_tokens; i++)
        out[i] = m->bins[bin].tokens[i];
    return OK;
}

/// Whether a made filter keeps document (counted over the source).
__attribute__((unused)) static int made_keeps(uint64_t document)
{
    return document % 3 != 1;
}

__attribute__((unused)) static enum err made_keep(const void *context, uint64_t bin, uint8_t *out)
{
    const struct made *m = context;
    for (uint64_t i = 0; i < m->bins[bin].n_documents; i++)
        out[i] = (uint8_t)made_keeps(m->bins[bin].first_document + i);
    return OK;
}

/// Whether made loss runs count token (of the bin) as a target.
__attribute__((unused)) static int made_counts(uint64_t bin, uint64_t token)
{
    return (token / 7 + bin) % 3 != 0;
}

__attribute__((unused)) static enum err made_loss(const void *context, uint64_t bin,
                                                  const uint32_t *lengths, uint64_t *bits)
{
    const struct made *m = context;
    (void)lengths;
    for (uint64_t i = 0; i < m->bins[bin].n_tokens; i++)
        if (made_counts(bin, i)) bits[i / 64] |= UINT64_C(1) << i % 64;
    return OK;
}

__attribute__((unused)) static void made_fill_bin(struct made_bin *b, uint64_t key, uint64_t bin,
                                                  uint64_t mean_tokens, struct arena *a)
{
    b->lengths = ARENA_ARRAY(a, uint32_t, mean_tokens);
    b->tokens = ARENA_ARRAY(a, uint32_t, 2 * mean_tokens + 300);
    const uint64_t wanted = mean_tokens / 2 + rng_u64(key, bin, 0) % mean_tokens;
    while (b->n_tokens < wanted && b->n_documents < mean_tokens) {
        const uint64_t r = rng_u64(key, bin, 1 + b->n_documents);
        const uint32_t length = (uint32_t)(r % 16 == 0 ? r / 16 % 200 : r / 16 % 24);
        for (uint32_t i = 0; i < length; i++)
            b->tokens[b->n_tokens + i] =
                (uint32_t)(rng_u64(key ^ 1, bin, b->n_tokens + i) % MADE_END_OF_TEXT);
        b->n_tokens += length;
        if (length > 0) b->tokens[b->n_tokens - 1] = MADE_END_OF_TEXT;
        b->lengths[b->n_documents++] = length;
    }
}

/// n_bins bins of about mean_tokens.
__attribute__((unused)) static struct source made_source(const char *name, double weight,
                                                         uint64_t seed, uint64_t n_bins,
                                                         uint64_t mean_tokens, struct arena *a)
{
    struct made *m = ARENA_NEW(a, struct made);
    const uint64_t key = rng_key(seed, name);
    *m = (struct made){ARENA_ARRAY(a, struct made_bin, n_bins), n_bins, UINT64_MAX};
    struct source s = {.name = name,
                       .weight = weight,
                       .hash = {key, n_bins},
                       .tokenizer_hash = {1, 2},
                       .n_bins = n_bins,
                       .vocabulary = MADE_VOCABULARY,
                       .end_of_text = MADE_END_OF_TEXT,
                       .bin = made_bin_of,
                       .read_lengths = made_lengths,
                       .read_tokens = made_tokens,
                       .context = m};
    for (uint64_t i = 0; i < n_bins; i++) {
        made_fill_bin(&m->bins[i], key, i, mean_tokens, a);
        if (i > 0)
            m->bins[i].first_document = m->bins[i - 1].first_document + m->bins[i - 1].n_documents;
        if (m->bins[i].n_tokens > s.max_bin_tokens) s.max_bin_tokens = m->bins[i].n_tokens;
        if (m->bins[i].n_documents > s.max_bin_documents)
            s.max_bin_documents = m->bins[i].n_documents;
    }
    return s;
}
