#pragma once
// The inner loop of MinHash: least values of permuted hashes. One row an instruction set; all give
// the same values.

#include <stddef.h>
#include <stdint.h>

#define MINHASH_PRIME (((uint64_t)1 << 61) - 1)

/// least[j] = min(least[j], (a[j] * h + b[j]) mod MINHASH_PRIME) over the n_hashes hashes h, the
/// product and sum modulo 2^64; j < n_values. Can't fail.
typedef void (*minhash_least_fn)(const uint64_t *a, const uint64_t *b, size_t n_values,
                                 const uint64_t *hashes, size_t n_hashes, uint64_t *least);

struct minhash_least {
    const char *name; // as in WEFT_ISA
    minhash_least_fn run;
};

/// The implementations that this CPU has, the reference ("scalar") first, the best last. *n of
/// them. Can't fail.
const struct minhash_least *minhash_least_list(size_t *n);
/// The last of them, or the one that WEFT_ISA names as the limit. Can't fail.
minhash_least_fn minhash_least_best(void);
