#pragma once
// Best-fit decreasing: pieces of at most T tokens into rows of T, longest first, each into the row
// with the least room that still takes it (of several such rows the one that came to this room
// last); a piece that fits nowhere begins a row. At most one row ends half empty or more.
//
//     T = 8, pieces 5 3 2 6 4    longest first 6 5 4 3 2
//     row 0  6 2    row 1  5 3    row 2  4

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct best_fit_result {
    uint32_t *order; // [n]: pieces, longest first, equal ones as they came
    uint32_t *rows;  // [n]: the row of each piece, numbered as they begin
    uint32_t n_rows;
};

/// lengths[n], each 1 to T. O(n + T) and a few bit scans a piece; the result lives in a. Can't
/// fail.
void best_fit_assign(const uint32_t *lengths, size_t n, uint32_t T, struct arena *a,
                     struct best_fit_result *out);
