#include "datad/bin_documents.h"

#include "base/size.h"

static enum err check_lengths(const struct source *s, uint64_t bin, const uint32_t *lengths)
{
    const struct source_bin expected = source_bin(s, bin);
    uint64_t n_tokens = 0;
    for (uint64_t i = 0; i < expected.n_documents; i++)
        n_tokens += lengths[i];
    if (n_tokens == expected.n_tokens) return OK;
    return fail(ERR_DATA, "source %s: bin %llu: documents have %llu tokens, the index says %llu",
                s->name, (unsigned long long)bin, (unsigned long long)n_tokens,
                (unsigned long long)expected.n_tokens);
}

static enum err read_loss(const struct source *s, uint64_t bin, const uint32_t *lengths,
                          struct arena *a, uint64_t **out)
{
    *out = NULL;
    if (s->read_loss == NULL) return OK;
    uint64_t *bits = ARENA_ARRAY(a, uint64_t, size_ceil_div(source_bin(s, bin).n_tokens, 64));
    TRY(s->read_loss(s->context, bin, lengths, bits));
    *out = bits;
    return OK;
}

static enum err read_pictures(const struct source *s, uint64_t bin, struct arena *a,
                              struct pack_bin *out)
{
    if (s->read_pictures == NULL) return OK;
    uint64_t *bits = ARENA_ARRAY(a, uint64_t, size_ceil_div(source_bin(s, bin).n_tokens, 64));
    TRY(s->read_pictures(s->context, bin, bits));
    out->pictures = bits;
    out->picture_tokens = s->picture_tokens;
    out->row_pictures = s->row_pictures;
    return OK;
}

enum err bin_documents_read(const struct source *source, uint64_t bin, struct arena *a,
                            struct pack_bin *out)
{
    const uint64_t n_documents = source_bin(source, bin).n_documents;
    uint32_t *lengths = ARENA_ARRAY(a, uint32_t, n_documents);
    uint8_t *keep = NULL;
    uint64_t *loss;
    TRY(source->read_lengths(source->context, bin, lengths));
    TRY(check_lengths(source, bin, lengths));
    if (source->read_keep != NULL) {
        keep = ARENA_ARRAY(a, uint8_t, n_documents);
        TRY(source->read_keep(source->context, bin, keep));
    }
    TRY(read_loss(source, bin, lengths, a, &loss));
    *out = (struct pack_bin){
        .lengths = lengths, .keep = keep, .loss = loss, .n_documents = n_documents};
    return read_pictures(source, bin, a, out);
}

static enum err mark(const struct source *s, uint64_t bin, struct arena *a, uint32_t *tokens)
{
    const struct source_bin expected = source_bin(s, bin);
    uint32_t *lengths = ARENA_ARRAY(a, uint32_t, expected.n_documents);
    uint64_t *loss;
    TRY(s->read_lengths(s->context, bin, lengths));
    TRY(check_lengths(s, bin, lengths));
    TRY(read_loss(s, bin, lengths, a, &loss));
    for (uint64_t i = 0; i < expected.n_tokens; i++)
        if ((loss[i / 64] >> i % 64 & 1) == 0) tokens[i] |= PACK_NO_LOSS;
    return OK;
}

enum err bin_documents_mark(const struct source *source, uint64_t bin, uint32_t *tokens)
{
    if (source->read_loss == NULL) return OK;
    struct arena a;
    arena_init(&a, "loss of a bin");
    const enum err e = mark(source, bin, &a, tokens);
    arena_fini(&a);
    return e;
}
