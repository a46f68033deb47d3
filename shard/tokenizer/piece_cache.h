#pragma once
// Remembers the tokens of short pieces, one place a hash: text repeats its words. An entry is a
// cache line.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/span.h"

enum { PIECE_CACHE_KEY_BYTES = 32, PIECE_CACHE_IDS = 7, PIECE_CACHE_SLOTS = 1 << 15 };

struct piece_key {
    uint64_t words[PIECE_CACHE_KEY_BYTES / 8]; // the piece's bytes, then zeros
};

struct piece_entry {
    struct piece_key key;
    uint32_t ids[PIECE_CACHE_IDS];
    uint8_t n_bytes; // 0 = free
    uint8_t n_ids;
};

struct piece_cache {
    struct piece_entry *entries; // [PIECE_CACHE_SLOTS], 64-byte aligned
};

/// The key of piece, of at most PIECE_CACHE_KEY_BYTES bytes. readable_bytes may be read from
/// piece.data on. Can't fail.
static inline struct piece_key piece_key_of(struct span piece, size_t readable_bytes)
{
    struct piece_key key = {{0}};
    if (piece.n_bytes > 16 || readable_bytes < 16) {
        memcpy(&key, piece.data, piece.n_bytes);
        return key;
    }
    memcpy(&key, piece.data, 16);
    unsigned n_bits = (unsigned)piece.n_bytes * 8;
    if (n_bits < 64) {
        key.words[0] &= ((uint64_t)1 << n_bits) - 1;
        key.words[1] = 0;
    } else if (n_bits < 128) {
        key.words[1] &= ((uint64_t)1 << (n_bits - 64)) - 1;
    }
    return key;
}

/// The place of key: the entry there is that piece's if piece_entry_holds says so. Can't fail.
static inline struct piece_entry *piece_cache_at(const struct piece_cache *c,
                                                 const struct piece_key *key)
{
    uint64_t h = (key->words[0] ^ key->words[2]) * 0x9E3779B97F4A7C15u;
    h = (h ^ h >> 32 ^ key->words[1] ^ key->words[3]) * 0xD6E8FEB86659FD93u;
    return &c->entries[h >> (64 - 15)];
}

static inline bool piece_entry_holds(const struct piece_entry *e, const struct piece_key *key,
                                     size_t n_bytes)
{
    uint64_t differs = (e->key.words[0] ^ key->words[0]) | (e->key.words[1] ^ key->words[1]) |
                       (e->key.words[2] ^ key->words[2]) | (e->key.words[3] ^ key->words[3]);
    return differs == 0 && e->n_bytes == n_bytes;
}
