#pragma once
// Which rank added the documents of which part (document number >> 32). Holds 16 bytes for each
// part of the whole input on every rank.

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/dedup/held.h"
#include "topology/fabric.h"

struct owner {
    uint64_t part, rank;
};

struct owners {
    struct owner *list; // ascending parts once shared
    size_t n, capacity;
    struct held *held;
};

/// Empty. Borrows held. Can't fail.
void owners_begin(struct owners *o, struct held *held);
/// This rank adds a document. Quick when it is of the same part as the one before. Local.
/// Errors: ERR_MEMORY.
enum err owners_add(struct owners *o, int rank, uint64_t document) MUST_CHECK;
/// Every rank learns all parts. mine is this rank's error so far. Collective; takes one seq.
/// Errors: any rank's; ERR_INVARIANT when two ranks added documents of one part.
enum err owners_share(struct owners *o, struct fabric *f, uint64_t *seq, enum err mine) MUST_CHECK;
/// The rank that added document. After the sharing. Can't fail.
int owners_rank(const struct owners *o, uint64_t document);
/// Frees. Can't fail.
void owners_free(struct owners *o);
