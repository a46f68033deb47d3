#pragma once
// All master weights of a checkpoint, whole, in memory, by name.

#include "trainer/checkpoint/checkpoint.h"
#include "trainer/eval/snapshot.h"
#include "trainer/run/slab.h"

struct weights {
    struct checkpoint_model model;
    const char *checkpoint;
    struct slab slab;
    float **data; // [model.n_tensors]
};

/// Reads them and checks the hash of all. Tables live in a. Local. Errors: of checkpoint_load;
/// ERR_CORRUPT, ERR_MEMORY.
enum err weights_open(struct weights *w, const struct snapshot *s, struct arena *a) MUST_CHECK;
/// Also of one that was not opened (zeroed).
void weights_close(struct weights *w);
/// Index of the tensor of that name. Errors: ERR_DATA.
enum err weights_find(const struct weights *w, const char *name, size_t *out) MUST_CHECK;
