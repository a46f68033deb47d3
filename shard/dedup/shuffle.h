#pragma once
// A shuffle carries fixed-size records between ranks and hands them on sorted: whatever arrives at
// a rank comes out in ascending order, compared word by word, so it does not depend on who sent it
// or when (equal records stay separate). Memory is bounded; what does not fit waits in spill files
// that have no name, so that even a killed rank leaves nothing behind.
//
//     struct shuffle s;
//     TRY(shuffle_open(&s, &options));                       // {key, document}: n_words 2
//     e = shuffle_add(&s, shuffle_rank_of(key, n_ranks), record);    // any number of times
//     TRY(shuffle_exchange(&s, e));                          // collective
//     while ((e = shuffle_next(&s, record, &more)) == OK && more) ...
//     shuffle_close(&s);

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "shard/dedup/held.h"
#include "shard/dedup/inbox.h"
#include "shard/dedup/outbox.h"
#include "topology/fabric.h"

enum { SHUFFLE_WORDS_LIMIT = 4 };

struct shuffle_options {
    struct fabric *fabric;
    uint64_t *seq;       // next free sequence number of the fabric, equal on all ranks; moves on
    const char *folder;  // of spill files, exists; borrowed until close
    const char *name;    // in file names and error lines; borrowed until close
    size_t n_words;      // of a record: 1 .. SHUFFLE_WORDS_LIMIT
    size_t memory_bytes; // of all buffers of this rank; at least shuffle_memory_least()
    struct held *held;   // counts the memory held; borrowed until close
};

struct shuffle {
    struct shuffle_options options;
    struct outbox outbox;   // to other ranks
    struct inbox inbox;     // at this rank
    size_t n_quota_records; // of a message between two ranks
    bool open;
};

/// The rank that a key belongs to: a mix of its bits, so keys may be anything. Can't fail.
int shuffle_rank_of(uint64_t key, int n_ranks);
/// The least memory_bytes with which n_ranks can shuffle records of n_words. Can't fail.
size_t shuffle_memory_least(size_t n_words, int n_ranks);
/// Makes an empty shuffle; no file yet. Local. Errors: ERR_USAGE (memory_bytes too small).
enum err shuffle_open(struct shuffle *s, const struct shuffle_options *o) MUST_CHECK;
/// Sends record[n_words] to rank (copied). Before the exchange only. Local. Errors: ERR_IO
/// ERR_MEMORY.
enum err shuffle_add(struct shuffle *s, int rank, const uint64_t *record) MUST_CHECK;
/// Moves everything to its rank. mine is this rank's error so far: everyone learns the worst.
/// Collective. Errors: any rank's; then the shuffle can only be closed.
enum err shuffle_exchange(struct shuffle *s, enum err mine) MUST_CHECK;
/// The next record that arrived here, ascending; *more false (record unchanged) at the end. Local.
/// Errors: ERR_IO.
enum err shuffle_next(struct shuffle *s, uint64_t *record, bool *more) MUST_CHECK;
/// Records that arrived at this rank, after the exchange. Can't fail.
uint64_t shuffle_n_records(const struct shuffle *s);
/// Frees memory and files; fine after a failed open and when *s is zero. Can't fail.
void shuffle_close(struct shuffle *s);
