#include "datad/source.h"

#include "datad/pack.h"

// Token indices inside a bin are u32.
#define BIN_TOKENS_LIMIT (UINT32_C(1) << 31)

static struct hash128 mix(struct hash128 a, struct hash128 b)
{
    return b.lo == 0 && b.hi == 0 ? a : hash_pair(a, b);
}

struct hash128 source_content(const struct source *s)
{
    return mix(mix(s->hash, s->filter_hash), s->images_hash);
}

void source_close(struct source *s)
{
    if (s->close != NULL) s->close(s->context);
    s->close = NULL;
}

static enum err check_one(const struct source *s)
{
    if (s->n_bins == 0) return fail(ERR_DATA, "source %s has no documents", s->name);
    if (s->vocabulary >= PACK_NO_LOSS)
        return fail(ERR_DATA, "source %s: a vocabulary of %u ids", s->name, s->vocabulary);
    if (s->n_bins > UINT32_MAX || s->max_bin_tokens > BIN_TOKENS_LIMIT ||
        s->max_bin_documents > BIN_TOKENS_LIMIT)
        return fail(ERR_DATA, "source %s: bins beyond what datad can index", s->name);
    return OK;
}

static enum err check_pair(const struct source *a, const struct source *b)
{
    const bool same = a->tokenizer_hash.lo == b->tokenizer_hash.lo &&
                      a->tokenizer_hash.hi == b->tokenizer_hash.hi &&
                      a->vocabulary == b->vocabulary && a->end_of_text == b->end_of_text;
    if (same) return OK;
    return fail(ERR_DATA, "sources %s and %s were made with different tokenizers", a->name,
                b->name);
}

enum err source_check_all(const struct source *sources, size_t n_sources)
{
    for (size_t i = 0; i < n_sources; i++) {
        TRY(check_one(&sources[i]));
        TRY(check_pair(&sources[0], &sources[i]));
    }
    return OK;
}
