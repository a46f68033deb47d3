#pragma once
// The order of one source's rows within one epoch: index -> (bin, row of the bin). Bins are
// permuted, cut into windows of a few bins, and the rows of a window are permuted among its bins:
// what is read at any time is one window. Permutations are keyed Feistel networks, so the table
// costs O(bins) and nothing per row. `sequential` walks bins and rows as they lie.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row_order_rule {
    uint64_t key; // of (seed, source)
    uint64_t window_bins;
    bool sequential;
};

struct row_order_table {
    const struct row_order_rule *rule; // borrowed
    uint64_t epoch;                    // UINT64_MAX = not built
    size_t n_bins;
    uint32_t *bins; // [n_bins]: the epoch's order, as indices into the rows_of_bin given to build
    uint64_t *first_row; // [n_bins + 1]: rows before bins[i]
};

/// Fills table (its arrays belong to the caller) for epoch. n_bins >= 1. Can't fail.
void row_order_build(struct row_order_table *table, const struct row_order_rule *rule,
                     const uint32_t *rows_of_bin, size_t n_bins, uint64_t epoch);
/// The place of index in table->bins, and how many of its window's rows are taken when index rows
/// of the epoch are: what a report of progress needs. index <= the epoch's rows. Can't fail.
struct row_order_progress {
    size_t first_bin, last_bin; // of the window under way, places in table->bins
    uint64_t taken, n_rows;     // of the window's rows
};
void row_order_progress(const struct row_order_table *table, uint64_t index,
                        struct row_order_progress *out);
/// index < the epoch's rows. Can't fail.
void row_order_find(const struct row_order_table *table, uint64_t index, uint32_t *bin,
                    uint64_t *row);
