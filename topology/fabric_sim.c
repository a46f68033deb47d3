// The simulated twin. A message has two ends; the second end to be posted finds the first in a hash
// table, by (source, destination, seq), first posted first; then bytes move and the links are
// reserved:
//
//     rank 0  send posted 1.0 |          |out link busy 2.0..2.5|                 send done 2.5
//     rank 1          receive posted 2.0 |in link busy  2.0..2.5|--latency 0.1--| receive done 2.6
//
// S1 At any time a key has posted ends of one direction only. S2 A rank's clock never runs
//    backwards.
// S3 An operation is done at the latest end of its messages, and not before it was started.

#include "topology/fabric_core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

enum { FIRST_BUCKETS = 256 };

struct end_key {
    uint64_t seq;
    int32_t source, destination;
};

struct sim_end {
    struct end_key key;
    enum fabric_direction direction;
    struct fabric_operation *op;
    void *data;
    size_t n_bytes;
    double posted_s;
    struct sim_end *next;
};

struct fabric_sim_rank {
    struct fabric core; // first: the driver is handed this
    struct fabric_sim *net;
    double clock_s, out_free_s, in_free_s;
};

struct fabric_sim {
    struct arena *arena;
    struct fabric_sim_link link;
    int n_ranks;
    struct fabric_sim_rank *ranks;
    struct sim_end **buckets; // [n_buckets], a power of two; unmatched ends, oldest first
    size_t n_buckets, n_unmatched;
    struct sim_end *spare;
};

static struct fabric_sim_rank *rank_of(struct fabric *f)
{
    return (struct fabric_sim_rank *)f;
}

static bool key_equal(struct end_key a, struct end_key b)
{
    return a.seq == b.seq && a.source == b.source && a.destination == b.destination;
}

static struct sim_end **bucket_of(const struct fabric_sim *net, struct end_key key)
{
    return &net->buckets[hash_xxh3(&key, sizeof key, 0) & (net->n_buckets - 1)];
}

static void append(struct fabric_sim *net, struct sim_end *end)
{
    struct sim_end **link = bucket_of(net, end->key);
    while (*link != NULL)
        link = &(*link)->next;
    end->next = NULL;
    *link = end;
}

static void grow(struct fabric_sim *net)
{
    if (net->n_unmatched < net->n_buckets) return;
    struct sim_end **old = net->buckets;
    const size_t n_old = net->n_buckets;
    net->n_buckets = n_old == 0 ? FIRST_BUCKETS : 2 * n_old;
    net->buckets = ARENA_ARRAY(net->arena, struct sim_end *, net->n_buckets);
    for (size_t i = 0; i < n_old; i++) {
        for (struct sim_end *end = old[i], *next = NULL; end != NULL; end = next) {
            next = end->next;
            append(net, end);
        }
    }
}

static struct sim_end *take_spare(struct fabric_sim *net)
{
    struct sim_end *end = net->spare;
    if (end == NULL) return ARENA_NEW(net->arena, struct sim_end);
    net->spare = end->next;
    return end;
}

// Takes the oldest end of key with the opposite direction out of the table, or gives NULL.
static struct sim_end *take_partner(struct fabric_sim *net, const struct sim_end *mine)
{
    for (struct sim_end **link = bucket_of(net, mine->key); *link != NULL; link = &(*link)->next) {
        struct sim_end *end = *link;
        if (end->direction == mine->direction || !key_equal(end->key, mine->key)) continue;
        *link = end->next;
        net->n_unmatched--;
        return end;
    }
    return NULL;
}

static double later(double a, double b)
{
    return a > b ? a : b;
}

// Each link serves its own messages one after another, and the message is through when both have
// served it: a link does not idle because the other end is busy with somebody else's (many flows
// share a real link; a message is not a circuit).
static void carry(struct fabric_sim *net, const struct sim_end *send, const struct sim_end *receive)
{
    struct fabric_sim_rank *from = &net->ranks[send->key.source];
    struct fabric_sim_rank *to = &net->ranks[send->key.destination];
    const double ready_s = later(send->posted_s, receive->posted_s);
    const double seconds = (double)send->n_bytes / net->link.bytes_per_s;
    from->out_free_s = later(ready_s, from->out_free_s) + seconds;
    to->in_free_s = later(ready_s, to->in_free_s) + seconds;
    const double sent_s = later(from->out_free_s, to->in_free_s);
    send->op->done_s = later(send->op->done_s, sent_s);
    receive->op->done_s = later(receive->op->done_s, sent_s + net->link.latency_s);
}

static enum err match(struct fabric_sim *net, const struct sim_end *a, const struct sim_end *b)
{
    const struct sim_end *send = a->direction == FABRIC_SEND ? a : b;
    const struct sim_end *receive = a->direction == FABRIC_SEND ? b : a;
    if (send->n_bytes != receive->n_bytes)
        return fail(ERR_INVARIANT,
                    "seq %llu: rank %d sends %zu bytes in %s where rank %d expects %zu in %s",
                    (unsigned long long)send->key.seq, send->key.source, send->n_bytes,
                    send->op->name, send->key.destination, receive->n_bytes, receive->op->name);
    ASSERT((send->data == NULL) == (receive->data == NULL));
    if (send->data != NULL) memcpy(receive->data, send->data, send->n_bytes);
    carry(net, send, receive);
    send->op->n_pending--;
    receive->op->n_pending--;
    return OK;
}

static enum err post(struct fabric *f, struct fabric_operation *op, const struct fabric_message *m)
{
    struct fabric_sim_rank *rank = rank_of(f);
    struct fabric_sim *net = rank->net;
    const bool sends = m->direction == FABRIC_SEND;
    const struct sim_end mine = {
        .key = {op->seq, sends ? f->rank : m->peer, sends ? m->peer : f->rank},
        .direction = m->direction,
        .op = op,
        .data = m->data,
        .n_bytes = m->n_bytes,
        .posted_s = rank->clock_s};
    op->n_pending++;
    struct sim_end *partner = take_partner(net, &mine);
    if (partner != NULL) {
        enum err e = match(net, partner, &mine);
        partner->next = net->spare;
        net->spare = partner;
        return e;
    }
    grow(net);
    struct sim_end *end = take_spare(net);
    *end = mine;
    append(net, end);
    net->n_unmatched++;
    return OK;
}

static void poll(struct fabric *f)
{
    (void)f;
}

static void finish(struct fabric *f, const struct fabric_operation *op)
{
    struct fabric_sim_rank *rank = rank_of(f);
    rank->clock_s = later(rank->clock_s, op->done_s);
}

static void missing(const struct fabric *f, const struct fabric_operation *op,
                    struct fabric_missing *out)
{
    const struct fabric_sim *net = ((const struct fabric_sim_rank *)f)->net;
    for (size_t i = 0; i < net->n_buckets; i++) {
        for (const struct sim_end *end = net->buckets[i]; end != NULL; end = end->next) {
            if (end->op != op) continue;
            if (end->direction == FABRIC_SEND)
                out->to[end->key.destination] = true;
            else
                out->from[end->key.source] = true;
            out->n_bytes += end->n_bytes;
        }
    }
}

static void leave(struct fabric *f, int code)
{
    (void)f;
    exit(code);
}

static const struct fabric_driver driver = {.can_block = false,
                                            .post = post,
                                            .poll = poll,
                                            .finish = finish,
                                            .missing = missing,
                                            .close = poll,
                                            .exit = leave};

enum err fabric_sim_open(struct arena *a, int n_ranks, struct fabric_sim_link link,
                         struct fabric_sim **out)
{
    if (n_ranks < 1) return fail(ERR_USAGE, "a simulated fabric of %d ranks", n_ranks);
    if (!(link.bytes_per_s > 0 && link.latency_s >= 0))
        return fail(ERR_USAGE, "a simulated link of %g B/s and %g s latency", link.bytes_per_s,
                    link.latency_s);
    struct fabric_sim *net = ARENA_NEW(a, struct fabric_sim);
    *net = (struct fabric_sim){.arena = a, .link = link, .n_ranks = n_ranks};
    grow(net);
    net->ranks = ARENA_ARRAY(a, struct fabric_sim_rank, (size_t)n_ranks);
    for (int r = 0; r < n_ranks; r++) {
        fabric_core_init(&net->ranks[r].core, (struct fabric_place){&driver, r, n_ranks}, a);
        net->ranks[r].net = net;
    }
    *out = net;
    return OK;
}

struct fabric *fabric_sim_rank(struct fabric_sim *net, int rank)
{
    ASSERT(rank >= 0 && rank < net->n_ranks);
    return &net->ranks[rank].core;
}

void fabric_sim_compute(struct fabric_sim *net, int rank, double seconds)
{
    ASSERT(seconds >= 0);
    net->ranks[rank].clock_s += seconds;
}

double fabric_sim_clock_s(const struct fabric_sim *net, int rank)
{
    return net->ranks[rank].clock_s;
}

static bool before(const struct sim_end *a, const struct sim_end *b)
{
    if (a->key.seq != b->key.seq) return a->key.seq < b->key.seq;
    if (a->key.source != b->key.source) return a->key.source < b->key.source;
    return a->key.destination < b->key.destination;
}

enum err fabric_sim_check_drained(const struct fabric_sim *net)
{
    const struct sim_end *first = NULL;
    for (size_t i = 0; i < net->n_buckets; i++)
        for (const struct sim_end *end = net->buckets[i]; end != NULL; end = end->next)
            if (first == NULL || before(end, first)) first = end;
    if (first == NULL) return OK;
    const bool sends = first->direction == FABRIC_SEND;
    return fail(
        ERR_INVARIANT,
        "%zu messages unmatched; the first: seq %llu, rank %d %s %zu bytes %s rank %d in %s",
        net->n_unmatched, (unsigned long long)first->key.seq,
        sends ? first->key.source : first->key.destination, sends ? "sends" : "expects",
        first->n_bytes, sends ? "to" : "from", sends ? first->key.destination : first->key.source,
        first->op->name);
}
