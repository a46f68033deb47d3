#include "shard/dedup/owners.h"

#include <string.h>

#include "base/grow.h"
#include "shard/dedup/record_sort.h"

enum { OWNER_WORDS = sizeof(struct owner) / sizeof(uint64_t) };

void owners_begin(struct owners *o, struct held *held)
{
    *o = (struct owners){.held = held};
}

static enum err make_room(struct owners *o, size_t n)
{
    const size_t old = o->capacity;
    TRY(grow_array(&o->list, &o->capacity, n, sizeof *o->list));
    held_add(o->held, (o->capacity - old) * sizeof *o->list);
    return OK;
}

static void order(struct owners *o)
{
    record_sort(&o->list[0].part, o->n, OWNER_WORDS, OWNER_WORDS);
    size_t kept = 0;
    for (size_t i = 0; i < o->n; i++) {
        const struct owner next = o->list[i];
        if (kept == 0 || memcmp(&next, &o->list[kept - 1], sizeof next) != 0)
            o->list[kept++] = next;
    }
    o->n = kept;
}

enum err owners_add(struct owners *o, int rank, uint64_t document)
{
    const uint64_t part = document >> 32;
    if (o->n > 0 && o->list[o->n - 1].part == part) return OK;
    // Parts may come again; then the list is mostly repeats and shrinks before it grows.
    if (o->n == o->capacity && o->n > 0) {
        order(o);
        if (o->n > o->capacity / 2) TRY(make_room(o, o->capacity + 1));
    }
    TRY(make_room(o, o->n + 1));
    o->list[o->n++] = (struct owner){part, (uint64_t)rank};
    return OK;
}

static enum err check_parts(const struct owners *o)
{
    for (size_t i = 1; i < o->n; i++)
        if (o->list[i].part == o->list[i - 1].part)
            return fail(ERR_INVARIANT, "part %llu was added by ranks %llu and %llu",
                        (unsigned long long)o->list[i].part,
                        (unsigned long long)o->list[i - 1].rank,
                        (unsigned long long)o->list[i].rank);
    return OK;
}

// counts[rank] owners of each rank: they land behind mine, which stay in front.
static enum err exchange(struct owners *o, struct fabric *f, uint64_t *seq, const uint64_t *counts,
                         struct fabric_message *list)
{
    size_t n_messages = 0, at = o->n;
    for (int peer = 0; peer < fabric_size(f); peer++) {
        if (peer == fabric_rank(f)) continue;
        list[n_messages++] =
            (struct fabric_message){peer, FABRIC_SEND, o->list, o->n * sizeof *o->list};
        list[n_messages++] = (struct fabric_message){peer, FABRIC_RECV, o->list + at,
                                                     counts[peer] * sizeof *o->list};
        at += counts[peer];
    }
    struct fabric_ticket ticket;
    TRY(fabric_start(f, (*seq)++, "owners of parts", list, n_messages, &ticket));
    TRY(fabric_wait(f, &ticket));
    o->n = at;
    return OK;
}

static enum err gather(struct owners *o, struct fabric *f, uint64_t *seq, uint64_t *counts,
                       struct fabric_message *list)
{
    const uint64_t n_mine = o->n;
    size_t n_all = 0;
    TRY(fabric_all_gather(f, &n_mine, sizeof n_mine, counts));
    for (int rank = 0; rank < fabric_size(f); rank++)
        n_all += counts[rank];
    TRY(fabric_agree(f, make_room(o, n_all)));
    TRY(exchange(o, f, seq, counts, list));
    order(o);
    return check_parts(o);
}

enum err owners_share(struct owners *o, struct fabric *f, uint64_t *seq, enum err mine)
{
    const size_t n = (size_t)fabric_size(f);
    uint64_t *counts = NULL;
    struct fabric_message *list = NULL;
    size_t counts_capacity = 0, list_capacity = 0;
    if (mine == OK) mine = grow_array(&counts, &counts_capacity, n, sizeof *counts);
    if (mine == OK) mine = grow_array(&list, &list_capacity, 2 * n, sizeof *list);
    if (mine == OK) mine = make_room(o, 1);
    if (mine == OK) order(o);
    enum err e = fabric_agree(f, mine);
    if (e == OK) e = gather(o, f, seq, counts, list);
    grow_free(counts);
    grow_free(list);
    return e;
}

int owners_rank(const struct owners *o, uint64_t document)
{
    const uint64_t part = document >> 32;
    size_t first = 0, last = o->n;
    while (last - first > 1) {
        const size_t middle = first + (last - first) / 2;
        if (o->list[middle].part <= part)
            first = middle;
        else
            last = middle;
    }
    ASSERT(o->n > 0 && o->list[first].part == part);
    return (int)o->list[first].rank;
}

void owners_free(struct owners *o)
{
    held_drop(o->held, o->capacity * sizeof *o->list);
    grow_free(o->list);
    owners_begin(o, o->held);
}
