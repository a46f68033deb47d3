#include "datad/bins.h"

#include "base/size.h"
#include "datad/bin_documents.h"
#include "shard/dataset/dataset.h"

struct bins {
    struct bins_options options;
    struct source_bin largest;
    struct bin_cache *tokens;
};

static uint64_t key_of(size_t source, uint32_t bin)
{
    return (uint64_t)source << 32 | bin;
}

static enum err check_ids(const struct source *s, uint64_t bin, const uint32_t *tokens, uint64_t n)
{
    const uint64_t bad = dataset_find_bad_token(tokens, n, s->vocabulary);
    if (bad == n) return OK;
    return fail(ERR_DATA, "source %s: bin %llu: token %llu is id %u of a vocabulary of %u", s->name,
                (unsigned long long)bin, (unsigned long long)bad, tokens[bad], s->vocabulary);
}

static enum err load_tokens(const void *context, uint64_t key, uint32_t *slot, uint64_t *n)
{
    const struct bins *b = context;
    const struct source *s = &b->options.sources[key >> 32];
    const uint64_t bin = key & UINT32_MAX;
    *n = source_bin(s, bin).n_tokens;
    TRY(s->read_tokens(s->context, bin, slot));
    TRY(check_ids(s, bin, slot, *n));
    return bin_documents_mark(s, bin, slot);
}

static struct source_bin find_largest(const struct bins_options *o)
{
    struct source_bin most = {.n_documents = 1, .n_tokens = 1};
    for (size_t i = 0; i < o->n_sources; i++) {
        most.n_documents = size_max(most.n_documents, o->sources[i].max_bin_documents);
        most.n_tokens = size_max(most.n_tokens, o->sources[i].max_bin_tokens);
        most.n_pictures = size_max(most.n_pictures, o->sources[i].max_bin_pictures);
    }
    return most;
}

/// Two windows of each source (streams cross from one to the next), within cache_bytes.
static size_t token_slots(const struct bins_options *o, uint64_t max_tokens)
{
    const size_t wanted = 2 * o->window_bins * o->n_sources;
    const size_t affordable = o->cache_bytes / (max_tokens * sizeof(uint32_t));
    return size_max(size_min(wanted, affordable), o->n_threads + 1);
}

enum err bins_open(const struct bins_options *o, struct arena *a, struct bins **out)
{
    struct bins *b = ARENA_NEW(a, struct bins);
    b->options = *o;
    b->largest = find_largest(o);
    const struct bin_cache_options tokens = {.n_slots = token_slots(o, b->largest.n_tokens),
                                             .slot_elems = b->largest.n_tokens,
                                             .load = load_tokens,
                                             .context = b};
    TRY(bin_cache_open(&tokens, a, &b->tokens));
    *out = b;
    return OK;
}

void bins_close(struct bins *b)
{
    bin_cache_close(b->tokens);
}

const struct bins_options *bins_options(const struct bins *b)
{
    return &b->options;
}

struct source_bin bins_largest(const struct bins *b)
{
    return b->largest;
}

enum err bins_acquire(struct bins *b, size_t source, uint32_t bin, struct bins_hold *out)
{
    struct bins_hold h;
    TRY(bin_cache_acquire(b->tokens, key_of(source, bin), &h.slot));
    h.tokens = h.slot.data;
    *out = h;
    return OK;
}

const uint32_t *bins_peek(struct bins *b, size_t source, uint32_t bin)
{
    return bin_cache_peek(b->tokens, key_of(source, bin));
}

void bins_release(struct bins *b, const struct bins_hold *hold)
{
    bin_cache_release(b->tokens, &hold->slot);
}
