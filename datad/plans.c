#include "datad/plans.h"

#include "base/size.h"
#include "datad/bin_documents.h"

// Plans are small: keep those of more bins than the tokens, so that a step's loss tokens rarely
// read the disk.
enum { WINDOWS = 8, SLOTS_LIMIT = 1024, SHARE_OF_CACHE = 4 };

struct plans {
    const struct source *sources;
    uint64_t T;
    enum pack_rule rule;
    struct bin_cache *cache;
};

static enum err load_plan(const void *context, uint64_t key, uint32_t *slot, uint64_t *n)
{
    const struct plans *p = context;
    struct arena a;
    struct pack_bin bin;
    arena_init(&a, "plan of a bin");
    const enum err e = bin_documents_read(&p->sources[key >> 32], key & UINT32_MAX, &a, &bin);
    if (e == OK) *n = pack_build(&bin, p->T, p->rule, &a, slot);
    arena_fini(&a);
    return e;
}

static size_t plan_slots(const struct bins_options *o, size_t slot_elems)
{
    const size_t wanted = size_min(WINDOWS * o->window_bins * o->n_sources, SLOTS_LIMIT);
    const size_t affordable = o->cache_bytes / SHARE_OF_CACHE / (slot_elems * sizeof(uint32_t));
    return size_max(size_min(wanted, affordable), 2 * o->n_threads + 1);
}

enum err plans_open(const struct bins *b, uint64_t T, enum pack_rule rule, struct arena *a,
                    struct plans **out)
{
    const struct source_bin largest = bins_largest(b);
    struct plans *p = ARENA_NEW(a, struct plans);
    *p = (struct plans){.sources = bins_options(b)->sources, .T = T, .rule = rule};
    const struct pack_size size = {largest.n_documents, largest.n_tokens, largest.n_pictures};
    const size_t slot_elems = pack_limit(&size, T);
    const struct bin_cache_options o = {.n_slots = plan_slots(bins_options(b), slot_elems),
                                        .slot_elems = slot_elems,
                                        .load = load_plan,
                                        .context = p};
    TRY(bin_cache_open(&o, a, &p->cache));
    *out = p;
    return OK;
}

void plans_close(struct plans *p)
{
    bin_cache_close(p->cache);
}

enum err plans_acquire(struct plans *p, size_t source, uint32_t bin, struct plans_hold *out)
{
    struct plans_hold h;
    TRY(bin_cache_acquire(p->cache, (uint64_t)source << 32 | bin, &h.slot));
    h.plan = pack_view(h.slot.data);
    *out = h;
    return OK;
}

void plans_release(struct plans *p, const struct plans_hold *hold)
{
    bin_cache_release(p->cache, &hold->slot);
}
