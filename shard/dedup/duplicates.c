// Clusters are the connected components of a graph whose edges join documents that share a key.
// They are found by "large star, small star" (Kiveris, Lattanzi, Mirrokni, Rastogi and
// Vassilvitskii, Connected Components in MapReduce and Beyond, SoCC'14): both steps replace edges
// by others of the same component until each component is a star around its smallest document.
//
//     large star: every u joins its larger neighbours to the smallest of u and its neighbours
//     small star: every u joins itself and its smaller neighbours to the smallest of them
//
//     chain 0-1-2-3-4   large star: 1-0 2-0 3-1 4-2   small star: 1-0 2-0 3-1 4-2
//                       large star: 1-0 2-0 3-0 4-0   no edge changes any more
//
// A step is one shuffle of records {u, neighbour} to the rank of u, which reads them in order, so
// the smallest neighbour comes first and nothing is kept but the current u: memory does not grow
// with documents, keys, or the size of a cluster. Edges never become more.
//
// I1 An edge joins two documents of one component, the larger one first, when it is not in both
//    directions for a large star.
// I2 The set of edges after each step is a function of the set before it: the order in which
//    records arrive, and how many ranks there are, cannot show.

#include "shard/dedup/duplicates.h"

#include "base/grow.h"
#include "base/size.h"
#include "shard/dedup/owners.h"
#include "shard/dedup/shuffle.h"

enum { PAIR_WORDS = 2, ROUNDS_LIMIT = 1000 };

struct duplicates {
    struct duplicates_options options;
    struct held held;
    struct owners owners;
    struct shuffle shuffles[2]; // [current] is read while the other is filled
    size_t current;
    struct duplicates_count count;
};

size_t duplicates_memory_least(int n_ranks)
{
    return 2 * shuffle_memory_least(PAIR_WORDS, n_ranks);
}

static enum err open_shuffle(struct duplicates *d, struct shuffle *s, const char *name)
{
    return shuffle_open(s, &(struct shuffle_options){.fabric = d->options.fabric,
                                                     .seq = d->options.seq,
                                                     .folder = d->options.folder,
                                                     .name = name,
                                                     .n_words = PAIR_WORDS,
                                                     .memory_bytes = d->options.memory_bytes / 2,
                                                     .held = &d->held});
}

enum err duplicates_open(const struct duplicates_options *o, struct duplicates **out)
{
    struct duplicates *d = NULL;
    size_t capacity = 0;
    TRY(grow_array(&d, &capacity, 1, sizeof *d));
    *d = (struct duplicates){.options = *o};
    owners_begin(&d->owners, &d->held);
    const enum err e = open_shuffle(d, &d->shuffles[d->current], "dedup-keys");
    if (e == OK)
        *out = d;
    else
        duplicates_close(d);
    return e;
}

static enum err send(struct duplicates *d, struct shuffle *to, uint64_t first, uint64_t second)
{
    const uint64_t record[PAIR_WORDS] = {first, second};
    return shuffle_add(to, shuffle_rank_of(first, fabric_size(d->options.fabric)), record);
}

enum err duplicates_add(struct duplicates *d, uint64_t document, const uint64_t *keys,
                        size_t n_keys)
{
    TRY(owners_add(&d->owners, fabric_rank(d->options.fabric), document));
    for (size_t i = 0; i < n_keys; i++)
        TRY(send(d, &d->shuffles[d->current], keys[i], document));
    return OK;
}

// A step reads from one shuffle and fills the next.
struct step {
    struct duplicates *d;
    struct shuffle *from, *to;
    uint64_t n_changed, n_clusters, n_dropped, largest; // at this rank
};

// {key, document}: the first document of a key is the smallest; the others are joined to it.
static enum err keys_to_edges(struct step *s)
{
    uint64_t record[PAIR_WORDS], key = 0, first = 0, last = 0;
    bool more, started = false;
    for (;;) {
        TRY(shuffle_next(s->from, record, &more));
        if (!more) return OK;
        if (!started || record[0] != key) {
            started = true;
            key = record[0];
            first = last = record[1];
        } else if (record[1] != last) {
            last = record[1];
            TRY(send(s->d, s->to, last, first));
        }
    }
}

// {u, smaller neighbour}. Leaves the edges in both directions, for the large star.
static enum err small_star(struct step *s)
{
    uint64_t record[PAIR_WORDS], u = 0, least = 0, last = 0;
    bool more, started = false;
    for (;;) {
        TRY(shuffle_next(s->from, record, &more));
        if (!more) return OK;
        uint64_t joined = record[1];
        if (!started || record[0] != u) {
            started = true;
            joined = u = record[0];
            least = record[1];
        } else if (joined == last) {
            continue;
        } else {
            s->n_changed++;
        }
        last = record[1];
        TRY(send(s->d, s->to, joined, least));
        TRY(send(s->d, s->to, least, joined));
    }
}

// {u, neighbour}. Counts the clusters: when nothing changes, those are the groups of their keepers.
static enum err large_star(struct step *s)
{
    uint64_t record[PAIR_WORDS], u = 0, least = 0, last = 0, n = 0;
    bool more, started = false;
    for (;;) {
        TRY(shuffle_next(s->from, record, &more));
        if (!more) return OK;
        if (!started || record[0] != u) {
            started = true;
            u = record[0];
            least = u < record[1] ? u : record[1];
            s->n_clusters += least == u;
            n = 1;
        } else if (record[1] == last) {
            continue;
        }
        last = record[1];
        if (last < u) continue;
        s->n_changed += least != u;
        s->n_dropped += least == u;
        if (least == u && ++n > s->largest) s->largest = n;
        TRY(send(s->d, s->to, last, least));
    }
}

typedef enum err (*step_fn)(struct step *s);

// Reads the current shuffle by run into a new one, exchanges that and makes it the current one.
static enum err do_step(struct step *s, step_fn run, const char *name)
{
    struct duplicates *d = s->d;
    s->from = &d->shuffles[d->current];
    s->to = &d->shuffles[1 - d->current];
    enum err e = open_shuffle(d, s->to, name);
    if (e == OK) e = run(s);
    e = shuffle_exchange(s->to, e);
    shuffle_close(s->from);
    d->current = 1 - d->current;
    return e;
}

static enum err add_up(struct step *s)
{
    enum { N = 4 };
    struct fabric *f = s->d->options.fabric;
    const uint64_t mine[N] = {s->n_changed, s->n_clusters, s->n_dropped, s->largest};
    uint64_t *all = NULL;
    size_t capacity = 0;
    TRY(fabric_agree(f, grow_array(&all, &capacity, (size_t)fabric_size(f) * N, sizeof *all)));
    const enum err e = fabric_all_gather(f, mine, sizeof mine, all);
    s->n_changed = s->n_clusters = s->n_dropped = s->largest = 0;
    for (int rank = 0; rank < fabric_size(f) && e == OK; rank++) {
        const uint64_t *of = all + rank * N;
        s->n_changed += of[0];
        s->n_clusters += of[1];
        s->n_dropped += of[2];
        if (of[3] > s->largest) s->largest = of[3];
    }
    grow_free(all);
    return e;
}

static enum err make_stars(struct duplicates *d)
{
    struct step s;
    do {
        s = (struct step){.d = d};
        TRY(do_step(&s, small_star, "dedup-small"));
        TRY(do_step(&s, large_star, "dedup-large"));
        TRY(add_up(&s));
        if (++d->count.n_rounds == ROUNDS_LIMIT)
            return fail(ERR_INVARIANT, "clusters are not done after %d rounds", ROUNDS_LIMIT);
    } while (s.n_changed > 0);
    d->count.n_clusters = s.n_clusters;
    d->count.n_dropped = s.n_dropped;
    d->count.largest = s.largest;
    return OK;
}

// {document, keeper}, each once or more, go to the rank that added the document.
static enum err answer(struct step *s)
{
    uint64_t record[PAIR_WORDS], last = 0;
    bool more, started = false;
    for (;;) {
        TRY(shuffle_next(s->from, record, &more));
        if (!more) return OK;
        if (started && record[0] == last) continue;
        started = true;
        last = record[0];
        TRY(shuffle_add(s->to, owners_rank(&s->d->owners, last), record));
    }
}

enum err duplicates_resolve(struct duplicates *d, enum err mine)
{
    TRY(owners_share(&d->owners, d->options.fabric, d->options.seq, mine));
    TRY(shuffle_exchange(&d->shuffles[d->current], OK));
    struct step s = {.d = d};
    TRY(do_step(&s, keys_to_edges, "dedup-edges"));
    TRY(make_stars(d));
    return do_step(&s, answer, "dedup-answers");
}

enum err duplicates_next(struct duplicates *d, struct duplicate *out, bool *more)
{
    uint64_t record[PAIR_WORDS];
    TRY(shuffle_next(&d->shuffles[d->current], record, more));
    if (*more) *out = (struct duplicate){record[0], record[1]};
    return OK;
}

struct duplicates_count duplicates_count(const struct duplicates *d)
{
    return d->count;
}

size_t duplicates_peak_bytes(const struct duplicates *d)
{
    return d->held.peak_bytes;
}

void duplicates_close(struct duplicates *d)
{
    if (d == NULL) return;
    shuffle_close(&d->shuffles[0]);
    shuffle_close(&d->shuffles[1]);
    owners_free(&d->owners);
    grow_free(d);
}
