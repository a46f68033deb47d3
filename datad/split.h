#pragma once
// Training and validation: whole bins are held out, chosen by the dataset's hash alone, so that
// runs with other seeds, mixtures or sequence lengths hold out the same documents and no document
// is in both splits.

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "datad/source.h"

enum split { SPLIT_TRAIN, SPLIT_VALIDATION, SPLIT_N };

/// "train" or "validation". Can't fail.
const char *split_name(enum split split);

struct split_bins {
    uint32_t *bins; // ascending
    size_t n_bins;
    uint64_t n_tokens;
};

/// The bins of one split of source. Held out are the fewest bins, in an order drawn from the
/// source's hash, with at least fraction (of 1) of its tokens: one or more when fraction > 0, none
/// of a source of one bin, and never all. Can't fail.
void split_build(const struct source *source, enum split split, double fraction, struct arena *a,
                 struct split_bins *out);
