#pragma once
// The ranks on which a checkpoint is looked at, with threads on their cores.

#include "base/arena.h"
#include "base/pool.h"
#include "topology/fabric.h"
#include "trainer/config.h"

struct workplace {
    struct fabric *fabric;
    struct pool *pool;
};

/// One rank, without peers: train.threads of c, or all cores that this process may use. Lives in a.
/// Local. Errors: ERR_IO.
enum err workplace_open(struct workplace *w, const struct config *c, struct arena *a) MUST_CHECK;
/// The ranks that mpirun or srun started, or one. Collective. Errors: ERR_IO, ERR_GONE.
enum err workplace_open_ranks(struct workplace *w, const struct config *c,
                              struct arena *a) MUST_CHECK;
/// Also of one that was not opened (zeroed). Collective.
void workplace_close(struct workplace *w);
