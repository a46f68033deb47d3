#pragma once
// Byte-pair merging of one piece: of all adjacent pairs of tokens, the one with the lowest rank is
// joined, the leftmost on a tie, until no pair has a rank. Steps are at most proportional to the
// bytes of the piece.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "shard/tokenizer/bit_tree.h"
#include "shard/tokenizer/pair_table.h"

struct bpe_merge {
    uint32_t left, right; // ids
    uint32_t id;          // of what they give
};

struct bpe {
    uint32_t byte_ids[256];
    struct bpe_merge *merges; // index = rank
    size_t n_merges, capacity;
    struct pair_table joins; // (left, right) -> rank << 32 | id
    uint64_t *byte_joins;    // [65536]: of two bytes, first one high; PAIR_TABLE_NONE if none
};

// What merging a long piece needs; see bpe_long.c. Between pieces all lists are empty.
struct bpe_node {
    uint32_t id, rank, previous, next;
    uint32_t before, after; // in the list of its rank, a ring
};

struct bpe_scratch {
    struct bpe_node *nodes;
    uint32_t *heads; // index = rank: the first node of its list, UINT32_MAX = empty
    size_t nodes_capacity, heads_capacity;
    struct bit_tree ranks;  // of the lists that are not empty
    struct bit_tree places; // to put a list in order
    uint64_t n_steps;       // pairs and words of trees looked at, nodes moved: grows with the work
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
/// What s holds: at most 1.5 times 24.2 bytes a token of its longest piece and 4.2 bytes a merge.
/// Can't fail.
size_t bpe_scratch_bytes(const struct bpe_scratch *s);
/// Frees what s grew to. Can't fail.
void bpe_scratch_close(struct bpe_scratch *s);
