#pragma once
// The messages of a plan's collectives for one rank: what both executors start. Pure. base = the
// rank's slab, or NULL for the walker.

#include "topology/fabric.h"
#include "trainer/plan/plan.h"

struct collective {
    const struct plan *plan;
    int rank;
    unsigned char *slab;
    struct fabric_message *messages; // room for collective_limit(plan)
    struct range *owned;             // scratch, [n_ranks]
};

/// Most messages that any collective of the plan has for one rank.
size_t collective_limit(const struct plan *p);
void collective_open(struct collective *c, const struct plan *p, int rank, unsigned char *slab,
                     struct arena *a);
/// The messages of a fabric step (VERB_GATHER, VERB_REDUCE, VERB_SHARE) of section in round; their
/// number. Local.
size_t collective_messages(struct collective *c, enum section_kind section, const struct step *s,
                           uint64_t round);
// The share value, in doubles: [lane losses, by turn][tree nodes][a flag a rank].
size_t collective_share_nodes(const struct plan *p);
/// Of the first tree node that rank reports of unit; rank n_ranks, unit 0 is the end.
size_t collective_share_node(const struct plan *p, int rank, int unit);
size_t collective_share_flags(const struct plan *p);
size_t collective_share_doubles(const struct plan *p);
/// Bytes of unit's kept segment of rank (f32), and of the stride between received vectors.
size_t collective_received_stride(const struct plan *p, int unit);
