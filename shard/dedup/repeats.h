#pragma once
// Exact repeats: items (documents, paragraphs, lines) with a key; of the items with one key the
// first in the global order (document number, then item number) stays, the others are repeats. No
// clusters: dropping one item does not change the others. The same for any number of ranks.
//
//     TRY(repeats_open(&options, &r));
//     e = repeats_add(r, number, line, exact_key(...));      // each item of this rank, once
//     TRY(repeats_resolve(r, e));                            // collective
//     while ((e = repeats_next(r, &repeat, &more)) == OK && more) ...
//     repeats_close(r);
//
// Options and document numbers are those of duplicates.h.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/dedup/duplicates.h"

struct repeat {
    uint64_t document;
    uint32_t item;
    uint64_t first; // document where the key stands first (document itself for a repeat inside it)
};

struct repeats;

/// The least memory_bytes for n_ranks. Can't fail.
size_t repeats_memory_least(int n_ranks);
/// Local. Errors: ERR_USAGE (memory_bytes too small), ERR_MEMORY.
enum err repeats_open(const struct duplicates_options *o, struct repeats **out) MUST_CHECK;
/// Adds item number item of a document of this rank. Local. Errors: ERR_IO (spill), ERR_MEMORY.
enum err repeats_add(struct repeats *r, uint64_t document, uint32_t item, uint64_t key) MUST_CHECK;
/// Finds the repeats over all ranks. mine is this rank's error so far. Collective. Errors: any
/// rank's; ERR_INVARIANT when two ranks added documents of one part.
enum err repeats_resolve(struct repeats *r, enum err mine) MUST_CHECK;
/// The next repeat among this rank's items, ascending by document and item; *more false at the end.
/// Local. Errors: ERR_IO.
enum err repeats_next(struct repeats *r, struct repeat *out, bool *more) MUST_CHECK;
/// Repeats over all ranks. After repeats_resolve. Can't fail.
uint64_t repeats_n_dropped(const struct repeats *r);
/// Most bytes of memory that this rank held. Can't fail.
size_t repeats_peak_bytes(const struct repeats *r);
/// Frees memory and spill files; NULL is fine. Can't fail.
void repeats_close(struct repeats *r);
