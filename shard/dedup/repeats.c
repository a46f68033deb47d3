// One shuffle brings the items of a key together, {key, document, item}; in order, so the first one
// stays. A second carries {document, item, first document} back to the rank that added the
// document.

#include "shard/dedup/repeats.h"

#include "base/grow.h"
#include "base/size.h"
#include "shard/dedup/owners.h"
#include "shard/dedup/shuffle.h"

enum { ITEM_WORDS = 3 };

struct repeats {
    struct duplicates_options options;
    struct held held;
    struct owners owners;
    struct shuffle items, answers;
    uint64_t n_dropped;
};

size_t repeats_memory_least(int n_ranks)
{
    return 2 * shuffle_memory_least(ITEM_WORDS, n_ranks);
}

static enum err open_shuffle(struct repeats *r, struct shuffle *s, const char *name)
{
    return shuffle_open(s, &(struct shuffle_options){.fabric = r->options.fabric,
                                                     .seq = r->options.seq,
                                                     .folder = r->options.folder,
                                                     .name = name,
                                                     .n_words = ITEM_WORDS,
                                                     .memory_bytes = r->options.memory_bytes / 2,
                                                     .held = &r->held});
}

enum err repeats_open(const struct duplicates_options *o, struct repeats **out)
{
    struct repeats *r = NULL;
    size_t capacity = 0;
    TRY(grow_array(&r, &capacity, 1, sizeof *r));
    *r = (struct repeats){.options = *o};
    owners_begin(&r->owners, &r->held);
    const enum err e = open_shuffle(r, &r->items, "dedup-items");
    if (e == OK)
        *out = r;
    else
        repeats_close(r);
    return e;
}

enum err repeats_add(struct repeats *r, uint64_t document, uint32_t item, uint64_t key)
{
    const struct fabric *f = r->options.fabric;
    const uint64_t record[ITEM_WORDS] = {key, document, item};
    TRY(owners_add(&r->owners, fabric_rank(f), document));
    return shuffle_add(&r->items, shuffle_rank_of(key, fabric_size(f)), record);
}

static enum err answer(struct repeats *r, uint64_t *n_repeats)
{
    uint64_t record[ITEM_WORDS], key = 0, first = 0;
    bool more, started = false;
    for (;;) {
        TRY(shuffle_next(&r->items, record, &more));
        if (!more) return OK;
        if (!started || record[0] != key) {
            started = true;
            key = record[0];
            first = record[1];
            continue;
        }
        ++*n_repeats;
        const uint64_t repeat[ITEM_WORDS] = {record[1], record[2], first};
        TRY(shuffle_add(&r->answers, owners_rank(&r->owners, record[1]), repeat));
    }
}

static enum err add_up(struct repeats *r, uint64_t mine)
{
    struct fabric *f = r->options.fabric;
    uint64_t *all = NULL;
    size_t capacity = 0;
    TRY(fabric_agree(f, grow_array(&all, &capacity, (size_t)fabric_size(f), sizeof *all)));
    const enum err e = fabric_all_gather(f, &mine, sizeof mine, all);
    for (int rank = 0; rank < fabric_size(f) && e == OK; rank++)
        r->n_dropped += all[rank];
    grow_free(all);
    return e;
}

enum err repeats_resolve(struct repeats *r, enum err mine)
{
    uint64_t n_repeats = 0;
    TRY(owners_share(&r->owners, r->options.fabric, r->options.seq, mine));
    TRY(shuffle_exchange(&r->items, OK));
    enum err e = open_shuffle(r, &r->answers, "dedup-repeats");
    if (e == OK) e = answer(r, &n_repeats);
    TRY(shuffle_exchange(&r->answers, e));
    shuffle_close(&r->items);
    return add_up(r, n_repeats);
}

enum err repeats_next(struct repeats *r, struct repeat *out, bool *more)
{
    uint64_t record[ITEM_WORDS];
    TRY(shuffle_next(&r->answers, record, more));
    if (*more) *out = (struct repeat){record[0], (uint32_t)record[1], record[2]};
    return OK;
}

uint64_t repeats_n_dropped(const struct repeats *r)
{
    return r->n_dropped;
}

size_t repeats_peak_bytes(const struct repeats *r)
{
    return r->held.peak_bytes;
}

void repeats_close(struct repeats *r)
{
    if (r == NULL) return;
    shuffle_close(&r->items);
    shuffle_close(&r->answers);
    owners_free(&r->owners);
    grow_free(r);
}
