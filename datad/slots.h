#pragma once
// A client's slots in memory that datad writes and the client only reads: one memfd with the
// batches, one with a futex word a slot, both sealed so that neither side can shrink, grow or (but
// for datad's own mapping) write them. A slot's word is the sequence number of the request that it
// answers.

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct slots {
    size_t n_slots, slot_bytes;
    uint8_t *rows; // [n_slots * slot_bytes]; read-only in a client
    _Atomic uint32_t *words;
};

/// datad's side: two new descriptors for the client (the caller closes them) and a writable
/// mapping. Errors: ERR_MEMORY.
enum err slots_create(size_t n_slots, size_t slot_bytes, int fds[2], struct slots *out) MUST_CHECK;
/// A client's side: maps fds read-only; the caller still closes them. Errors: ERR_DATA when they
/// are not sealed or too short.
enum err slots_map(size_t n_slots, size_t slot_bytes, const int fds[2],
                   struct slots *out) MUST_CHECK;
/// Unmaps and zeroes s; nothing to do when s is zero. Can't fail.
void slots_unmap(struct slots *s);
uint8_t *slots_row(const struct slots *s, size_t slot);
/// datad: the slot answers sequence from now on; wakes who waits. Can't fail.
void slots_publish(struct slots *s, size_t slot, uint32_t sequence);
/// Client: whether the slot answers sequence. Can't fail.
bool slots_ready(const struct slots *s, size_t slot, uint32_t sequence);
/// Client: sleeps at most limit_ns or until the slot's word changes. Can't fail.
void slots_sleep(const struct slots *s, size_t slot, uint32_t sequence, uint64_t limit_ns);
