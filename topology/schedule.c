#include "topology/schedule.h"

static void *at(unsigned char *buffer, size_t offset)
{
    return buffer == NULL ? NULL : buffer + offset;
}

static size_t range_bytes(struct range r)
{
    return r.last - r.first;
}

static size_t add(struct fabric_message *out, size_t n, struct fabric_message m)
{
    if (m.n_bytes == 0) return n;
    if (out != NULL) out[n] = m;
    return n + 1;
}

// In round k every rank sends to the k-th rank after it and receives from the k-th before it, so
// each round is a permutation and no rank is everybody's first peer.
static int peer_after(struct schedule_ranks who, int k)
{
    return (who.rank + k) % who.n_ranks;
}

static int peer_before(struct schedule_ranks who, int k)
{
    return (who.rank + who.n_ranks - k) % who.n_ranks;
}

size_t schedule_gather(struct schedule_ranks who, const struct range *owned, unsigned char *buffer,
                       struct fabric_message *out)
{
    const struct range mine = owned[who.rank];
    size_t n = 0;
    for (int k = 1; k < who.n_ranks; k++) {
        const int to = peer_after(who, k), from = peer_before(who, k);
        n = add(
            out, n,
            (struct fabric_message){to, FABRIC_SEND, at(buffer, mine.first), range_bytes(mine)});
        n = add(out, n,
                (struct fabric_message){from, FABRIC_RECV, at(buffer, owned[from].first),
                                        range_bytes(owned[from])});
    }
    return n;
}

size_t schedule_all_gather(struct schedule_ranks who, size_t n_bytes, unsigned char *buffer,
                           struct fabric_message *out)
{
    size_t n = 0;
    for (int k = 1; k < who.n_ranks; k++) {
        const int to = peer_after(who, k), from = peer_before(who, k);
        n = add(out, n,
                (struct fabric_message){to, FABRIC_SEND, at(buffer, (size_t)who.rank * n_bytes),
                                        n_bytes});
        n = add(out, n,
                (struct fabric_message){from, FABRIC_RECV, at(buffer, (size_t)from * n_bytes),
                                        n_bytes});
    }
    return n;
}

size_t schedule_broadcast(struct schedule_ranks who, int root, size_t n_bytes,
                          unsigned char *buffer, struct fabric_message *out)
{
    if (who.rank != root)
        return add(out, 0, (struct fabric_message){root, FABRIC_RECV, buffer, n_bytes});
    size_t n = 0;
    for (int k = 1; k < who.n_ranks; k++)
        n = add(out, n, (struct fabric_message){peer_after(who, k), FABRIC_SEND, buffer, n_bytes});
    return n;
}

static size_t add_sends(const struct schedule_reduce *r, int to, struct fabric_message *out,
                        size_t n)
{
    for (size_t i = 0; i < r->covers[r->who.rank].n_nodes; i++) {
        void *data = at(r->sent, i * r->sent_stride_bytes + r->owned[to].first);
        n = add(out, n, (struct fabric_message){to, FABRIC_SEND, data, range_bytes(r->owned[to])});
    }
    return n;
}

static size_t add_receives(const struct schedule_reduce *r, int from, size_t first_cover,
                           struct fabric_message *out, size_t n)
{
    const size_t n_bytes = range_bytes(r->owned[r->who.rank]);
    for (size_t i = 0; i < r->covers[from].n_nodes; i++) {
        void *data = at(r->received, (first_cover + i) * r->received_stride_bytes);
        n = add(out, n, (struct fabric_message){from, FABRIC_RECV, data, n_bytes});
    }
    return n;
}

static size_t covers_before(const struct schedule_reduce *r, int rank)
{
    size_t n = 0;
    for (int s = 0; s < rank; s++)
        n += r->covers[s].n_nodes;
    return n;
}

size_t schedule_reduce_messages(const struct schedule_reduce *r, struct fabric_message *out)
{
    size_t n = 0;
    for (int k = 0; k < r->who.n_ranks; k++) {
        const int from = peer_before(r->who, k);
        n = add_sends(r, peer_after(r->who, k), out, n);
        n = add_receives(r, from, covers_before(r, from), out, n);
    }
    return n;
}

size_t schedule_reduce_count(const struct schedule_reduce *r)
{
    return schedule_reduce_messages(r, NULL);
}
