#pragma once
// The mixture: which source a position of the run's stream draws from, in closed form. Weights are
// constant within a segment of positions. A segment is a chain of two-way splits: of n rows that
// reach source s, floor(n * share + 1/2) are its own and the others go on to source s + 1. A
// position is its own exactly when that count grows there, and the count is its index:
//
//     weights 2 : 1 : 1, shares 1/2, 1/2, 1
//     position      0 1 2 3 4 5 6 7 8
//     source 0      0   1   2   3   4      (index within the source)
//     the others      0   1   2   3
//       source 1      0       1
//       source 2          0       1

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

enum { MIXTURE_SOURCES = 64, MIXTURE_SEGMENTS = 256 };

struct mixture_segment {
    uint64_t first_position;
    const double *weights; // [n_sources], >= 0, not all 0
};

struct mixture;

/// Segments are in order of first_position and begin at 0. Errors: ERR_CONFIG for weights that are
/// negative, not finite or all 0.
enum err mixture_build(const struct mixture_segment *segments, size_t n_segments, size_t n_sources,
                       struct arena *a, struct mixture **out) MUST_CHECK;
/// The source of position and the position's index among that source's. Can't fail.
void mixture_find(const struct mixture *m, uint64_t position, size_t *source, uint64_t *index);
/// How many of the positions before position draw from source. Can't fail.
uint64_t mixture_count(const struct mixture *m, size_t source, uint64_t position);
