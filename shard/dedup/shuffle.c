// A quarter of the memory holds records on their way out, a half those that arrived, an eighth each
// the messages that are sent and received at a time. All ranks learn how much every pair has to
// carry (a matrix of ranks x ranks counts), so they know the number of rounds, and each round's
// messages, without further talk:
//
//     3 ranks, quota 2, rank 0 has 5 records for rank 1 and 1 for rank 2:
//     round 0: 0->1 2 records, 0->2 1      round 1: 0->1 2      round 2: 0->1 1

#include "shard/dedup/shuffle.h"

#include "base/grow.h"
#include "base/size.h"

enum { RECORDS_LEAST = 4 }; // in each buffer

int shuffle_rank_of(uint64_t key, int n_ranks)
{
    // splitmix64's finish (Steele, Lea and Flood, 2014): every bit of key reaches the high ones.
    key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9U;
    key = (key ^ key >> 27) * 0x94d049bb133111ebU;
    key ^= key >> 31;
    return (int)((key >> 32) * (uint64_t)n_ranks >> 32);
}

size_t shuffle_memory_least(size_t n_words, int n_ranks)
{
    const size_t record_bytes = (n_words + 1) * sizeof(uint64_t);
    return 8 * record_bytes * RECORDS_LEAST * (size_t)n_ranks;
}

enum err shuffle_open(struct shuffle *s, const struct shuffle_options *o)
{
    *s = (struct shuffle){.options = *o, .open = true};
    const int n_ranks = fabric_size(o->fabric);
    const size_t n_peers = (size_t)n_ranks - 1, quarter = o->memory_bytes / 4;
    ASSERT(o->n_words >= 1 && o->n_words <= SHUFFLE_WORDS_LIMIT);
    inbox_begin(&s->inbox,
                &(struct inbox_options){.folder = o->folder,
                                        .name = o->name,
                                        .n_words = o->n_words,
                                        .memory_bytes = n_peers > 0 ? 2 * quarter : o->memory_bytes,
                                        .held = o->held});
    if (n_peers > 0) s->n_quota_records = quarter / 2 / n_peers / (o->n_words * sizeof(uint64_t));
    TRY(outbox_open(&s->outbox, &(struct outbox_options){.folder = o->folder,
                                                         .name = o->name,
                                                         .n_words = o->n_words,
                                                         .memory_bytes = quarter,
                                                         .n_ranks = n_ranks,
                                                         .held = o->held}));
    if (o->memory_bytes >= shuffle_memory_least(o->n_words, n_ranks)) return OK;
    return fail(ERR_USAGE, "%s: %zu bytes of memory are too few for %d ranks, at least %zu",
                o->name, o->memory_bytes, n_ranks, shuffle_memory_least(o->n_words, n_ranks));
}

enum err shuffle_add(struct shuffle *s, int rank, const uint64_t *record)
{
    if (rank == fabric_rank(s->options.fabric)) return inbox_add(&s->inbox, record, 1);
    return outbox_add(&s->outbox, rank, record);
}

struct exchange {
    struct shuffle *shuffle;
    int rank, n_ranks;
    uint64_t *counts;   // [n_ranks][n_ranks]: records from one rank to another
    uint64_t *messages; // of a round: those sent, then those received
    size_t n_sent_records, messages_capacity;
    struct fabric_message *list; // [2 * n_ranks]
    size_t n_messages;
};

static enum err exchange_open(struct exchange *x, struct shuffle *s)
{
    struct fabric *f = s->options.fabric;
    *x = (struct exchange){.shuffle = s, .rank = fabric_rank(f), .n_ranks = fabric_size(f)};
    const size_t n = (size_t)x->n_ranks;
    size_t counts = 0, list = 0;
    TRY(grow_array(&x->counts, &counts, n * n, sizeof *x->counts));
    TRY(grow_array(&x->list, &list, 2 * n, sizeof *x->list));
    TRY(grow_array(&x->messages, &x->messages_capacity,
                   2 * (n - 1) * s->n_quota_records * s->options.n_words, sizeof *x->messages));
    held_add(s->options.held, x->messages_capacity * sizeof *x->messages);
    return outbox_seal(&s->outbox);
}

static void exchange_close(struct exchange *x)
{
    held_drop(x->shuffle->options.held, x->messages_capacity * sizeof *x->messages);
    grow_free(x->counts);
    grow_free(x->messages);
    grow_free(x->list);
}

static enum err share_counts(struct exchange *x)
{
    struct fabric *f = x->shuffle->options.fabric;
    uint64_t *mine = x->messages; // has room for it: at least RECORDS_LEAST words a rank
    for (int rank = 0; rank < x->n_ranks; rank++)
        mine[rank] = outbox_count(&x->shuffle->outbox, rank);
    return fabric_all_gather(f, mine, (size_t)x->n_ranks * sizeof *mine, x->counts);
}

static uint64_t count(const struct exchange *x, int from, int to)
{
    return x->counts[(size_t)from * (size_t)x->n_ranks + (size_t)to];
}

static uint64_t n_rounds(const struct exchange *x)
{
    uint64_t most = 0;
    for (int from = 0; from < x->n_ranks; from++)
        for (int to = 0; to < x->n_ranks; to++)
            if (count(x, from, to) > most) most = count(x, from, to);
    const uint64_t quota = x->shuffle->n_quota_records;
    return most / quota + (most % quota != 0);
}

static size_t n_in_round(const struct exchange *x, int from, int to, uint64_t round)
{
    const uint64_t done = round * x->shuffle->n_quota_records, all = count(x, from, to);
    if (done >= all) return 0;
    return size_min((size_t)(all - done), x->shuffle->n_quota_records);
}

static void list_message(struct exchange *x, struct fabric_message message, uint64_t **at)
{
    if (message.n_bytes == 0) return;
    message.data = *at;
    x->list[x->n_messages++] = message;
    *at += message.n_bytes / sizeof **at;
}

static void list_round(struct exchange *x, uint64_t round)
{
    const size_t record_bytes = x->shuffle->options.n_words * sizeof *x->messages;
    uint64_t *at = x->messages;
    x->n_messages = 0;
    for (int peer = 0; peer < x->n_ranks; peer++)
        list_message(x,
                     (struct fabric_message){peer, FABRIC_SEND, NULL,
                                             n_in_round(x, x->rank, peer, round) * record_bytes},
                     &at);
    for (int peer = 0; peer < x->n_ranks; peer++)
        list_message(x,
                     (struct fabric_message){peer, FABRIC_RECV, NULL,
                                             n_in_round(x, peer, x->rank, round) * record_bytes},
                     &at);
}

static enum err fill_round(struct exchange *x)
{
    const size_t record_bytes = x->shuffle->options.n_words * sizeof *x->messages;
    for (size_t i = 0; i < x->n_messages; i++) {
        const struct fabric_message *m = &x->list[i];
        if (m->direction == FABRIC_SEND)
            TRY(outbox_take(&x->shuffle->outbox, m->peer, m->n_bytes / record_bytes, m->data));
    }
    return OK;
}

static enum err take_round(struct exchange *x)
{
    const size_t record_bytes = x->shuffle->options.n_words * sizeof *x->messages;
    for (size_t i = 0; i < x->n_messages; i++) {
        const struct fabric_message *m = &x->list[i];
        if (m->direction == FABRIC_RECV)
            TRY(inbox_add(&x->shuffle->inbox, m->data, m->n_bytes / record_bytes));
    }
    return OK;
}

static enum err move_round(struct exchange *x)
{
    const struct shuffle_options *o = &x->shuffle->options;
    struct fabric_ticket ticket;
    TRY(fabric_start(o->fabric, (*o->seq)++, o->name, x->list, x->n_messages, &ticket));
    return fabric_wait(o->fabric, &ticket);
}

static enum err move_all(struct exchange *x)
{
    struct fabric *f = x->shuffle->options.fabric;
    TRY(share_counts(x));
    const uint64_t rounds = n_rounds(x);
    enum err mine = OK;
    for (uint64_t round = 0; round < rounds; round++) {
        list_round(x, round);
        if (mine == OK) mine = fill_round(x);
        TRY(fabric_agree(f, mine));
        TRY(move_round(x));
        mine = take_round(x);
    }
    if (mine == OK) mine = inbox_seal(&x->shuffle->inbox);
    return fabric_agree(f, mine);
}

enum err shuffle_exchange(struct shuffle *s, enum err mine)
{
    struct fabric *f = s->options.fabric;
    if (fabric_size(f) == 1) {
        TRY(mine);
        return inbox_seal(&s->inbox);
    }
    struct exchange x = {.shuffle = s};
    if (mine == OK) mine = exchange_open(&x, s);
    enum err e = fabric_agree(f, mine);
    if (e == OK) e = move_all(&x);
    exchange_close(&x);
    outbox_close(&s->outbox);
    return e;
}

enum err shuffle_next(struct shuffle *s, uint64_t *record, bool *more)
{
    return inbox_next(&s->inbox, record, more);
}

uint64_t shuffle_n_records(const struct shuffle *s)
{
    return s->inbox.n_records;
}

void shuffle_close(struct shuffle *s)
{
    if (!s->open) return;
    outbox_close(&s->outbox);
    inbox_close(&s->inbox);
    s->open = false;
}
