#pragma once
// Byte-pair merging of one piece: of all adjacent pairs of tokens, the one with the lowest rank is
// joined, the leftmost on a tie, until no pair has a rank. Steps are at most proportional to n log
// n in the bytes of the piece.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/tokenizer/pair_table.h"

struct bpe_merge {
    uint32_t left, right; // ids
    uint32_t id;          // of what they give
};

struct bpe {
    uint32_t byte_ids[256];
    struct bpe_merge *merges; // index = rank
    size_t n_merges, capacity;
    struct pair_table ranks; // (left, right) -> rank
    // [65536]: rank of the pair of two bytes, first one high; PAIR_TABLE_NONE if none
    uint32_t *byte_pair_ranks;
};

struct bpe_node {
    uint32_t id, rank, previous, next;
};

struct bpe_scratch {
    struct bpe_node *nodes;
    uint64_t *heap; // rank << 32 | position
    size_t n_heap, heap_capacity, nodes_capacity;
    uint64_t n_steps; // pairs looked at and places moved in the heap: grows with the work done
};

/// A model without merges. Errors: ERR_MEMORY.
enum err bpe_open(struct bpe *b, const uint32_t byte_ids[256]) MUST_CHECK;
void bpe_close(struct bpe *b);
/// b with its arrays moved into a; b itself is closed. Can't fail.
struct bpe bpe_take(struct bpe *b, struct arena *a);
/// Adds the merge with the next rank. Errors: ERR_MEMORY; ERR_DATA when the pair has a rank
/// already.
enum err bpe_add(struct bpe *b, struct bpe_merge merge) MUST_CHECK;
/// ids[piece.n_bytes] gets the tokens of piece, *n_ids their number. Errors: ERR_MEMORY.
enum err bpe_encode(const struct bpe *b, struct bpe_scratch *s, struct span piece, uint32_t *ids,
                    size_t *n_ids) MUST_CHECK;
/// As bpe_encode, of *n_ids tokens in ids (characters, say), which are joined in place. Errors:
/// ERR_MEMORY.
enum err bpe_join(const struct bpe *b, struct bpe_scratch *s, uint32_t *ids,
                  size_t *n_ids) MUST_CHECK;
/// Frees what s grew to. Can't fail.
void bpe_scratch_close(struct bpe_scratch *s);
