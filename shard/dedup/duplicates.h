#pragma once
// Near duplicates: every document brings keys (its MinHash bands); documents that share a key are
// of one cluster, and so are their clusters. Of a cluster the document with the smallest number
// stays, the keeper. The result is the same for any number of ranks and any order of adding.
//
//     TRY(duplicates_open(&options, &d));
//     e = duplicates_add(d, number, keys, n_keys);       // each document of this rank, once
//     TRY(duplicates_resolve(d, e));                     // collective
//     while ((e = duplicates_next(d, &duplicate, &more)) == OK && more) drop(duplicate.document);
//     duplicates_close(d);
//
// A document's number is part << 32 | index: its place in the global order. All documents of a part
// are added by one rank, and that rank learns about them.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "topology/fabric.h"

struct duplicates_options {
    struct fabric *fabric;
    uint64_t *seq;       // next free sequence number of the fabric, equal on all ranks; moves on
    const char *folder;  // of spill files, exists; borrowed until close
    size_t memory_bytes; // of all buffers of this rank; at least duplicates_memory_least()
};

struct duplicate {
    uint64_t document, keeper; // keeper < document
};

struct duplicates_count { // over all ranks
    uint64_t n_clusters;  // of at least two documents
    uint64_t n_dropped;   // documents that are not their cluster's keeper
    uint64_t largest;     // documents of the largest cluster
    uint64_t n_rounds;    // exchanges until nothing changed
};

struct duplicates;

/// The least memory_bytes for n_ranks. Can't fail.
size_t duplicates_memory_least(int n_ranks);
/// Local. Errors: ERR_USAGE (memory_bytes too small), ERR_MEMORY.
enum err duplicates_open(const struct duplicates_options *o, struct duplicates **out) MUST_CHECK;
/// Adds keys of a document of this rank; keys may repeat, documents come in any order. Local.
/// Errors: ERR_IO (spill), ERR_MEMORY.
enum err duplicates_add(struct duplicates *d, uint64_t document, const uint64_t *keys,
                        size_t n_keys) MUST_CHECK;
/// Finds the clusters over all ranks. mine is this rank's error so far: everyone learns the worst.
/// Collective. Errors: any rank's; ERR_INVARIANT when two ranks added documents of one part.
enum err duplicates_resolve(struct duplicates *d, enum err mine) MUST_CHECK;
/// The next document of this rank that is to be dropped, ascending; *more false at the end. Local.
/// Errors: ERR_IO.
enum err duplicates_next(struct duplicates *d, struct duplicate *out, bool *more) MUST_CHECK;
/// Totals, the same on every rank. After duplicates_resolve. Can't fail.
struct duplicates_count duplicates_count(const struct duplicates *d);
/// Most bytes of memory that this rank held. Can't fail.
size_t duplicates_peak_bytes(const struct duplicates *d);
/// Frees memory and spill files; NULL is fine. Can't fail.
void duplicates_close(struct duplicates *d);
