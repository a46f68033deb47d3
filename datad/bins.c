#include "datad/bins.h"

#include <string.h>

#include "base/size.h"

// Document ends are small: keep those of more bins than the tokens, so that a step's loss tokens
// rarely read the disk.
enum { ENDS_SLOTS_LIMIT = 1024, ENDS_PER_TOKENS = 4 };

struct bins {
    struct bins_options options;
    struct bin_cache *ends, *tokens;
};

static uint64_t key_of(size_t source, uint32_t bin)
{
    return (uint64_t)source << 32 | bin;
}

static const struct source *source_of(const struct bins *b, uint64_t key)
{
    return &b->options.sources[key >> 32];
}

/// Turns lengths into the ends of the documents that are not empty; returns how many.
static uint64_t lengths_to_ends(uint32_t *lengths, uint64_t n_documents, uint64_t *n_tokens)
{
    uint64_t end = 0, n = 0;
    for (uint64_t i = 0; i < n_documents; i++) {
        if (lengths[i] == 0) continue;
        end += lengths[i];
        lengths[n++] = (uint32_t)end;
    }
    *n_tokens = end;
    return n;
}

static enum err load_ends(const void *context, uint64_t key, uint32_t *slot, uint64_t *n)
{
    const struct bins *b = context;
    const struct source *s = source_of(b, key);
    const uint64_t bin = key & UINT32_MAX;
    const struct source_bin expected = source_bin(s, bin);
    TRY(s->read_lengths(s->context, bin, slot));
    uint64_t n_tokens;
    *n = lengths_to_ends(slot, expected.n_documents, &n_tokens);
    if (n_tokens != expected.n_tokens)
        return fail(ERR_DATA,
                    "source %s: bin %llu: documents have %llu tokens, the index says %llu", s->name,
                    (unsigned long long)bin, (unsigned long long)n_tokens,
                    (unsigned long long)expected.n_tokens);
    return OK;
}

static enum err load_tokens(const void *context, uint64_t key, uint32_t *slot, uint64_t *n)
{
    const struct bins *b = context;
    const struct source *s = source_of(b, key);
    const uint64_t bin = key & UINT32_MAX;
    TRY(s->read_tokens(s->context, bin, slot));
    *n = source_bin(s, bin).n_tokens;
    for (uint64_t i = 0; i < *n; i++)
        if (slot[i] >= s->vocabulary)
            return fail(ERR_DATA, "source %s: bin %llu: token %llu is id %u of a vocabulary of %u",
                        s->name, (unsigned long long)bin, (unsigned long long)i, slot[i],
                        s->vocabulary);
    return OK;
}

static size_t max_tokens(const struct bins_options *o)
{
    size_t n = 1;
    for (size_t i = 0; i < o->n_sources; i++)
        n = size_max(n, o->sources[i].max_bin_tokens);
    return n;
}

static size_t max_documents(const struct bins_options *o)
{
    size_t n = 1;
    for (size_t i = 0; i < o->n_sources; i++)
        n = size_max(n, o->sources[i].max_bin_documents);
    return n;
}

/// Two windows of each source (streams cross from one to the next), within cache_bytes.
static size_t token_slots(const struct bins_options *o)
{
    const size_t wanted = 2 * o->window_bins * o->n_sources;
    const size_t affordable = o->cache_bytes / (max_tokens(o) * sizeof(uint32_t));
    return size_max(size_min(wanted, affordable), o->n_threads + 1);
}

enum err bins_open(const struct bins_options *o, struct arena *a, struct bins **out)
{
    struct bins *b = ARENA_NEW(a, struct bins);
    b->options = *o;
    const size_t n_slots = token_slots(o);
    const struct bin_cache_options tokens = {
        .n_slots = n_slots, .slot_elems = max_tokens(o), .load = load_tokens, .context = b};
    const size_t wanted_ends = size_min(ENDS_PER_TOKENS * n_slots, ENDS_SLOTS_LIMIT);
    const struct bin_cache_options ends = {.n_slots = size_max(wanted_ends, o->n_threads + 1),
                                           .slot_elems = max_documents(o),
                                           .load = load_ends,
                                           .context = b};
    TRY(bin_cache_open(&tokens, a, &b->tokens));
    const enum err e = bin_cache_open(&ends, a, &b->ends);
    if (e != OK) {
        bin_cache_close(b->tokens);
        return e;
    }
    *out = b;
    return OK;
}

void bins_close(struct bins *b)
{
    bin_cache_close(b->ends);
    bin_cache_close(b->tokens);
}

enum err bins_acquire(struct bins *b, size_t source, uint32_t bin, bool with_tokens,
                      struct bins_hold *out)
{
    struct bins_hold h = {.with_tokens = with_tokens};
    TRY(bin_cache_acquire(b->ends, key_of(source, bin), &h.ends));
    if (with_tokens) {
        const enum err e = bin_cache_acquire(b->tokens, key_of(source, bin), &h.tokens);
        if (e != OK) {
            bin_cache_release(b->ends, &h.ends);
            return e;
        }
    }
    h.bin = (struct pack_bin){.ends = h.ends.data,
                              .n_documents = h.ends.n,
                              .tokens = h.tokens.data,
                              .n_tokens = h.ends.n > 0 ? h.ends.data[h.ends.n - 1] : 0};
    *out = h;
    return OK;
}

void bins_release(struct bins *b, const struct bins_hold *hold)
{
    if (hold->with_tokens) bin_cache_release(b->tokens, &hold->tokens);
    bin_cache_release(b->ends, &hold->ends);
}
