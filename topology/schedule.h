#pragma once
// Collectives as arithmetic: who sends which bytes to whom, as a pure function of (ranges, rank).
// No transport here. This first family is direct: every owner sends its segment to every peer at
// once. Never through rank 0.
//
// Example, 4 ranks, a unit of 10 blocks owned as [0,3) [3,5) [5,5) [5,10): in a gather rank 1 sends
// blocks 3..5 to 0, 2 and 3 and receives [0,3) from 0 and [5,10) from 3; rank 2 owns nothing and
// only receives. To spread load rank r lists its peers as r+1, r+2, ... (mod ranks).

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"
#include "base/tree.h"
#include "topology/fabric.h"

struct schedule_ranks {
    int n_ranks, rank;
};

/// All-gather in place: owned[r] is the byte range of buffer that rank r owns (unequal and empty
/// allowed, disjoint). Writes at most 2 * (n_ranks - 1) messages into out; returns their number.
/// buffer may be NULL (walker). Local.
size_t schedule_gather(struct schedule_ranks who, const struct range *owned, unsigned char *buffer,
                       struct fabric_message *out);

/// All-gather of n_bytes from each rank, in place in buffer[n_ranks][n_bytes]. As schedule_gather.
/// Local.
size_t schedule_all_gather(struct schedule_ranks who, size_t n_bytes, unsigned char *buffer,
                           struct fabric_message *out);
/// buffer of rank root to all others. Writes n_ranks - 1 messages on root and one elsewhere (none
/// when n_bytes is 0). Local.
size_t schedule_broadcast(struct schedule_ranks who, int root, size_t n_bytes,
                          unsigned char *buffer, struct fabric_message *out);

/// One round of the reduce-scatter over lanes (I2 c): rank s holds covers[s].nodes[..], each a
/// whole vector of vector_bytes (at sent + i * vector_stride_bytes); owner r needs the bytes
/// owned[r] of each. Receives land at received + k * received_stride_bytes, k counting (rank,
/// cover) pairs in rank order, own covers included (own ones are copied by a self message).
struct schedule_covers {
    const struct tree_node *nodes;
    size_t n_nodes;
};
struct schedule_reduce {
    struct schedule_ranks who;
    const struct range *owned;            // [n_ranks] byte ranges of the vector
    const struct schedule_covers *covers; // [n_ranks]
    unsigned char *sent;                  // this rank's cover sums
    size_t sent_stride_bytes;
    unsigned char *received; // [total covers][received_stride_bytes]
    size_t received_stride_bytes;
};
/// Number of messages schedule_reduce_messages writes, self messages included. Local.
size_t schedule_reduce_count(const struct schedule_reduce *r);
/// Writes the messages; empty ranges give none. sent and received may be NULL (walker). Local.
size_t schedule_reduce_messages(const struct schedule_reduce *r, struct fabric_message *out);
