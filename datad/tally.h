#pragma once
// What has been asked of datad and what it answered: one for each client, one for all clients ever.
// The server's thread counts requests, workers count batches, and whoever reports reads.

#include <stdatomic.h>
#include <stdint.h>

#include "base/err.h"

// Bounds of the histogram of seconds that a batch took to make: 1 ms, 4 ms, ... 16.4 s; then more.
enum { TALLY_BOUNDS = 8, TALLY_SAMPLES = 16 };

struct tally {
    atomic_uint_least64_t requests, batches, errors; // errors are among the batches
    atomic_uint_least64_t tokens, loss_tokens, lost_images;
    atomic_uint_least64_t making_ns;
    atomic_uint_least64_t within[TALLY_BOUNDS + 1]; // batches in each interval
};

/// Upper bound i of the histogram in ns. Can't fail.
uint64_t tally_bound_ns(size_t i);
/// A request has come. Thread-safe.
void tally_request(struct tally *t);
/// A batch of n_tokens, loss_tokens of them targets, took ns to make; e is what its header says.
/// Thread-safe.
void tally_batch(struct tally *t, enum err e, uint64_t n_tokens, uint64_t loss_tokens, uint64_t ns);
/// n images of a batch could not be decoded. Thread-safe.
void tally_lost_images(struct tally *t, uint64_t n);

// Tokens a second over the last seconds, from samples taken now and then. One thread.
struct rate {
    struct {
        uint64_t at_ns, tokens;
    } samples[TALLY_SAMPLES];
    size_t n_samples; // ever
};

/// Notes that tokens had been answered at at_ns, unless the last note is younger than a second.
void rate_note(struct rate *r, uint64_t at_ns, uint64_t tokens);
/// Tokens a second from the oldest kept note until at_ns; 0 without one.
double rate_of(const struct rate *r, uint64_t at_ns, uint64_t tokens);
